import Glibc
import PeerCore
import Reactor
import Wire

/// A download on disk: `<name>.part` beside the destination, until it is complete.
///
/// All calls but those of `Content` that say otherwise block and belong on a worker.
final class DownloadContent: Content {
    let layout: ContentLayout
    let path: String
    let destination: String
    let info: Info
    /// Of the partial file, while it was opened.
    let identity: FileIdentity
    private let file: SharedFile
    private let cache: FileCache

    private init(
        _ info: Info, destination: String, file: SharedFile, identity: FileIdentity,
        cache: FileCache
    ) {
        layout = ContentLayout(info)
        path = Self.partPath(for: destination)
        self.destination = destination
        self.info = info
        self.file = file
        self.identity = identity
        self.cache = cache
    }

    static func partPath(for destination: String) -> String { destination + ".part" }

    /// Opens or creates the partial file, reserves its space, and finds out which pieces it holds.
    /// - Parameter resume: what was recorded of this download, if anything was.
    /// - Parameter bootID: of the running system. What was written under the same boot is still in
    ///   the page cache or on disk; of an earlier one only what had been synced is trusted, and
    ///   the rest of what was recorded is hashed again.
    /// - Returns: the content, and the pieces that need not be fetched again.
    static func open(
        destination: String, info: Info, resume: Resume?, bootID: String, cache: FileCache
    ) throws(CommandError) -> (content: DownloadContent, verified: Bitfield) {
        guard !DiskFile.exists(destination) else {
            throw CommandError(
                "\(destination) exists already: remove it or name another destination",
                .fileExists)
        }
        let partPath = partPath(for: destination)
        let (file, isNew) = try DiskFile.openForWriting(partPath)
        do throws(CommandError) {
            guard let identity = DiskFile.identity(of: file) else {
                throw DiskFile.failure("measuring", partPath, errno)
            }
            let candidates =
                isNew ? .none : try candidates(identity, partPath, info, resume, bootID: bootID)
            try reserve(file, path: partPath, length: info.length)
            let content = DownloadContent(
                info, destination: destination, file: file, identity: identity, cache: cache)
            return (content, try content.check(candidates))
        } catch {
            if isNew { unlink(partPath) }
            throw error
        }
    }

    // MARK: Content

    func path(of index: Int) -> String { path }
    func openFile(_ index: Int) -> SharedFile? { file }
    func open(_ index: Int) throws(CommandError) -> SharedFile { file }
    func isUnchanged(_ index: Int, _ file: SharedFile) -> Bool { true }

    /// What is believed of the pieces of a partial file before anything is hashed.
    private enum Candidates {
        case none
        /// Nothing is recorded: each piece must be hashed.
        case unknown
        case recorded(trusted: [UInt8], doubtful: [UInt8])

        enum Belief { case trusted, doubtful, missing }

        func belief(in piece: Int) -> Belief {
            switch self {
            case .none: .missing
            case .unknown: .doubtful
            case .recorded(let trusted, let doubtful):
                if Self.bit(piece, of: trusted) {
                    .trusted
                } else {
                    Self.bit(piece, of: doubtful) ? .doubtful : .missing
                }
            }
        }

        /// Bit `piece` of a bitfield, high bit first (BEP 3).
        private static func bit(_ piece: Int, of bytes: [UInt8]) -> Bool {
            piece >> 3 < bytes.count && bytes[piece >> 3] & (0x80 >> UInt8(piece & 7)) != 0
        }
    }

    private static func candidates(
        _ identity: FileIdentity, _ path: String, _ info: Info, _ resume: Resume?, bootID: String
    ) throws(CommandError) -> Candidates {
        if identity.size == 0 { return .none }
        guard identity.size == info.length else {
            throw CommandError(
                "\(path) is in the way: it is no part of this download (\(identity.size) bytes"
                    + " instead of \(info.length)): remove it or name another destination",
                .fileExists)
        }
        guard let resume, resume.device == identity.device, resume.inode == identity.inode else {
            return .unknown
        }
        return .recorded(
            trusted: resume.trusted(currentBootID: bootID), doubtful: resume.verified)
    }

    private func check(_ candidates: Candidates) throws(CommandError) -> Bitfield {
        var verified = Bitfield(bitCount: info.pieceCount)
        for piece in 0..<info.pieceCount {
            switch candidates.belief(in: piece) {
            case .trusted: verified.insert(piece)
            case .doubtful: if try matches(piece) { verified.insert(piece) }
            case .missing: break
            }
        }
        return verified
    }

    /// Whether a piece that is all there has its hash.
    func matches(_ piece: Int) throws(CommandError) -> Bool {
        let start = info.offset(ofPiece: piece)
        let range = start..<start + Int64(info.length(ofPiece: piece))
        return try digest(of: range) == info.pieceHash(piece)
    }

    /// Makes what was written so far survive a loss of power.
    func sync() throws(CommandError) {
        guard fdatasync(file.descriptor) == 0 else {
            throw DiskFile.failure("syncing", path, errno)
        }
    }

    /// Gives the file its full length with the space behind it, so that a full disk shows now.
    private static func reserve(
        _ file: SharedFile, path: String, length: Int64
    ) throws(CommandError) {
        guard length > 0 else { return }
        let code = posix_fallocate(file.descriptor, 0, off_t(length))
        guard code == 0 else { throw DiskFile.failure("reserving \(length) bytes", path, code) }
    }

    /// Puts a file of which every piece is verified in its place: checks the whole-file hash where
    /// one is known, syncs, and links it under its final name, never over another file.
    /// - Returns: the identity of the finished file.
    func finish(checkingWholeFile: Bool = true) throws(CommandError) -> FileIdentity {
        if checkingWholeFile, let expected = info.sha1 {
            let digest = try digest(of: 0..<info.length)
            guard digest == expected else {
                throw CommandError(
                    "\(destination): every piece is right but the whole file's SHA-1 is"
                        + " \(digest.hex) instead of \(expected.hex): the one who registered it"
                        + " described it wrongly; the data is kept as \(path)",
                    .checksumMismatch)
            }
        }
        try sync()
        try putInPlace()
        guard let identity = DiskFile.identity(of: file) else {
            throw DiskFile.failure("measuring", destination, errno)
        }
        return identity
    }

    /// What is shared once it is in place.
    func finished(_ identity: FileIdentity) -> SharedContent {
        SharedContent(info, path: destination, identities: [0: identity], cache: cache)
    }

    /// link(2) refuses an existing name in one step, which rename(2) would replace.
    private func putInPlace() throws(CommandError) {
        if link(path, destination) == 0 {
            unlink(path)
        } else {
            let code = errno
            guard code != EEXIST, !DiskFile.exists(destination) else {
                throw CommandError(
                    "\(destination) came to exist in the meantime: the finished download is kept"
                        + " as \(path)", .fileExists)
            }
            // File systems without hard links.
            guard rename(path, destination) == 0 else {
                throw CommandError(
                    "\(path) can't be renamed to \(destination):"
                        + " \(DiskFile.describe(errno))", .renameFailed)
            }
        }
        let directory = Glibc.open(Path.directory(of: destination), O_RDONLY | O_DIRECTORY)
        if directory >= 0 {
            fsync(directory)
            Glibc.close(directory)
        }
    }
}
