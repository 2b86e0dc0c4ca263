import Testing

@testable import Wire

struct InfoTests {
    private static let digest = SHA1Digest([UInt8](repeating: 0x41, count: 20))!
    private static let twoPieces = [UInt8](repeating: 0x41, count: 40)

    private static func bencoded(
        name: String = "4:file", length: String = "i20000e", pieceLength: String = "i16384e",
        pieces: String = "40:" + String(repeating: "A", count: 40), rest: String = ""
    ) -> [UInt8] {
        Array(
            "d6:length\(length)4:name\(name)12:piece length\(pieceLength)6:pieces\(pieces)\(rest)e")
    }

    @Test func `the dictionary is encoded in the order of its keys`() throws {
        let info = try Info(
            name: "a b", length: 20_000, pieceLength: 16_384, pieces: Self.twoPieces,
            isPrivate: true, sha1: Self.digest, source: "net/group")
        let expected =
            "d6:lengthi20000e4:name3:a b12:piece lengthi16384e6:pieces40:"
            + String(repeating: "A", count: 40) + "7:privatei1e4:sha120:"
            + String(repeating: "A", count: 20) + "6:source9:net/groupe"
        #expect(info.encoded == Array(expected))
        #expect(info.infoHash == InfoHash(SHA1Hasher.hash(Array(expected))))
        let decoded = try Info(decoding: info.encoded)
        #expect(decoded == info)
        #expect(decoded.name == "a b" && decoded.length == 20_000 && decoded.isPrivate)
        #expect(decoded.sha1 == Self.digest && decoded.source == "net/group")
    }

    @Test func `an info-hash is the one other tools compute`() throws {
        // sha1sum of the bencoded dictionary below.
        let info = try Info(decoding: Self.bencoded())
        #expect(info.infoHash.hex == "59426cd750bf4e2ce615cb83003773072a2db5a1")
        #expect(!info.isPrivate && info.sha1 == nil && info.source == nil)
    }

    @Test func `a single file is its only file, under its name`() throws {
        let info = try Info(
            name: "a b", length: 20_000, pieceLength: 16_384, pieces: Self.twoPieces,
            isPrivate: true, sha1: Self.digest, source: nil)
        #expect(info.files == [Info.File(path: ["a b"], length: 20_000, sha1: Self.digest)])
        #expect(!info.isDirectory && info.contentLength == 20_000)
        #expect(info.files(overlapping: 19_999..<20_000) == 0..<1)
    }

    @Test func `unknown keys stay in the bytes and in the info-hash`() throws {
        let bytes = Self.bencoded(rest: "8:ssl-cert3:abc")
        let info = try Info(decoding: bytes)
        #expect(info.encoded == bytes)
        #expect(info.infoHash == InfoHash(SHA1Hasher.hash(bytes)))
        #expect(info != (try Info(decoding: Self.bencoded())))
    }

    @Test func `pieces have hashes and lengths`() throws {
        let pieces = [UInt8](0..<60)
        let info = try Info(
            name: "f", length: 33_000, pieceLength: 16_384, pieces: pieces, isPrivate: false,
            sha1: nil, source: nil)
        #expect(info.pieceCount == 3)
        #expect(info.pieceHash(1).bytes == [UInt8](20..<40))
        #expect((0..<3).map(info.length(ofPiece:)) == [16_384, 16_384, 232])
        #expect(info.offset(ofPiece: 2) == 32_768)
    }

    @Test func `an exact multiple has a full last piece and an empty file has none`() throws {
        let full = try Info(
            name: "f", length: 32_768, pieceLength: 16_384, pieces: Self.twoPieces,
            isPrivate: false, sha1: nil, source: nil)
        #expect(full.length(ofPiece: 1) == 16_384)
        let empty = try Info(
            name: "f", length: 0, pieceLength: 16_384, pieces: [], isPrivate: false, sha1: nil,
            source: nil)
        #expect(empty.pieceCount == 0)
        #expect(try Info(decoding: empty.encoded) == empty)
    }

