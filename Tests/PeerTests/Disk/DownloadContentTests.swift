import PeerCore
import Testing
import Wire

@testable import Peer

@Suite struct DownloadContentTests {
    private static let pieceLength = 16_384
    private let folder = ScratchDirectory()
    private let bytes: [UInt8] = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }

    private func info(sha1: SHA1Digest? = nil) throws -> Info {
        var pieces: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: Self.pieceLength) {
            let end = min(start + Self.pieceLength, bytes.count)
            pieces += SHA1Hasher.hash([UInt8](bytes[start..<end])).bytes
        }
        return try Info(
            name: "f", length: Int64(bytes.count), pieceLength: Self.pieceLength, pieces: pieces,
            isPrivate: true, sha1: sha1 ?? SHA1Hasher.hash(bytes), source: "network/group")
    }

    private func target(_ info: Info, to destination: String = "f") -> DownloadTarget {
        DownloadTarget(
            info: info, root: .anywhere, selection: nil, destination: folder.file(destination),
            edgesPath: folder.file("edges/f"))
    }

    private func records(bootID: String = "boot") -> ResumeFolder {
        ResumeFolder(directory: folder.file("resume"), bootID: bootID)
    }

    private func open(bootID: String = "boot") throws -> (
        content: DownloadContent, verified: Bitfield
    ) {
        try DownloadContent.open(
            target(info()), records: records(bootID: bootID), cache: FileCache())
    }

    /// Records what is known of the partial file that is there, or of one with another inode.
    private func record(
        verified: [Int], synced: [Int] = [], bootID: String = "boot", isOther: Bool = false
    ) throws {
        let found = try #require(DiskFile.identity(at: folder.file("f.part")))
        let identity = FileIdentity(
            device: found.device, inode: isOther ? found.inode ^ 1 : found.inode,
            size: found.size, modifiedNanoseconds: found.modifiedNanoseconds)
        let marks = (0..<7).map { piece -> Resume.Mark in
            synced.contains(piece) ? .synced : verified.contains(piece) ? .verified : .missing
        }
        _ = try records(bootID: bootID).begin(info().infoHash, in: identity, marks)
    }

    private func pieces(_ bitfield: Bitfield) -> [Int] {
        (0..<bitfield.bitCount).filter { bitfield.contains($0) }
    }

    @Test func `a new download has its full size and no pieces`() throws {
        let download = try open()
        #expect(pieces(download.verified).isEmpty)
        #expect(folder.contents(of: "f.part")?.count == bytes.count)
        #expect(!folder.exists("f"))
    }

    @Test func `an existing destination is refused and left alone`() throws {
        folder.write([1, 2, 3], to: "f")
        #expect(throws: CommandError.self) { try open() }
        #expect(folder.contents(of: "f") == [1, 2, 3])
        #expect(!folder.exists("f.part"))
    }

    @Test func `a partial file of another size is refused and left alone`() throws {
        folder.write([1, 2, 3], to: "f.part")
        #expect(throws: CommandError.self) { try open() }
        #expect(folder.contents(of: "f.part") == [1, 2, 3])
    }

    @Test func `pieces recorded under this boot are trusted without a look`() throws {
        folder.write([UInt8](repeating: 0, count: bytes.count), to: "f.part")
        try record(verified: [1, 3])
        #expect(try pieces(open().verified) == [1, 3])
    }

    @Test func `after a restart of the machine what wasn't synced is hashed again`() throws {
        var damaged = bytes
        damaged[Self.pieceLength * 3] ^= 1
        folder.write(damaged, to: "f.part")
        try record(verified: [0, 3], synced: [1], bootID: "earlier")
        #expect(try pieces(open().verified) == [0, 1])
        // What was found out is recorded in turn.
        #expect(try pieces(open().verified) == [0, 1])
        #expect(try pieces(open(bootID: "later").verified) == [0, 1])
    }

    @Test func `what has been synced is trusted after a restart of the machine`() throws {
        folder.write([UInt8](repeating: 0, count: bytes.count), to: "f.part")
        try record(verified: [1, 3])
        let (content, _) = try open()
        try content.record.note(4, .verified)
        try content.sync()
        try content.record.note(5, .verified)
        #expect(try pieces(open(bootID: "later").verified) == [1, 3, 4])
    }

    @Test func `a check that is cut short leaves what it didn't come to for the next one`() throws {
        folder.write(bytes, to: "f.part")
        let found = try #require(DiskFile.identity(at: folder.file("f.part")))
        let marks = [Resume.Mark](repeating: .doubtful, count: 7)
        let record = try records().begin(info().infoHash, in: found, marks)
        try record.note(0, .missing)
        try record.note(1, .verified)
        #expect(try pieces(open().verified) == [1, 2, 3, 4, 5, 6])
    }

    @Test func `a record of another partial file counts for nothing`() throws {
        folder.write([UInt8](repeating: 0, count: bytes.count), to: "f.part")
        try record(verified: [3], synced: [1], isOther: true)
        #expect(try pieces(open().verified) == [])
    }

    @Test func `a partial file without a record is hashed as a whole`() throws {
        var damaged = bytes
        damaged[5] ^= 1
        folder.write(damaged, to: "f.part")
        #expect(try pieces(open().verified) == [1, 2, 3, 4, 5, 6])
    }

    @Test func `finishing puts the file in place`() throws {
        folder.write(bytes, to: "f.part")
        let identities = try open().content.finish()
        #expect(folder.contents(of: "f") == bytes)
        #expect(!folder.exists("f.part"))
        #expect(identities == [0: try #require(DiskFile.identity(at: folder.file("f")))])
    }

    @Test func `a program that ended before it recorded the end comes to it again`() throws {
        folder.write(bytes, to: "f.part")
        _ = try open().content.finish()
        let (download, verified) = try open()
        #expect(verified.isFull)
        _ = try download.finish()
        #expect(folder.contents(of: "f") == bytes)
        #expect(!folder.exists("f.part"))
    }

    @Test func `finishing never replaces a file that appeared meanwhile`() throws {
        folder.write(bytes, to: "f.part")
        let (download, _) = try open()
        folder.write([9], to: "f")
        #expect(throws: CommandError.self) { try download.finish() }
        #expect(folder.contents(of: "f") == [9])
        #expect(folder.contents(of: "f.part") == bytes)
    }

    @Test func `a wrong whole-file hash keeps the data and says so`() throws {
        folder.write(bytes, to: "f.part")
        let info = try info(sha1: SHA1Hasher.hash([0]))
        let (download, _) = try DownloadContent.open(
            target(info), records: records(), cache: FileCache())
        let error = #expect(throws: CommandError.self) { try download.finish() }
        #expect(error?.exitCode == .checksumMismatch)
        #expect(!folder.exists("f"))
        #expect(folder.contents(of: "f.part") == bytes)
    }

    @Test func `a directory that does not exist is named`() throws {
        let error = #expect(throws: CommandError.self) {
            try DownloadContent.open(
                target(info(), to: "missing/f"), records: records(), cache: FileCache())
        }
        #expect(error?.exitCode == .cannotCreateFile)
        #expect(error?.message.contains("missing/f.part") == true)
    }
}
