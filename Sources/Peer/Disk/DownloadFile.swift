import Glibc
import PeerCore
import Reactor
import Wire

/// A download's file on disk: `<name>.part` beside the destination, until it is complete.
///
/// All calls block and belong on a worker.
struct DownloadFile: Sendable {
    let file: SharedFile
    let partPath: String
    let destination: String
    let info: Info
    /// Of the partial file, while it was opened.
    let identity: FileIdentity
    /// The pieces that need not be fetched again.
    let verified: Bitfield

    static func partPath(for destination: String) -> String { destination + ".part" }

    /// Opens or creates the partial file, reserves its space, and finds out which pieces it holds.
    /// - Parameter resume: what was recorded of this download, if anything was.
    /// - Parameter bootID: of the running system. What was written under the same boot is still in
    ///   the page cache or on disk; of an earlier one only what had been synced is trusted, and
    ///   the rest of what was recorded is hashed again.
    static func open(
        destination: String, info: Info, resume: Resume?, bootID: String
    ) throws(CommandError) -> DownloadFile {
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
            let verified = try check(candidates, file, partPath, info)
            return DownloadFile(
                file: file, partPath: partPath, destination: destination, info: info,
                identity: identity, verified: verified)
        } catch {
            if isNew { unlink(partPath) }
            throw error
        }
    }

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

    private static func check(
        _ candidates: Candidates, _ file: SharedFile, _ path: String, _ info: Info
    ) throws(CommandError) -> Bitfield {
        var verified = Bitfield(bitCount: info.pieceCount)
        for piece in 0..<info.pieceCount {
            switch candidates.belief(in: piece) {
            case .trusted: verified.insert(piece)
            case .doubtful:
                if try matches(file, path, info, piece) { verified.insert(piece) }
            case .missing: break
            }
        }
        return verified
    }

    static func matches(
        _ file: SharedFile, _ path: String, _ info: Info, _ piece: Int
    ) throws(CommandError) -> Bool {
        let start = Int64(piece) * Int64(info.pieceLength)
        let range = start..<start + Int64(info.length(ofPiece: piece))
        return try FileHasher.digest(of: file, path: path, range: range) == info.pieceHash(piece)
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
            let digest = try FileHasher.digest(of: file, path: partPath, range: 0..<info.length)
            guard digest == expected else {
                throw CommandError(
                    "\(destination): every piece is right but the whole file's SHA-1 is"
                        + " \(digest.hex) instead of \(expected.hex): the one who registered it"
                        + " described it wrongly; the data is kept as \(partPath)",
                    .checksumMismatch)
            }
        }
        guard fdatasync(file.descriptor) == 0 else {
            throw DiskFile.failure("syncing", partPath, errno)
        }
        try putInPlace()
        guard let identity = DiskFile.identity(of: file) else {
            throw DiskFile.failure("measuring", destination, errno)
        }
        return identity
    }

    /// link(2) refuses an existing name in one step, which rename(2) would replace.
    private func putInPlace() throws(CommandError) {
        if link(partPath, destination) == 0 {
            unlink(partPath)
        } else {
            let code = errno
            guard code != EEXIST, !DiskFile.exists(destination) else {
                throw CommandError(
                    "\(destination) came to exist in the meantime: the finished download is kept"
                        + " as \(partPath)", .fileExists)
            }
            // File systems without hard links.
            guard rename(partPath, destination) == 0 else {
                throw CommandError(
                    "\(partPath) can't be renamed to \(destination):"
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