    @Test(arguments: [
        (Array("i1e"), MetainfoError.notADictionary),
        (Array("de"), .missing(key: "name")),
        (Array("d5:filesle6:lengthi0e4:name1:ae"), .lengthAndFiles),
        (bencoded(name: "i1e"), .wrongType(key: "name")),
        (bencoded(name: "0:"), .invalidName),
        (bencoded(name: "1:."), .invalidName),
        (bencoded(name: "2:.."), .invalidName),
        (bencoded(name: "3:a/b"), .invalidName),
        (bencoded(name: "3:a\0b"), .invalidName),
        (bencoded(name: "256:" + String(repeating: "n", count: 256)), .invalidName),
        (bencoded(length: "i-1e"), .invalidLength(-1)),
        (bencoded(length: "1:1"), .wrongType(key: "length")),
        (bencoded(pieceLength: "i0e"), .invalidPieceLength(0)),
        (bencoded(pieceLength: "i-16384e"), .invalidPieceLength(-16_384)),
        (bencoded(pieceLength: "i67108865e"), .invalidPieceLength(67_108_865)),
        (bencoded(pieces: "2:aa"), .invalidPieces(count: 2)),
        (bencoded(pieces: "0:"), .wrongPieceCount(expected: 2, actual: 0)),
        (bencoded(length: "i32769e"), .wrongPieceCount(expected: 3, actual: 2)),
        (
            bencoded(length: "i9223372036854775807e", pieceLength: "i1e"),
            .wrongPieceCount(expected: .max, actual: 2)
        ),
        (bencoded(rest: "7:privatele"), .wrongType(key: "private")),
        (bencoded(rest: "4:sha13:abc"), .invalidSHA1),
        (bencoded(rest: "6:sourcei1e"), .wrongType(key: "source")),
        (bencoded(rest: "0:"), .bencode(.unexpectedByte(0x65, at: 103))),
    ])
    func `values that don't fit are refused with their names`(
        bytes: [UInt8], error: MetainfoError
    ) {
        #expect(throws: error) { try Info(decoding: bytes) }
        #expect(!error.description.isEmpty)
    }

    @Test func `a name that isn't UTF-8 is refused`() {
        var bytes = Self.bencoded()
        bytes[bytes.firstIndex(of: UInt8(ascii: "f"))!] = 0xff
        #expect(throws: MetainfoError.wrongType(key: "name")) { try Info(decoding: bytes) }
    }

    @Test func `piece lengths between 1 byte and 64 MiB are taken`() throws {
        for pieceLength in [1_500, 64 << 20] {
            let info = try Info(
                name: "f", length: Int64(pieceLength), pieceLength: pieceLength,
                pieces: [UInt8](repeating: 0, count: 20), isPrivate: false, sha1: nil, source: nil)
            #expect(info.pieceLength == pieceLength)
        }
    }

    @Test func `the chosen piece length makes about one to two thousand pieces`() {
        let size: Int64 = 1 << 30
        #expect(Info.pieceLength(forFileOf: 0) == 16 << 10)
        #expect(Info.pieceLength(forFileOf: 2_000 * (16 << 10)) == 16 << 10)
        #expect(Info.pieceLength(forFileOf: 2_000 * (16 << 10) + 1) == 32 << 10)
        #expect(Info.pieceLength(forFileOf: size) == 1 << 20)
        #expect(Info.pieceLength(forFileOf: 10 * size) == 8 << 20)
        #expect(Info.pieceLength(forFileOf: 1_000 * size) == 16 << 20)
        #expect(Info.pieceLength(forFileOf: .max) == 16 << 20)
        var length: Int64 = 33 << 20
        while length < 31 * size {
            let count = length / Int64(Info.pieceLength(forFileOf: length))
            #expect((999...2_000).contains(count))
            length += length / 3
        }
    }

    @Test func `every truncation is refused and damage never traps`() throws {
        let bytes = Self.bencoded(rest: "7:privatei1e6:source3:n/g")
        #expect(throws: Never.self) { try Info(decoding: bytes) }
        for count in 0..<bytes.count {
            #expect(throws: MetainfoError.self) { try Info(decoding: Array(bytes[..<count])) }
        }
        var generator = SeededGenerator(seed: 14)
        for _ in 0..<2_000 {
            let damaged = generator.mutated(bytes)
            if let info = try? Info(decoding: damaged) { #expect(info.encoded == damaged) }
        }
    }
}
