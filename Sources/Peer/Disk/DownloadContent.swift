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
    private var root: ShareRoot { target.root }
    var path: String { target.partPath }

    /// Opens or makes the partial download, reserves its space, and finds out which pieces it has.
    /// - Parameter records: where its pieces are recorded, and may have been before.
    /// - Returns: the content, and the pieces that need not be fetched again.
    static func open(
        _ target: DownloadTarget, records: ResumeFolder, cache: FileCache
    ) throws(CommandError) -> (content: DownloadContent, verified: Bitfield) {
        try target.root.require(target.destination)
        let infoHash = target.info.infoHash
        let resume = records.resume(of: infoHash, pieceCount: target.info.pieceCount)
        func names(_ identity: FileIdentity) -> Bool {
            resume?.device == identity.device && resume?.inode == identity.inode
        }
        if target.inPlace.isEmpty, let found = target.root.identity(at: target.destination),
            names(found)
        {
            try takeBack(target)
        }
        let settled = try target.settled(resume)
        let target = settled.target
        let files = try PartialFiles(target, isRecorded: names)
        let known = names(files.identity) ? resume : nil
        var marks = PartialPieces.marks(files, target, resume: known, bootID: records.bootID)
        for index in settled.moved {
            for piece in target.pieces(of: index) { marks[piece] = .doubtful }
        }
        do throws(CommandError) {
            // First the record: it must not say that a new file has what one before it had.
            let record = try records.begin(infoHash, in: files.identity, marks)
            if known != nil, !files.missing.isEmpty { try record.sync() }
            try files.make(target)
            try files.fillFromEdges(target) { marks[$0] == .doubtful }
            let content = DownloadContent(target, files, record, cache: cache)
            let verified = try content.check(marks)
            for index in settled.moved
            where !target.pieces(of: index).allSatisfy({ verified.contains($0) }) {
                throw DownloadTarget.isInTheWay(target.finalPath(of: index))
            }
            return (content, verified)
        } catch {
            if files.isNew {
                try? target.removePart()
                records.remove(infoHash)
            }
            throw error
        }
    }

    /// The program ended after the complete download had got its name, and before this was
    /// recorded: it ends once more.
    private static func takeBack(_ target: DownloadTarget) throws(CommandError) {
        do throws(SystemError) {
            try target.root.rename(target.destination, toNew: target.partPath)
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
        case .file(let index):
            target.inPlace[index] == nil
                ? target.path(ofPart: index) : target.finalPath(of: index)
        case .pad: path
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
                if target.inPlace[index] != nil { return try openInPlace(index) }
                if let folder {
                    return try DiskFile.openForWriting(
                        info.files[index].joinedPath, in: folder, path)
                }
                let file = try root.openExisting(path)
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

    private func openInPlace(_ index: Int) throws(CommandError) -> SharedFile {
        let folder = try root.openFolder(target.destination)
        let file = try DiskFile.openForReading(
            info.files[index].joinedPath, in: folder, target.destination)
        guard isUnchanged(.file(index), file) else { throw changed(.file(index)) }
        return file
    }

    /// Nobody but this program writes to it; it may have been cut off, though. What is in place is
    /// the user's.
    func isUnchanged(_ place: Place, _ file: SharedFile) -> Bool {
        guard case .file(let index) = place, let identity = DiskFile.identity(of: file) else {
            return true
        }
        if let inPlace = target.inPlace[index] { return identity == inPlace }
        return identity.size == info.files[index].length
    }

    func changed(_ place: Place) -> CommandError {
        CommandError(
            "\(path(of: place)) was changed while it was being downloaded: start the download"
                + " again", .ioError)
    }

    // MARK: Writing

    /// Stores bytes of the piece space. Pads are stored nowhere, and what is in place is there: a
    /// piece is verified as a whole, with what the file has.
    func write(_ bytes: UnsafeRawBufferPointer, at position: Int64) throws(CommandError) {
        let range = position..<position + Int64(bytes.count)
        var done = 0
        try layout.forEachSpan(of: range) { span throws(CommandError) in
            let part = UnsafeRawBufferPointer(rebasing: bytes[done..<done + span.length])
            done += span.length
            switch span.place {
            case .pad: return
            case .file(let index) where target.inPlace[index] != nil: return
            case .file, .edges: break
            }
            let file = try open(span.place)
            unsynced.withLock { _ = $0.insert(span.place) }
            try DiskFile.write(part, to: file, at: span.offset, path: path(of: span.place))
        }
    }

    /// Makes what was written so far survive a loss of power, and records that it does; fails
    /// where the partial file or directory isn't there any more.
    func sync() throws(CommandError) {
        try requireSame(root.identity(at: path))
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
        let folder = info.isDirectory ? try root.openFolder(target.destination) : nil
        var identities = target.inPlace
        for index in target.storedFiles {
            identities[index] =
                if let folder {
                    try DiskFile.identityOfReadable(
                        info.files[index].joinedPath, in: folder, target.destination)
                } else {
                    try root.identityOfReadable(target.destination)
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
                throw CommandError(
                    "\(target.finalPath(of: index)): every piece is right but the whole file's SHA-1 is"
                        + " \(digest.hex) instead of \(expected.hex): the one who registered it"
                        + " described it wrongly; the data is kept as \(path)",
                    .checksumMismatch)
            }
        }
    }

    private func putInPlace() throws(CommandError) {
        if target.joinsDestination { return try joinDestination() }
        do throws(SystemError) {
            try root.rename(path, toNew: target.destination)
        } catch {
            try putInPlace(despite: error)
        }
        root.syncDirectory(of: target.destination)
    }

    /// Each file goes to its place by itself: where the program dies before the end is recorded,
    /// those that are there are found by `DownloadTarget.settled`.
    private func joinDestination() throws(CommandError) {
        guard let folder else { preconditionFailure("a single file is there or not") }
        let destination = try root.openFolder(target.destination)
        try target.makeFolders(in: destination, target.destination)
        for index in target.storedFiles {
            do throws(SystemError) {
                try folder.move(info.files[index].joinedPath, to: destination)
            } catch {
                let name = target.finalPath(of: index)
                guard error.code == EEXIST else {
                    throw CommandError(
                        "\(target.path(ofPart: index)) can't be moved to \(name):"
                            + " \(DiskFile.describe(error.code))", .renameFailed)
                }
                throw CommandError(
                    "\(name) came to exist in the meantime: the finished download is kept as"
                        + " \(path)", .fileExists)
            }
        }
        do throws(SystemError) {
            try destination.syncFileSystem()
        } catch {
            throw DiskFile.failure("syncing", target.destination, error.code)
        }
        try target.removePart()
    }

    private func putInPlace(despite error: SystemError) throws(CommandError) {
        let destination = target.destination
        guard error.code != EEXIST, !root.exists(destination) else {
            throw CommandError(
                "\(destination) came to exist in the meantime: the finished download is kept"
                    + " as \(path)", .fileExists)
        }
        do throws(SystemError) {
            try root.renameByLink(path, toNew: destination, isFolder: info.isDirectory)
        } catch {
            throw CommandError(
                "\(path) can't be renamed to \(destination): \(DiskFile.describe(error.code))",
                .renameFailed)
        }
    }

    /// What is shared once it is in place.
    func finished(_ identities: [Int: FileIdentity]) -> SharedContent {
        SharedContent(
            info, in: root, path: target.destination, identities: identities,
            edgesPath: target.edgesPath, cache: cache)
    }
}
