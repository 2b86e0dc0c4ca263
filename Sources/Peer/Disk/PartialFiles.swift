import Glibc
import Reactor
import Wire

/// The files of a partial download: measured first, then made where they are missing.
struct PartialFiles {
    /// Of the partial file or directory.
    let identity: FileIdentity
    /// The partial directory.
    let folder: Folder?
    /// Of a download that isn't a directory.
    private let single: SharedFile?
    /// Whether nothing of it was there.
    let isNew: Bool
    /// Stored files that aren't there in full, by their indices: when they are made they hold
    /// zeros, whatever is recorded of them.
    private(set) var missing: [Int] = []
    /// Files that are there, by their indices, and aren't wanted any more.
    private(set) var unwanted: [Int] = []

    /// Opens or makes the partial file or directory, and looks at what is in it; blocks. Where it
    /// fails nothing new stays behind.
    /// - Parameter isRecorded: whether the file or directory that is there was recorded as this
    ///   download's.
    init(
        _ target: DownloadTarget, isRecorded: (FileIdentity) -> Bool
    ) throws(CommandError) {
        let path = target.partPath
        if target.info.isDirectory {
            isNew = try Self.makeFolder(path, in: target.root)
            let folder = try target.root.openFolder(path)
            self.folder = folder
            single = nil
            identity = try Self.identity(of: folder.descriptor, path)
        } else {
            let (file, isNew) = try target.root.openForWriting(path)
            self.isNew = isNew
            folder = nil
            single = file
            identity = try Self.identity(of: file.descriptor, path)
        }
        do throws(CommandError) {
            let isRecorded = folder != nil && isRecorded(identity)
            if let folder, !isNew, !isRecorded { try Self.requireNoStrangers(in: folder, target) }
            for index in target.storedFiles {
                try measure(index, of: target, isRecorded: isRecorded)
            }
            if isRecorded, !isNew { noteUnwanted(of: target) }
        } catch {
            if isNew { try? target.removePart() }
            throw error
        }
    }

    /// What has another size is not this download's, unless that is recorded: then it was cut off.
    private mutating func measure(
        _ index: Int, of target: DownloadTarget, isRecorded: Bool
    ) throws(CommandError) {
        let file = target.info.files[index]
        let size: Int64
        if let folder {
            let found = try DiskFile.identityIfAny(
                of: file.joinedPath, in: folder, target.partPath)
            guard let found else { return missing.append(index) }
            size = found.size
        } else {
            size = identity.size
        }
        guard size != file.length else { return }
        guard size == 0 || isRecorded else {
            throw Self.inTheWay(
                target.path(ofPart: index), "\(size) bytes instead of \(file.length)")
        }
        missing.append(index)
    }

    private mutating func noteUnwanted(of target: DownloadTarget) {
        guard let selection = target.selection else { return }
        unwanted = target.info.files.indices.filter { index in
            !target.info.files[index].isPad && !selection.contains(index)
                && target.root.exists(target.path(ofPart: index))
        }
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
    private static func makeFolder(
        _ path: String, in root: ShareRoot
    ) throws(CommandError) -> Bool {
        do throws(SystemError) {
            try root.makeFolder(path)
            return true
        } catch {
            guard error.code == EEXIST else { throw root.failure(creating: path, error.code) }
        }
        guard root.isDirectoryItself(path) else {
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

    /// Makes the files that are missing, in their full length, with the space behind them, so that
    /// a full disk shows now, and deletes what isn't wanted any more; blocks.
    func make(_ target: DownloadTarget) throws(CommandError) {
        if let folder { try target.remove(unwanted, from: folder) }
        if let folder { try target.makeFolders(in: folder, target.partPath) }
        for index in missing {
            let file = target.info.files[index]
            try Self.fill(
                opened(index, of: target), target.path(ofPart: index), length: file.length)
        }
    }

    private func opened(
        _ index: Int, of target: DownloadTarget
    ) throws(CommandError) -> SharedFile {
        if let single { return single }
        guard let folder else { preconditionFailure("a file or a directory") }
        return try DiskFile.openOrMake(
            target.info.files[index].joinedPath, in: folder, target.partPath
        ).0
    }

    private static func fill(
        _ file: SharedFile, _ path: String, length: Int64
    ) throws(CommandError) {
        guard ftruncate(file.descriptor, 0) == 0 else {
            throw DiskFile.failure("shortening", path, errno)
        }
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

    /// Puts into the files that were just made what the file of the edges has of them, in these
    /// pieces: they are to be hashed then. Blocks.
    func fillFromEdges(
        _ target: DownloadTarget, pieces isWanted: (Int) -> Bool
    ) throws(CommandError) {
        guard let edges = try? DiskFile.openForReading(target.edgesPath) else { return }
        for index in missing where target.info.files[index].length > 0 {
            let file = target.info.files[index]
            let wanted = target.info.pieces(of: file.range).filter(isWanted)
            guard !wanted.isEmpty else { continue }
            let (opened, path) = (try opened(index, of: target), target.path(ofPart: index))
            for piece in wanted {
                let range = target.info.range(ofPiece: piece).clamped(to: file.range)
                let bytes = try DiskFile.contents(
                    of: edges, path: target.edgesPath, size: range.count, at: range.lowerBound)
                try bytes.withUnsafeBufferPointer { bytes throws(CommandError) in
                    try DiskFile.write(
                        UnsafeRawBufferPointer(bytes), to: opened,
                        at: range.lowerBound - file.offset, path: path)
                }
            }
        }
    }
}
