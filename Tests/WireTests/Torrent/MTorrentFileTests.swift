import Testing

@testable import Wire

struct MTorrentFileTests {
    private static let first = SHA1Hasher.hash(Array("one"))
    private static let second = SHA1Hasher.hash(Array("two"))
    private static let combined = SHA1Hasher.hash(Array(first.hex + second.hex)).hex

    /// The lines as the old program wrote them, for 2,000 bytes in pieces of 1,500.
    private static let oldLines = [
        "127.0.0.1:6000", "127.0.0.1:6001", "/home/ann/my file.txt", "2000", first.hex, second.hex,
        combined,
    ]

    private static func text(_ lines: [String], end: String = "\n") -> String {
        lines.map { $0 + end }.joined()
    }

    private static func replacing(_ line: Int, _ text: String) -> String {
        var lines = oldLines
        lines[line - 1] = text
        return Self.text(lines)
    }

    @Test func `a file of the old form has pieces of 1,500 bytes`() throws {
        let file = try MTorrentFile(parsing: Self.text(Self.oldLines))
        #expect(file.trackers == ["127.0.0.1:6000", "127.0.0.1:6001"])
        #expect(file.path == "/home/ann/my file.txt")
        #expect(file.size == 2_000 && file.pieceLength == 1_500)
        #expect(file.pieceHashes == [Self.first, Self.second])
        #expect(file.infoHash == nil)
        #expect(file.info.name == "my file.txt" && !file.info.isPrivate)
        #expect(file.info.sha1 == nil && file.info.source == nil)
        #expect(file.info.pieces == Self.first.bytes + Self.second.bytes)
    }

    @Test func `what is written is read again with our extra lines`() throws {
        let file = try MTorrentFile(
            trackers: ["1.2.3.4:5"], path: "/data/äö", size: 16_385, pieceLength: 16_384,
            pieceHashes: [Self.first, Self.second])
        let expected = [
            "1.2.3.4:5", "", "/data/äö", "16385", Self.first.hex, Self.second.hex, Self.combined,
            "piece_length 16384", "info_hash \(file.info.infoHash.hex)",
        ]
        #expect(file.text == Self.text(expected))
        let parsed = try MTorrentFile(parsing: file.text)
        #expect(parsed == file)
        #expect(parsed.infoHash == file.info.infoHash)
    }

    @Test func `both sides derive the same info-hash from an old file`() throws {
        let old = try MTorrentFile(parsing: Self.text(Self.oldLines))
        let again = try MTorrentFile(parsing: old.text)
        #expect(again.infoHash == old.info.infoHash)
        #expect(again.pieceLength == 1_500)
    }

    @Test func `line ends may be CR LF, the last one may be missing, blank ones may follow`() throws
    {
        let expected = try MTorrentFile(parsing: Self.text(Self.oldLines))
        for text in [
            Self.text(Self.oldLines, end: "\r\n"), Self.oldLines.joined(separator: "\n"),
            Self.text(Self.oldLines) + "\n\r\n\n",
        ] {
            #expect(try MTorrentFile(parsing: text) == expected)
        }
        let complete = expected.text.replacing("\n", with: "\r\n")
        #expect(try MTorrentFile(parsing: complete).infoHash == expected.info.infoHash)
    }

    @Test func `an empty file has only the combined hash`() throws {
        let empty = SHA1Hasher.hash([UInt8]()).hex
        let text = Self.text(["1.2.3.4:5", "", "/empty", "0", empty])
        let file = try MTorrentFile(parsing: text)
        #expect(file.size == 0 && file.pieceHashes.isEmpty)
        #expect(try MTorrentFile(parsing: file.text).info == file.info)
    }

    @Test func `upper-case digits and unknown keys are taken`() throws {
        let upper = SHA1Hasher.hash(Array((Self.first.hex + Self.second.hex).uppercased())).hex
        var lines = Self.oldLines
        lines[4] = lines[4].uppercased()
        lines[5] = lines[5].uppercased()
        lines[6] = upper
        let file = try MTorrentFile(parsing: Self.text(lines + ["later value with spaces"]))
        #expect(file.pieceHashes == [Self.first, Self.second])
    }

