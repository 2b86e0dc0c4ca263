import Glibc
import PeerCore
import Reactor
import Wire

/// What is downloaded, and where to.
struct DownloadTarget: Sendable {
    let info: Info
    /// What `destination` has to lie below.
    let root: ShareRoot
    /// The files of a directory that are wanted; nil for all.
    let selection: FileSelection?
    /// Absolute path of the complete file or directory.
    let destination: String
    /// Of the file that keeps what pieces have of files that aren't wanted.
    let edgesPath: String
    /// Wanted files that are at the destination already, since fewer were wanted at first, and
    /// what they were when they were hashed: they are read, and never written.
    var inPlace: [Int: FileIdentity] = [:]
    /// Whether the stored files go one by one into the directory that is at the destination.
    var joinsDestination = false

    /// The file or directory until it is complete.
    var partPath: String { Self.partPath(for: destination) }

    static func partPath(for destination: String) -> String { destination + ".part" }

    var layout: ContentLayout { ContentLayout(info, selection: selection) }

    /// The pieces to fetch; nil for all.
    var wantedPieces: Bitfield? { selection?.pieces(of: info) }

    /// Indices of the files that are wanted.
    private var wantedFiles: [Int] {
        info.files.indices.filter { index in
            !info.files[index].isPad && selection?.contains(index) != false
        }
    }

    /// Indices of those of them that are stored in the partial file or directory.
    var storedFiles: [Int] { wantedFiles.filter { inPlace[$0] == nil } }

    /// Where a file lies until all is complete.
    func path(ofPart index: Int) -> String {
        info.isDirectory ? partPath + "/" + info.files[index].joinedPath : partPath
    }

    /// Where a file lies in the end.
    func finalPath(of index: Int) -> String {
        info.isDirectory ? destination + "/" + info.files[index].joinedPath : destination
    }

    /// Makes the directories that the stored files lie in, where they are missing.
    /// - Parameter root: the path of `folder`, for messages.
    func makeFolders(in folder: Folder, _ root: String) throws(CommandError) {
        for path in folders(of: storedFiles) {
            do throws(SystemError) {
                let parent = Path.directory(of: path)
                let holder = parent == "." ? folder : try folder.folder(parent)
                try holder.makeFolder(Path.name(of: path))
            } catch {
                throw DiskFile.failure(creating: root + "/" + path, error.code)
            }
        }
    }

    /// The directories that files lie in, below the torrent's own; each comes after those it lies
    /// in.
    private func folders(of files: [Int]) -> [String] {
        // By bytes: two strings may be equal that are two names on disk.
        var seen: Set<[UInt8]> = []
        var folders: [String] = []
        for index in files {
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
        guard let resume, let identity = root.identity(at: partPath),
            identity.device == resume.device, identity.inode == resume.inode
        else { return }
        try removePart()
    }

    /// Deletes the partial download, and nothing else that may lie in its directory. What is in
    /// place stays, with the edges of its pieces.
    func removePart() throws(CommandError) {
        if inPlace.isEmpty { unlink(edgesPath) }
        guard root.exists(partPath) else { return }
        if info.isDirectory { try remove(wantedFiles, from: root.openFolder(partPath)) }
        do throws(SystemError) {
            try root.remove(partPath, isFolder: info.isDirectory)
        } catch {
            throw DiskFile.failure("deleting", partPath, error.code)
        }
    }

    /// Deletes files of the partial directory, and the directories that are empty then.
    func remove(_ files: [Int], from folder: Folder) throws(CommandError) {
        do throws(SystemError) {
            for index in files {
                try Self.ignoringMissing { () throws(SystemError) in
                    try folder.remove(info.files[index].joinedPath)
                }
            }
            for path in folders(of: files).reversed() {
                try Self.ignoringMissing { () throws(SystemError) in
                    try folder.remove(path, isFolder: true)
                }
            }
        } catch {
            throw DiskFile.failure("deleting", partPath, error.code)
        }
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
