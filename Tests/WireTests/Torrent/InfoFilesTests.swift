import Testing

@testable import Wire

struct InfoFilesTests {
    private static let digest = SHA1Digest([UInt8](repeating: 0x41, count: 20))!

    private static func file(_ path: String, _ length: Int64 = 1) -> Info.File {
        Info.File(path: path.split(separator: "/").map(String.init), length: length)
    }

    private static func directory(_ files: [Info.File], pieceLength: Int = 16_384) throws -> Info {
        let length = files.reduce(0) { $0 + $1.length }
        let count = (length + Int64(pieceLength) - 1) / Int64(pieceLength)
        return try Info(
            name: "dir", files: files, pieceLength: pieceLength,
            pieces: [UInt8](repeating: 0x41, count: 20 * Int(count)), isPrivate: true,
            source: "n/g")
    }

    /// A directory of one piece; `files` is what stands between `5:files` and `4:name`.
    private static func bencoded(_ files: String) -> [UInt8] {
        Array(
            "d5:files\(files)4:name3:dir12:piece lengthi16384e6:pieces20:"
                + String(repeating: "A", count: 20) + "e")
    }

    private static func bencoded(paths: String...) -> [UInt8] {
        bencoded("l" + paths.map { "d6:lengthi1e4:path\($0)e" }.joined() + "e")
    }

    @Test func `the dictionary is encoded in the order of its keys`() throws {
        let files = Info.layout(
            of: [
                Info.File(path: ["b", "c"], length: 20_000, sha1: Self.digest),
                Info.File(path: ["a"], length: 3),
            ], pieceLength: 16_384)
        let info = try Self.directory(files)
        let expected =
            "d5:filesld6:lengthi3e4:pathl1:aee"
            + "d4:attr1:p6:lengthi16381e4:pathl4:.pad5:16381ee"
            + "d6:lengthi20000e4:pathl1:b1:ce4:sha120:" + String(repeating: "A", count: 20) + "ee"
            + "4:name3:dir12:piece lengthi16384e6:pieces60:" + String(repeating: "A", count: 60)
            + "7:privatei1e6:source3:n/ge"
        #expect(info.encoded == Array(expected))
        #expect(info.isDirectory && info.length == 36_384 && info.contentLength == 20_003)
        #expect(info.files == files && info.sha1 == nil)
        #expect(try Info(decoding: info.encoded) == info)
        #expect(try Info(decoding: info.encoded).files == files)
    }

    @Test func `an info-hash is the one other tools compute`() throws {
        // sha1sum of the bencoded dictionary.
        let info = try Info(decoding: Self.bencoded(paths: "l1:a1:be"))
        #expect(info.infoHash.hex == "65ada30ada0c4a894d91b17672ad461d3b9f52b0")
    }

    @Test func `files of at least a piece begin with one and shorter ones close up`() {
        let files = Info.layout(
            of: ["d/tail", "c", "a", "d-", "b"].enumerated().map { index, path in
                Self.file(path, [50, 100, 30, 99, 250][index])
            }, pieceLength: 100)
        #expect(files.map(\.joinedPath) == ["a", ".pad/70", "b", ".pad/50", "c", "d-", "d/tail"])
        #expect(files.map(\.offset) == [0, 30, 100, 350, 400, 500, 599])
        #expect(files.map(\.isPad) == [false, true, false, true, false, false, false])
        #expect(files.map(\.length) == [30, 70, 250, 50, 100, 99, 50])
    }

    @Test func `a layout is in the order of the paths' bytes, whatever they were given in`() {
        let names = ["é", "Z", "a", "e\u{301}", "B/x", "B.x", "empty"]
        let files = names.map { Self.file($0, 0) }
        let layout = Info.layout(of: files, pieceLength: 16_384)
        let utf8 = layout.map { Array($0.joinedPath.utf8) }
        #expect(utf8 == names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
        #expect(Info.layout(of: files.reversed(), pieceLength: 16_384) == layout)
    }

