import Synchronization
import Testing
import Wire

@testable import Peer

@Suite struct FileHasherTests {
    private func content(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test(arguments: [1, 16_384, 16_385, 300_000, 1 << 20])
    func `hashes the whole and each piece as SHA-1 of the bytes does`(length: Int) throws {
        let folder = ScratchDirectory()
        let bytes = content(length)
        let path = folder.write(bytes, to: "f")
        let file = try DiskFile.openForReading(path)
        let hashes = try FileHasher.hashes(
            of: file, path: path, length: Int64(length), pieceLength: 16_384)
        #expect(hashes.whole == SHA1Hasher.hash(bytes))
        let expected = stride(from: 0, to: length, by: 16_384).map {
            SHA1Hasher.hash([UInt8](bytes[$0..<min($0 + 16_384, length)]))
        }
        #expect(hashes.pieceDigests == expected)
    }

    @Test func `an empty file has no pieces and the SHA-1 of nothing`() throws {
        let folder = ScratchDirectory()
        let path = folder.write([], to: "f")
        let hashes = try FileHasher.hashes(
            of: DiskFile.openForReading(path), path: path, length: 0, pieceLength: 16_384)
        #expect(hashes.pieces.isEmpty)
        #expect(hashes.whole.hex == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }

    @Test func `progress ends at the length`() throws {
        let folder = ScratchDirectory()
        let path = folder.write(content(300_000), to: "f")
        let last = Mutex<Int64>(0)
        _ = try FileHasher.hashes(
            of: DiskFile.openForReading(path), path: path, length: 300_000, pieceLength: 16_384
        ) { done in last.withLock { $0 = done } }
        #expect(last.withLock { $0 } == 300_000)
    }

    @Test func `a cancelled hash ends as interrupted`() throws {
        let folder = ScratchDirectory()
        let path = folder.write(content(300_000), to: "f")
        let file = try DiskFile.openForReading(path)
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: CommandError("interrupted", .interrupted)) {
            try FileHasher.hashes(
                of: file, path: path, length: 300_000, pieceLength: 16_384,
                cancellation: cancellation)
        }
    }

    @Test func `a file that is shorter than said is an error, not a wrong hash`() throws {
        let folder = ScratchDirectory()
        let path = folder.write(content(1000), to: "f")
        let file = try DiskFile.openForReading(path)
        #expect(throws: CommandError.self) {
            try FileHasher.hashes(of: file, path: path, length: 2000, pieceLength: 16_384)
        }
    }
}
