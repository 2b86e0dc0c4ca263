import Glibc
import PeerCore
import Reactor
import Synchronization
import Wire

/// A download on disk: `<name>.part` beside the destination, a file or a directory, until it is
/// complete.
///
/// All calls but those of `Content` that say otherwise block and belong on a worker.
final class DownloadContent: Content {
    let target: DownloadTarget
    let layout: ContentLayout
    /// Of the partial file or directory, while it was opened.
    let identity: FileIdentity
    private let folder: Folder?
    private let cache: FileCache
    private let id: UInt64
    let record: ResumeRecord
    /// Where something was written that may be lost with the power.
    private let unsynced = Mutex<Set<Place>>([])

    /// Beyond so many files to sync, all of the file system is synced at once.
    private static let maxSingleSyncs = 64

    private init(
        _ target: DownloadTarget, _ files: PartialFiles, _ record: ResumeRecord, cache: FileCache
    ) {
        self.target = target
        self.record = record
        layout = target.layout
        identity = files.identity
        folder = files.folder
        self.cache = cache
        id = cache.newContent()
    }

    deinit { cache.remove(content: id) }

    var info: Info { target.info }
    var path: String { target.partPath }

    /// Opens or makes the partial download, reserves its space, and finds out which pieces it has.
    /// - Parameter records: where its pieces are recorded, and may have been before.
    /// - Returns: the content, and the pieces that need not be fetched again.
    static func open(
        _ target: DownloadTarget, records: ResumeFolder, cache: FileCache
    ) throws(CommandError) -> (content: DownloadContent, verified: Bitfield) {
        let infoHash = target.info.infoHash
        let resume = records.resume(of: infoHash, pieceCount: target.info.pieceCount)
        func names(_ identity: FileIdentity) -> Bool {
            resume?.device == identity.device && resume?.inode == identity.inode
        }
        if let found = DiskFile.identity(at: target.destination), names(found) {
            try takeBack(target)
        } else if DiskFile.exists(target.destination) {
            throw CommandError(
                "\(target.destination) exists already: remove it or name another destination",
                .fileExists)
        }
        let files = try PartialFiles(target, isRecorded: names)
        let marks = PartialPieces.marks(
            files, target.info, resume: names(files.identity) ? resume : nil,
            bootID: records.bootID)
        let record = try records.begin(infoHash, in: files.identity, marks)
        let content = DownloadContent(target, files, record, cache: cache)
        return (content, try content.check(marks))
    }

    /// The program ended after the complete download had got its name, and before this was
    /// recorded: it ends once more.
    private static func takeBack(_ target: DownloadTarget) throws(CommandError) {
        do throws(SystemError) {
            try FileSystem.rename(target.destination, toNew: target.partPath)
        } catch {
            throw DiskFile.failure("renaming", target.destination, error.code)
        }
    }

    /// Hashes what is doubtful.
    private func check(_ marks: [Resume.Mark]) throws(CommandError) -> Bitfield {
        var verified = Bitfield(bitCount: info.pieceCount)
        let wanted = target.wantedPieces
        for piece in 0..<info.pieceCount where wanted?.contains(piece) != false {
            switch marks[piece] {
            case .missing: break
            case .verified, .synced: verified.insert(piece)
            case .doubtful:
                let isRight = try matches(piece)
                if isRight { verified.insert(piece) }
                try record.note(piece, isRight ? .verified : .missing)
            }
        }
        return verified
    }

    /// Whether a piece that is all there has its hash.
    private func matches(_ piece: Int) throws(CommandError) -> Bool {
        try digest(of: info.range(ofPiece: piece)) == info.pieceHash(piece)
    }

    // MARK: Content

    func path(of place: Place) -> String {
        switch place {
        case .file(let index) where info.isDirectory: path + "/" + info.files[index].joinedPath
        case .file, .pad: path
        case .edges: target.edgesPath
        }
    }

    func openFile(_ place: Place) -> SharedFile? {
        cache.cached(FileCache.Key(content: id, place: place))
    }

    func open(_ place: Place) throws(CommandError) -> SharedFile {
        try cache.file(FileCache.Key(content: id, place: place)) { () throws(CommandError) in
            switch place {
            case .file(let index):
                if let folder {
                    return try DiskFile.openForWriting(
                        info.files[index].joinedPath, in: folder, path)
                }
                let file = try DiskFile.openExisting(path)
                try requireSame(DiskFile.identity(of: file))
                return file
            case .edges:
                mkdir(Path.directory(of: target.edgesPath), 0o700)
                return try DiskFile.openForWriting(target.edgesPath, mode: 0o600).0
            case .pad:
                preconditionFailure("pads are kept nowhere")
            }
        }
    }

    /// Nobody but this program writes to it; it may have been cut off, though.
    func isUnchanged(_ place: Place, _ file: SharedFile) -> Bool {
        guard case .file(let index) = place, let identity = DiskFile.identity(of: file) else {
            return true
        }
        return identity.size == info.files[index].length
    }