    @Test func `a range names the files that have bytes of it`() throws {
        let files = Info.layout(
            of: [
                Self.file("a", 10), Self.file("b", 0), Self.file("c", 10), Self.file("d", 0),
                Self.file("e", 40_000), Self.file("f", 0),
            ], pieceLength: 16_384)
        let info = try Self.directory(files)
        #expect(info.files.count == 7 && info.files[4].isPad)
        #expect(info.files(overlapping: 0..<1) == 0..<1)
        #expect(info.files(overlapping: 9..<10) == 0..<1)
        #expect(info.files(overlapping: 9..<11) == 0..<3)
        #expect(info.files(overlapping: 10..<20) == 2..<3)
        #expect(info.files(overlapping: 20..<21) == 4..<5)
        #expect(info.files(overlapping: 0..<info.length) == 0..<6)
        #expect(info.files(overlapping: 16_384..<16_385) == 5..<6)
        #expect(info.files(overlapping: info.length..<info.length + 5).isEmpty)
        #expect(info.files(overlapping: 5..<5).isEmpty)
    }

    @Test func `any range agrees with a look at every file`() throws {
        var generator = SeededGenerator(seed: 21)
        let files = (0..<40).map { Self.file("\($0)", Int64.random(in: 0...9, using: &generator)) }
        let info = try Self.directory(Info.layout(of: files, pieceLength: 7), pieceLength: 7)
        for lower in 0..<info.length {
            let range = lower..<Int64.random(in: lower + 1...info.length, using: &generator)
            let overlapping = info.files.indices.filter { info.files[$0].range.overlaps(range) }
            let found = info.files(overlapping: range)
            #expect(found.first == overlapping.first && found.last == overlapping.last)
        }
    }

    @Test func `nothing but empty files has no pieces`() throws {
        let info = try Self.directory([Self.file("a", 0), Self.file("b/c", 0)])
        #expect(info.pieceCount == 0 && info.contentLength == 0)
        #expect(try Info(decoding: info.encoded).files.map(\.joinedPath) == ["a", "b/c"])
    }

    @Test func `case and composition make paths different`() throws {
        let paths = ["Readme", "readme", "\u{e9}", "e\u{301}", "a", "a.", "a-b", "A/a"]
        let info = try Self.directory(paths.map { Self.file($0) })
        #expect(try Info(decoding: info.encoded).files.map { Array($0.path[0].utf8) }.count == 8)
    }

    @Test func `pads may have one path and that of a file`() throws {
        let pad = Info.File(path: [".pad", "1"], length: 1, isPad: true)
        let info = try Self.directory([pad, Self.file(".pad/1"), pad])
        #expect(info.contentLength == 1 && info.files.map(\.offset) == [0, 1, 2])
    }

    @Test func `other attributes and unknown keys are passed over`() throws {
        let bytes = Self.bencoded(
            "ld4:attr2:hx6:lengthi1e6:md5sum1:x4:pathl1:ae10:path.utf-8l1:bee"
                + "d4:attr2:xp6:lengthi1e4:pathl1:beee")
        let info = try Info(decoding: bytes)
        #expect(info.files.map(\.isPad) == [false, true])
        #expect(info.encoded == bytes && info.files[0].path == ["a"])
    }