    @Test(arguments: [
        ("", MTorrentError.missing(line: 1, .tracker)),
        (text(Array(oldLines[..<1])), .missing(line: 2, .tracker)),
        (text(Array(oldLines[..<2])), .missing(line: 3, .path)),
        (text(Array(oldLines[..<3])), .missing(line: 4, .size)),
        (text(Array(oldLines[..<4])), .missing(line: 5, .hash)),
        (text(Array(oldLines[..<6])), .wrongCombinedHash(line: 6)),
        (replacing(1, ""), .malformed(line: 1, .tracker)),
        (replacing(1, "localhost"), .malformed(line: 1, .tracker)),
        (replacing(2, "1.2.3.4"), .malformed(line: 2, .tracker)),
        (replacing(3, "relative/path"), .malformed(line: 3, .path)),
        (replacing(3, "/directory/"), .malformed(line: 3, .path)),
        (replacing(3, "/a/.."), .malformed(line: 3, .path)),
        (replacing(4, "-1"), .malformed(line: 4, .size)),
        (replacing(4, "+1"), .malformed(line: 4, .size)),
        (replacing(4, ""), .malformed(line: 4, .size)),
        (replacing(4, "99999999999999999999"), .malformed(line: 4, .size)),
        (
            replacing(4, "9223372036854775807"),
            .wrongHashCount(
                line: 7, expected: 6_148_914_691_236_518, actual: 2)
        ),
        (replacing(4, "3001"), .wrongHashCount(line: 7, expected: 3, actual: 2)),
        (replacing(4, "1500"), .wrongHashCount(line: 7, expected: 1, actual: 2)),
        (replacing(5, "xyz"), .malformed(line: 5, .hash)),
        (replacing(6, second.hex.dropLast() + "g"), .wrongCombinedHash(line: 5)),
        (replacing(6, first.hex), .wrongCombinedHash(line: 7)),
        (replacing(7, first.hex), .wrongCombinedHash(line: 7)),
        (text(oldLines + ["piece_length"]), .malformed(line: 8, .keyAndValue)),
        (text(oldLines + ["", "piece_length 5"]), .malformed(line: 8, .keyAndValue)),
        (text(oldLines + ["piece_length 0"]), .malformed(line: 8, .pieceLength)),
        (text(oldLines + ["piece_length 67108865"]), .malformed(line: 8, .pieceLength)),
        (text(oldLines + ["piece_length x"]), .malformed(line: 8, .pieceLength)),
        (
            text(oldLines + ["piece_length 1500", "piece_length 1500"]),
            .repeatedKey(line: 9, "piece_length")
        ),
        (
            text(oldLines + ["piece_length 16384"]),
            .wrongHashCount(line: 7, expected: 1, actual: 2)
        ),
        (text(oldLines + ["info_hash 00"]), .malformed(line: 8, .infoHash)),
        (text(oldLines + ["info_hash \(first.hex)"]), .wrongInfoHash(line: 8)),
    ])
    func `what is wrong is named with its line`(text: String, error: MTorrentError) {
        #expect(throws: error) { try MTorrentFile(parsing: text) }
        #expect(!error.description.isEmpty)
    }

    @Test func `bytes that aren't UTF-8 are refused`() {
        var bytes = Array(Self.text(Self.oldLines))
        bytes[bytes.firstIndex(of: UInt8(ascii: "h"))!] = 0xff
        #expect(throws: MTorrentError.malformed(line: 3, .path)) {
            try MTorrentFile(parsing: bytes)
        }
    }

    @Test func `values that don't make a file are refused`() {
        func make(
            _ trackers: [String], _ path: String, _ size: Int64 = 2_000
        ) throws(MTorrentError) {
            _ = try MTorrentFile(
                trackers: trackers, path: path, size: size, pieceLength: 1_500,
                pieceHashes: [Self.first, Self.second])
        }
        #expect(throws: MTorrentError.invalidTrackers) { try make([], "/a") }
        #expect(throws: MTorrentError.invalidTrackers) { try make(["x"], "/a") }
        #expect(throws: MTorrentError.invalidTrackers) {
            try make(["1.1.1.1:1", "1.1.1.1:2", "1.1.1.1:3"], "/a")
        }
        for path in ["a", "/", "/a\nb", "/a\r", "/a/\0", ""] {
            #expect(throws: MTorrentError.invalidPath(path)) { try make(["1.1.1.1:1"], path) }
        }
        #expect(
            throws: MTorrentError.metainfo(.wrongPieceCount(expected: 1, actual: 2))
        ) { try make(["1.1.1.1:1"], "/a", 10) }
    }

    @Test func `truncated and damaged files never trap`() throws {
        let bytes = Array(try MTorrentFile(parsing: Self.text(Self.oldLines)).text)
        for count in 0..<bytes.count {
            _ = try? MTorrentFile(parsing: Array(bytes[..<count]))
        }
        var generator = SeededGenerator(seed: 16)
        for round in 0..<2_000 {
            let damaged = round % 4 == 0 ? generator.bytes(60) : generator.mutated(bytes)
            if let file = try? MTorrentFile(parsing: damaged) {
                #expect(try MTorrentFile(parsing: file.text).info == file.info)
            }
        }
    }
}
