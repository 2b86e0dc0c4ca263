import Glibc
import PeerCore
import Wire

/// What is recorded of an unfinished download's pieces.
struct Resume: Hashable, Sendable {
    /// What is recorded of a piece, and the byte that says so.
    enum Mark: UInt8, Sendable {
        /// "."
        case missing = 0x2E
        /// "?": it may be there, and is to be hashed.
        case doubtful = 0x3F
        /// "v": written and hashed. It survives the program's death, in the same boot.
        case verified = 0x76
        /// "s": synced to the disk as well. It survives power loss.
        case synced = 0x73
    }

    /// The boot of the machine in which the record was begun.
    var bootID: String
    /// The partial file that the pieces are in: another one of the same torrent has none of them.
    var device: UInt64
    var inode: UInt64
    var marks: [Mark]

    /// What to believe of a piece in the boot `currentBootID`: as it is marked, or that it is
    /// doubtful.
    func mark(_ piece: Int, currentBootID: String) -> Mark {
        let isSameBoot = bootID == currentBootID && !bootID.isEmpty
        return marks[piece] == .verified && !isSameBoot ? .doubtful : marks[piece]
    }

    /// The pieces to trust in the boot `currentBootID`.
    func trusted(currentBootID: String) -> Bitfield {
        var trusted = Bitfield(bitCount: marks.count)
        for piece in marks.indices {
            switch mark(piece, currentBootID: currentBootID) {
            case .missing, .doubtful: break
            case .verified, .synced: trusted.insert(piece)
            }
        }
        return trusted
    }
}

/// The records of unfinished downloads: a file each, named after the info-hash.
///
/// A record is a line, `mtorrent-resume 1 BOOT-ID DEVICE INODE`, and a byte for each piece, its
/// `Resume.Mark`. One that can't be understood counts as none: the pieces are hashed again. Every
/// call blocks for the disk.
package struct ResumeFolder: Sendable {
    let directory: String
    /// The running boot.
    let bootID: String

    private static let format = "mtorrent-resume 1"

    init(directory: String, bootID: String = Self.currentBootID()) {
        self.directory = directory
        self.bootID = bootID
    }

    /// The running boot of this machine; empty where the kernel doesn't tell (then nothing that
    /// was not synced is trusted).
    static func currentBootID() -> String {
        let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &buffer, buffer.count)
        let bytes = buffer.prefix(max(0, count)).prefix { $0 > 0x20 }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What is recorded of a download of so many pieces, if anything is.
    func resume(of infoHash: InfoHash, pieceCount: Int) -> Resume? {
        guard let bytes = contents(of: path(of: infoHash)),
            let lineEnd = bytes.firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        let line = String(decoding: bytes[..<lineEnd], as: UTF8.self)
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        let marks = bytes[(lineEnd + 1)...].compactMap { Resume.Mark(rawValue: $0) }
        guard fields.count == 5, fields[0] + " " + fields[1] == Self.format,
            let device = UInt64(fields[3]), let inode = UInt64(fields[4]),
            marks.count == pieceCount
        else { return nil }
        return Resume(bootID: String(fields[2]), device: device, inode: inode, marks: marks)
    }

    private func contents(of path: String) -> [UInt8]? {
        guard let file = try? DiskFile.openForReading(path),
            let size = DiskFile.identity(of: file)?.size
        else { return nil }
        return try? DiskFile.contents(of: file, path: path, size: Int(size))
    }

    /// Begins the record of a download anew, in the running boot.
    func begin(
        _ infoHash: InfoHash, in file: FileIdentity, _ marks: [Resume.Mark]
    ) throws(CommandError) -> ResumeRecord {
        mkdir(directory, 0o700)
        let line = "\(Self.format) \(bootID) \(file.device) \(file.inode)\n"
        return try ResumeRecord(path: path(of: infoHash), header: Array(line.utf8), marks)
    }

    func remove(_ infoHash: InfoHash) { unlink(path(of: infoHash)) }

    private func path(of infoHash: InfoHash) -> String { directory + "/" + infoHash.hex }
}
