import Glibc
import Synchronization
import Testing
import Wire

@testable import Peer

@Suite struct HashedContentTests {
    private let folder = ScratchDirectory()

    private func content(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    private func hashed(_ name: String, pieceLength: Int? = 16_384) throws -> HashedContent {
        try HashedContent(
            in: .anywhere, path: folder.file(name), pieceLength: pieceLength,
            cancellation: Cancellation(),
            onProgress: { _ in })
    }

    private func pieces(of space: [UInt8]) -> [SHA1Digest] {
        stride(from: 0, to: space.count, by: 16_384).map {
            SHA1Hasher.hash([UInt8](space[$0..<min($0 + 16_384, space.count)]))
        }
    }

    // MARK: A file

    @Test(arguments: [1, 16_384, 16_385, 300_000, 16 * 16_384, 20 * 16_384, 1 << 20])
    func `hashes the whole and each piece as SHA-1 of the bytes does`(length: Int) throws {
        let bytes = content(length)
        folder.write(bytes, to: "f")
        let hashed = try hashed("f")
        #expect(!hashed.isDirectory && hashed.length == Int64(length))
        #expect(hashed.files.map(\.sha1) == [SHA1Hasher.hash(bytes)])
        #expect(hashed.pieceDigests == pieces(of: bytes))
        #expect(hashed.identities == [0: DiskFile.identity(at: folder.file("f"))!])
    }

    /// Longer than what is read of each at a time, and no whole number of SHA-1's blocks.
    @Test func `pieces of any length are hashed`() throws {
        let bytes = content(2_000_000)
        folder.write(bytes, to: "f")
        for pieceLength in [1500, 64 << 10, 100_000, 128 << 10] {
            let expected = stride(from: 0, to: bytes.count, by: pieceLength).map {
                SHA1Hasher.hash([UInt8](bytes[$0..<min($0 + pieceLength, bytes.count)]))
            }
            #expect(try hashed("f", pieceLength: pieceLength).pieceDigests == expected)
        }
    }

    @Test func `an empty file has no pieces and the SHA-1 of nothing`() throws {
        folder.write([], to: "f")
        let hashed = try hashed("f")
        #expect(hashed.pieces.isEmpty)
        #expect(hashed.files[0].sha1?.hex == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    }

    @Test func `progress ends at the length, of a directory that of all files`() throws {
        folder.write(content(300_000), to: "f")
        folder.make("d")
        folder.write(content(20_000), to: "d/a")
        folder.write(content(17_000), to: "d/b")
        for (name, length) in [("f", Int64(300_000)), ("d", 37_000)] {
            let last = Mutex<Int64>(0)
            _ = try HashedContent(
                in: .anywhere, path: folder.file(name), cancellation: Cancellation()
            ) { report in
                last.withLock { $0 = report.hashed }
            }
            #expect(last.withLock { $0 } == length)
        }
    }

    @Test(arguments: ["f", "d"]) func `a cancelled hash ends as interrupted`(name: String) throws {
        folder.make("d")
        folder.write(content(300_000), to: "f")
        folder.write(content(300_000), to: "d/f")
        let cancellation = Cancellation()
        cancellation.cancel()
        #expect(throws: CommandError("interrupted", .interrupted)) {
            try HashedContent(
                in: .anywhere, path: folder.file(name), cancellation: cancellation,
                onProgress: { _ in })
        }
    }

    @Test(arguments: ["f", "d"])
    func `what changes while it is being hashed is refused by its path`(name: String) throws {
        folder.make("d")
        folder.write(content(1 << 20), to: "f")
        folder.write(content(1 << 20), to: "d/f")
        folder.write(content(1), to: "d/g")
        let path = name == "f" ? folder.file("f") : folder.file("d/f")
        let error = #expect(throws: CommandError.self) {
            // The first report comes when the file is hashed; another size is another identity.
            try HashedContent(in: .anywhere, path: folder.file(name), cancellation: Cancellation())
            { _ in
                truncate(path, (1 << 20) - 1)
            }
        }
        #expect(error?.message.hasPrefix("\(path) ") == true, "\(error?.message ?? "")")
    }

    // MARK: A directory

    @Test func `a directory is its files end to end, large ones at boundaries`() throws {
        folder.make("photos/sub/deep")
        let (small, large, tail) = (content(5_000), content(40_000), content(70))
        folder.write(small, to: "photos/a")
        folder.write(large, to: "photos/sub/b")
        folder.write([], to: "photos/sub/deep/.empty")
        folder.write(tail, to: "photos/z")
        folder.make("photos/nothing in it")
        let hashed = try hashed("photos")
        #expect(
            hashed.files.map(\.joinedPath)
                == ["a", ".pad/11384", "sub/b", "sub/deep/.empty", "z"])
        #expect(
            hashed.files.map(\.sha1)
                == [small, nil, large, [], tail].map { $0.map { SHA1Hasher.hash($0) } })
        let space = small + [UInt8](repeating: 0, count: 11_384) + large + tail
        #expect(hashed.pieceDigests == pieces(of: space))
        #expect(hashed.isDirectory && hashed.length == 45_070)
        #expect(hashed.identities.keys.sorted() == [0, 2, 3, 4])
        #expect(hashed.identities[2] == DiskFile.identity(at: folder.file("photos/sub/b")))
        #expect(try hashed.info(source: "n/g").files == hashed.files)
    }

    @Test func `the same tree has the same info-hash, another one another`() throws {
        let paths = ["b/x", "a", "b.y", "b/\u{e9}", "b/e\u{301}", "c"]
        for (root, order) in [("one/t", paths), ("two/t", paths.reversed())] {
            folder.make("\(root)/b")
            for path in order { folder.write(content(path.utf8.count), to: "\(root)/\(path)") }
        }
        let one = try hashed("one/t").info(source: "n/g")
        #expect(try hashed("two/t").info(source: "n/g").infoHash == one.infoHash)
        #expect(one.files.count == paths.count && one.name == "t")
        folder.write(content(9), to: "two/t/c")
        #expect(try hashed("two/t").info(source: "n/g").infoHash != one.infoHash)
    }

    @Test func `a directory is called what it is called, however it is named`() throws {
        folder.make("photos/sub")
        folder.write([1], to: "photos/f")
        for name in ["photos/", "photos//", "photos/.", "photos/sub/.."] {
            let path = try hashed(name).path
            #expect(path.hasSuffix("/photos"))
        }
        #expect(throws: CommandError.self) { try Path.ofNamedDirectory("/..") }
    }

    @Test func `nothing but directories is nothing to share`() {
        folder.make("photos/a/b")
        let error = #expect(throws: CommandError.self) { try hashed("photos") }
        #expect(error?.message.contains("photos has no files") == true)
    }

    @Test func `a link to a directory is followed where the user named it`() throws {
        folder.make("photos")
        folder.write([1], to: "photos/f")
        symlink("photos", folder.file("link"))
        #expect(try hashed("link").info(source: "n/g").name == "link")
    }
}
