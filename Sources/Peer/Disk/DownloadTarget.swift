import Glibc
import PeerCore
import Reactor
import Wire

/// What is downloaded, and where to.
struct DownloadTarget: Sendable {
    let info: Info
    /// The files of a directory that are wanted; nil for all.
    let selection: FileSelection?
    /// Absolute path of the complete file or directory.
    let destination: String
    /// Of the file that keeps what pieces have of files that aren't wanted.
    let edgesPath: String

    /// The file or directory until it is complete.
    var partPath: String { Self.partPath(for: destination) }

    static func partPath(for destination: String) -> String { destination + ".part" }

    var layout: ContentLayout { ContentLayout(info, selection: selection) }

    /// The pieces to fetch; nil for all.
    var wantedPieces: Bitfield? { selection?.pieces(of: info) }

    /// Indices of the files that are stored.
    var storedFiles: [Int] {
        info.files.indices.filter { index in
            !info.files[index].isPad && selection?.contains(index) != false
        }
    }

    /// The directories that the stored files lie in, below the torrent's own; each comes after
    /// those it lies in.
    var storedFolders: [String] {
        // By bytes: two strings may be equal that are two names on disk.
        var seen: Set<[UInt8]> = []
        var folders: [String] = []
        for index in storedFiles {
            var folder = ""
            for component in info.files[index].path.dropLast() {
                folder += folder.isEmpty ? component : "/" + component
                if seen.insert(Array(folder.utf8)).inserted { folders.append(folder) }
            }
        }
        return folders
    }

    /// Deletes the partial download if it is the one on record: what merely has its name stays.
    func removePart(recordedBy resume: Resume?) throws(CommandError) {
        guard let resume, let identity = DiskFile.identity(at: partPath),
            identity.device == resume.device, identity.inode == resume.inode
        else { return }
        try removePart()
    }

    /// Deletes the partial download, and nothing else that may lie in its directory.
    func removePart() throws(CommandError) {
        unlink(edgesPath)
        guard DiskFile.exists(partPath) else { return }
        guard info.isDirectory else {
            guard unlink(partPath) == 0 else {
                throw DiskFile.failure("deleting", partPath, errno)
            }
            return
        }
        let folder = try DiskFile.openFolder(partPath)
        do throws(SystemError) {
            for index in storedFiles {
                try Self.ignoringMissing { () throws(SystemError) in
                    try folder.remove(info.files[index].joinedPath)
                }
            }
            for path in storedFolders.reversed() {
                try Self.ignoringMissing { () throws(SystemError) in
                    try folder.remove(path, isFolder: true)
                }
            }
        } catch {
            throw DiskFile.failure("deleting", partPath, error.code)
        }
        guard rmdir(partPath) == 0 else { throw DiskFile.failure("deleting", partPath, errno) }
    }

    /// What is gone already, or lies in a directory with strangers in it, is no failure.
    private static func ignoringMissing(
        _ body: () throws(SystemError) -> Void
    ) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch {
            guard [ENOENT, ENOTEMPTY].contains(error.code) else { throw error }
        }
    }
}
