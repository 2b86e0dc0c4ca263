import Glibc
import Reactor
import Wire

/// The files of a partial download: made where they are missing, and measured.
struct PartialFiles {
    /// Of the partial file or directory.
    let identity: FileIdentity
    /// The partial directory.
    let folder: Folder?
    /// Whether nothing of it was there.
    let isNew: Bool
    /// Parts of the piece space that hold zeros, whatever is recorded of them.
    private(set) var fresh: [Range<Int64>] = []

    /// Blocks. Where it fails nothing new stays behind.
    /// - Parameter isRecorded: whether the file or directory that is there was recorded as this
    ///   download's.
    init(
        _ target: DownloadTarget, isRecorded: (FileIdentity) -> Bool
    ) throws(CommandError) {
        let path = target.partPath
        var single: SharedFile?
        if target.info.isDirectory {
            isNew = try Self.makeFolder(path)
            let folder = try DiskFile.openFolder(path)
            self.folder = folder
            identity = try Self.identity(of: folder.descriptor, path)
        } else {
            let (file, isNew) = try DiskFile.openForWriting(path)
            self.isNew = isNew
            folder = nil
            identity = try Self.identity(of: file.descriptor, path)
            single = file
        }
        do throws(CommandError) {
            if let folder {
                let isRecorded = isRecorded(identity)
                if !isNew && !isRecorded { try Self.requireNoStrangers(in: folder, target) }
                try makeFiles(of: target, in: folder, isRecorded: isRecorded)
            } else if let single {
                try fill(single, path, length: target.info.length, at: 0, isRecorded: false)
            }
        } catch {
            if isNew { try? target.removePart() }
            throw error
        }
        noteMissingEdges(of: target)
    }

    private static func identity(
        of descriptor: Int32, _ path: String
    ) throws(CommandError) -> FileIdentity {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw DiskFile.failure("measuring", path, errno)
        }
        return FileIdentity(status)
    }

    /// - Returns: whether it is new.
    private static func makeFolder(_ path: String) throws(CommandError) -> Bool {
        if mkdir(path, 0o755) == 0 { return true }
        guard errno == EEXIST else { throw DiskFile.failure(creating: path, errno) }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw inTheWay(path, "it is not a directory")
        }
        return false
    }

    private static func inTheWay(_ path: String, _ reason: String) -> CommandError {
        CommandError(
            "\(path) is in the way: it is no part of this download (\(reason)): remove it or"
                + " name another destination", .fileExists)
    }

    /// The directory gets the destination's name with all that is in it.
    private static func requireNoStrangers(
        in folder: Folder, _ target: DownloadTarget
    ) throws(CommandError) {
        let path = target.partPath
        let found: [DirectoryWalk.File]
        do throws(CommandError) {
            found = try DirectoryWalk.files(below: folder, path: path)
        } catch {
            throw inTheWay(path, "there is more than files in it")
        }
        let own = Set(target.storedFiles.map { Array(target.info.files[$0].joinedPath.utf8) })
        let stranger = found.first { !own.contains(Array($0.path.joined(separator: "/").utf8)) }
        if let stranger {
            throw inTheWay(path, "\(stranger.path.joined(separator: "/")) is in it")
        }
    }

    private mutating func makeFiles(
        of target: DownloadTarget, in folder: Folder, isRecorded: Bool
    ) throws(CommandError) {
        let root = target.partPath
        for path in target.storedFolders {
            do throws(SystemError) {
                let parent = Path.directory(of: path)
                let holder = parent == "." ? folder : try folder.folder(parent)
                try holder.makeFolder(Path.name(of: path))
            } catch {
                throw DiskFile.failure(creating: root + "/" + path, error.code)
            }
        }
        for index in target.storedFiles {
            let file = target.info.files[index]
            let (opened, _) = try DiskFile.openOrMake(file.joinedPath, in: folder, root)
            try fill(
                opened, root + "/" + file.joinedPath, length: file.length, at: file.offset,
                isRecorded: isRecorded)
        }
    }

    /// Gives a file its full length with the space behind it, so that a full disk shows now.
    private mutating func fill(
        _ file: SharedFile, _ path: String, length: Int64, at offset: Int64, isRecorded: Bool
    ) throws(CommandError) {
        let size = try Self.identity(of: file.descriptor, path).size
        guard size != length else { return }
        if size > 0 {
            guard isRecorded else {
                throw Self.inTheWay(path, "\(size) bytes instead of \(length)")
            }
            guard ftruncate(file.descriptor, 0) == 0 else {
                throw DiskFile.failure("shortening", path, errno)
            }
        }
        fresh.append(offset..<offset + length)
        guard length > 0 else { return }
        do throws(SystemError) {
            try FileSystem.allocate(file, length: length)
        } catch {
            guard [EOPNOTSUPP, ENOSYS].contains(error.code) else {
                throw DiskFile.failure("reserving \(length) bytes", path, error.code)
            }
            // Space can't be reserved here: then a write finds out.
            guard ftruncate(file.descriptor, off_t(length)) == 0 else {
                throw DiskFile.failure("reserving \(length) bytes", path, errno)
            }
        }
    }

    /// The file of the edges is made with the first bytes that belong there.
    private mutating func noteMissingEdges(of target: DownloadTarget) {
        guard let selection = target.selection, !DiskFile.exists(target.edgesPath) else { return }
        for (index, file) in target.info.files.enumerated() {
            if !file.isPad, !selection.contains(index), file.length > 0 { fresh.append(file.range) }
        }
    }
}