    @Test(arguments: [
        (bencoded("le"), MetainfoError.noFiles),
        (bencoded("ld4:attr1:p6:lengthi1e4:pathl1:aeee"), .noFiles),
        (bencoded("i1e"), .wrongType(key: "files")),
        (bencoded("li1ee"), .malformedFile(index: 0)),
        (bencoded("ldee"), .malformedFile(index: 0)),
        (bencoded("ld6:lengthi1eee"), .malformedFile(index: 0)),
        (bencoded("ld4:pathl1:aeee"), .malformedFile(index: 0)),
        (bencoded("ld4:attri1e6:lengthi1e4:pathl1:aeee"), .malformedFile(index: 0)),
        (bencoded("ld6:lengthi-1e4:pathl1:aeee"), .invalidFileLength(index: 0)),
        (
            bencoded(
                "ld6:lengthi9223372036854775807e4:pathl1:aeed6:lengthi1e4:pathl1:beee"),
            .invalidFileLength(index: 1)
        ),
        (bencoded("ld6:lengthi1e4:pathl1:ae4:sha11:xee"), .invalidSHA1),
        (bencoded("ld4:attr1:l6:lengthi0e4:pathl1:aeee"), .symbolicLink("a")),
        (bencoded(paths: "1:a"), .malformedFile(index: 0)),
        (bencoded(paths: "li1ee"), .malformedFile(index: 0)),
        (bencoded(paths: "l1:ae", "l1:b0:e"), .invalidPath(index: 1)),
        (bencoded(paths: "le"), .invalidPath(index: 0)),
        (bencoded(paths: "l0:e"), .invalidPath(index: 0)),
        (bencoded(paths: "l1:a0:e"), .invalidPath(index: 0)),
        (bencoded(paths: "l2:..e"), .invalidPath(index: 0)),
        (bencoded(paths: "l1:a2:..1:be"), .invalidPath(index: 0)),
        (bencoded(paths: "l1:.1:ae"), .invalidPath(index: 0)),
        (bencoded(paths: "l3:a/be"), .invalidPath(index: 0)),
        (bencoded(paths: "l2:/ae"), .invalidPath(index: 0)),
        (bencoded(paths: "l3:a\0be"), .invalidPath(index: 0)),
        (
            bencoded(paths: "l256:" + String(repeating: "n", count: 256) + "e"),
            .invalidPath(index: 0)
        ),
        (
            bencoded(paths: "l" + String(repeating: "1:a", count: 65) + "e"),
            .longPath(index: 0)
        ),
        (
            bencoded(
                paths: "l"
                    + String(
                        repeating: "250:" + String(repeating: "n", count: 250), count: 12) + "e"),
            .longPath(index: 0)
        ),
        (bencoded(paths: "l1:a1:be", "l1:ce", "l1:a1:be"), .duplicatePath("a/b")),
        (bencoded(paths: "l1:a1:be", "l1:a1:b1:ce"), .fileAndDirectory("a/b")),
        (bencoded(paths: "l1:a1:be", "l2:a.e", "l1:ae"), .fileAndDirectory("a")),
    ])
    func `files that don't fit are refused with their place or path`(
        bytes: [UInt8], error: MetainfoError
    ) {
        #expect(throws: error) { try Info(decoding: bytes) }
        #expect(!error.description.isEmpty)
    }

    @Test func `a component that isn't UTF-8 is refused`() {
        var bytes = Self.bencoded(paths: "l1:ze")
        bytes[bytes.firstIndex(of: UInt8(ascii: "z"))!] = 0xff
        #expect(throws: MetainfoError.malformedFile(index: 0)) { try Info(decoding: bytes) }
    }

    @Test func `the longest and deepest paths are taken`() throws {
        let deep = [String](repeating: "d", count: 64)
        let long = [String](repeating: String(repeating: "n", count: 249), count: 12)
        let files = [Info.File(path: deep, length: 0), Info.File(path: long, length: 1)]
        #expect(try Self.directory(files).files.map(\.path) == [deep, long])
    }

    @Test func `a hundred thousand files are taken and one more is not`() throws {
        var files = (100_000..<200_000).map { Info.File(path: ["\($0)"], length: 0) }
        #expect(try Self.directory(files).files.count == Info.maxFiles)
        files.append(Self.file("e", 0))
        #expect(throws: MetainfoError.tooManyFiles(limit: 100_000)) { try Self.directory(files) }
    }

    @Test func `as many pads are taken and one more is not`() throws {
        let pad = Info.File(path: [".pad", "0"], length: 0, isPad: true)
        var files = [Self.file("a")] + [Info.File](repeating: pad, count: Info.maxFiles)
        #expect(try Self.directory(files).files.count == Info.maxFiles + 1)
        files.append(pad)
        #expect(throws: MetainfoError.tooManyFiles(limit: 100_000)) { try Self.directory(files) }
    }

    @Test func `every truncation is refused and damage never traps`() throws {
        let bytes = Self.bencoded(
            "ld6:lengthi1e4:pathl1:a1:bee"
                + "d4:attr1:p6:lengthi1e4:pathl4:.pad1:1eed6:lengthi9e4:pathl1:ceee")
        #expect(throws: Never.self) { try Info(decoding: bytes) }
        for count in 0..<bytes.count {
            #expect(throws: MetainfoError.self) { try Info(decoding: Array(bytes[..<count])) }
        }
        var generator = SeededGenerator(seed: 22)
        for _ in 0..<3_000 {
            let damaged = generator.mutated(bytes)
            guard let info = try? Info(decoding: damaged) else { continue }
            #expect(info.encoded == damaged)
            #expect(info.files.last?.range.upperBound == info.length)
        }
    }
}