    func changed(_ place: Place) -> CommandError {
        CommandError(
            "\(path(of: place)) was changed while it was being downloaded: start the download"
                + " again", .ioError)
    }

    // MARK: Writing

    /// Stores bytes of the piece space. Pads are stored nowhere.
    func write(_ bytes: UnsafeRawBufferPointer, at position: Int64) throws(CommandError) {
        let range = position..<position + Int64(bytes.count)
        var done = 0
        try layout.forEachSpan(of: range) { span throws(CommandError) in
            let part = UnsafeRawBufferPointer(rebasing: bytes[done..<done + span.length])
            done += span.length
            if span.place == .pad { return }
            let file = try open(span.place)
            unsynced.withLock { _ = $0.insert(span.place) }
            try DiskFile.write(part, to: file, at: span.offset, path: path(of: span.place))
        }
    }

    /// Makes what was written so far survive a loss of power, and records that it does; fails
    /// where the partial file or directory isn't there any more.
    func sync() throws(CommandError) {
        try requireSame(DiskFile.identity(at: path))
        let pieces = record.unsyncedPieces()
        try syncFiles()
        try record.noteSynced(pieces)
    }

    private func syncFiles() throws(CommandError) {
        let places = unsynced.withLock { places in
            defer { places = [] }
            return places
        }
        do throws(CommandError) {
            if places.count > Self.maxSingleSyncs, let folder {
                try syncFileSystem(folder)
            } else {
                for place in places { try sync(place) }
            }
        } catch {
            unsynced.withLock { $0.formUnion(places) }
            throw error
        }
    }

    private func sync(_ place: Place) throws(CommandError) {
        let file = try open(place)
        guard fdatasync(file.descriptor) == 0 else {
            throw DiskFile.failure("syncing", path(of: place), errno)
        }
    }

    private func syncFileSystem(_ folder: Folder) throws(CommandError) {
        do throws(SystemError) {
            try folder.syncFileSystem()
        } catch {
            throw DiskFile.failure("syncing", path, error.code)
        }
    }

    private func requireSame(_ found: FileIdentity?) throws(CommandError) {
        guard found?.inode == identity.inode, found?.device == identity.device else {
            throw CommandError(
                "\(path) was moved or deleted while it was being downloaded: start the download"
                    + " again", .ioError)
        }
    }

    // MARK: The end

    /// Puts what is complete in its place: checks the hashes of whole files where they are known,
    /// syncs, and gives it its final name, never over another file.
    /// - Returns: the identities of the files, as `SharedContent` wants them.
    func finish(checkingWholeFiles: Bool = true) throws(CommandError) -> [Int: FileIdentity] {
        if checkingWholeFiles { try checkWholeFiles() }
        try sync()
        try putInPlace()
        var identities: [Int: FileIdentity] = [:]
        for index in target.storedFiles {
            identities[index] =
                if let folder {
                    try DiskFile.identityOfReadable(
                        info.files[index].joinedPath, in: folder, target.destination)
                } else {
                    try DiskFile.identityOfReadable(target.destination)
                }
        }
        return identities
    }

    private func checkWholeFiles() throws(CommandError) {
        for index in target.storedFiles {
            let file = info.files[index]
            guard let expected = file.sha1 else { continue }
            let digest = try digest(of: file.range)
            guard digest == expected else {
                let name =
                    info.isDirectory
                    ? target.destination + "/" + file.joinedPath : target.destination
                throw CommandError(
                    "\(name): every piece is right but the whole file's SHA-1 is"
                        + " \(digest.hex) instead of \(expected.hex): the one who registered it"
                        + " described it wrongly; the data is kept as \(path)",
                    .checksumMismatch)
            }
        }
    }

    private func putInPlace() throws(CommandError) {
        do throws(SystemError) {
            try FileSystem.rename(path, toNew: target.destination)
        } catch {
            try putInPlace(despite: error)
        }
        let directory = Glibc.open(Path.directory(of: target.destination), O_RDONLY | O_DIRECTORY)
        if directory >= 0 {
            fsync(directory)
            Glibc.close(directory)
        }
    }

    /// Some file systems can't rename in one step without replacing. link(2) can't replace either;
    /// nor can rename(2) of a directory, unless it is an empty one.
    private func putInPlace(despite error: SystemError) throws(CommandError) {
        let destination = target.destination
        guard error.code != EEXIST, !DiskFile.exists(destination) else {
            throw CommandError(
                "\(destination) came to exist in the meantime: the finished download is kept"
                    + " as \(path)", .fileExists)
        }
        if !info.isDirectory, link(path, destination) == 0 {
            unlink(path)
        } else if rename(path, destination) != 0 {
            throw CommandError(
                "\(path) can't be renamed to \(destination): \(DiskFile.describe(errno))",
                .renameFailed)
        }
    }

    /// What is shared once it is in place.
    func finished(_ identities: [Int: FileIdentity]) -> SharedContent {
        SharedContent(
            info, path: target.destination, identities: identities, edgesPath: target.edgesPath,
            cache: cache)
    }
}
