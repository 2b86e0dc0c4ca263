import Testing

@testable import Wire

struct MetainfoTests {
    private static let info = try! Info(
        name: "file", length: 3, pieceLength: 16_384, pieces: [UInt8](repeating: 1, count: 20),
        isPrivate: true, sha1: nil, source: "n/g")

    @Test func `a torrent of one tracker has no list of them`() throws {
        let metainfo = Metainfo(info: Self.info, trackers: [["http://t/announce/x"]])
        let expected =
            Array("d8:announce19:http://t/announce/x4:info") + Self.info.encoded + Array("e")
        #expect(metainfo.encoded() == expected)
        #expect(try Metainfo(decoding: expected) == metainfo)
    }

    @Test func `all of a torrent's parts round-trip`() throws {
        let metainfo = Metainfo(
            info: Self.info, trackers: [["http://a/", "http://b/"], ["http://c/"]],
            comment: "ä", createdBy: "mTorrent 0.1")
        let bytes = metainfo.encoded()
        #expect(try Metainfo(decoding: bytes) == metainfo)
        #expect(try Bencode.decode(bytes).dictionary?["announce"]?.text == "http://a/")
        #expect(try Bencode.decode(bytes).encoded() == bytes)
    }

    @Test func `no trackers are written as none and read as none`() throws {
        let metainfo = Metainfo(info: Self.info, trackers: [])
        #expect(try Metainfo(decoding: metainfo.encoded()) == metainfo)
        let empty = Metainfo(info: Self.info, trackers: [[], []])
        #expect(empty.encoded() == metainfo.encoded())
    }

    @Test func `the list goes before the single tracker, unless it is empty`() throws {
        let tail = Array("4:info") + Self.info.encoded + Array("e")
        let listed = Array("d8:announce1:a13:announce-listll1:bel1:c1:dee") + tail
        #expect(try Metainfo(decoding: listed).trackers == [["b"], ["c", "d"]])
        let empty = Array("d8:announce1:a13:announce-listllee") + tail
        #expect(try Metainfo(decoding: empty).trackers == [["a"]])
    }

    @Test func `other tools' keys are passed over and the info-hash is theirs`() throws {
        let bytes =
            Array("d8:announce1:a13:creation datei1700000000e8:encoding5:UTF-84:info")
            + Self.info.encoded + Array("8:url-list0:e")
        let metainfo = try Metainfo(decoding: bytes)
        #expect(metainfo.info.infoHash == Self.info.infoHash)
        #expect(metainfo.info.encoded == Self.info.encoded)
    }

    @Test(arguments: [
        (Array("le"), MetainfoError.notADictionary),
        (Array("de"), .missing(key: "info")),
        (Array("d4:infoi1ee"), .wrongType(key: "info")),
        (Array("d4:infodee"), .missing(key: "name")),
        (
            Array("d13:announce-listl1:ae4:info") + info.encoded + Array("e"),
            .wrongType(key: "announce-list")
        ),
        (
            Array("d8:announcei1e4:info") + info.encoded + Array("e"), .wrongType(key: "announce")
        ),
    ])
    func `what is wrong is named`(bytes: [UInt8], error: MetainfoError) {
        #expect(throws: error) { try Metainfo(decoding: bytes) }
    }

    @Test func `every truncation is refused and damage never traps`() {
        let bytes = Metainfo(
            info: Self.info, trackers: [["http://a/", "http://b/"]], comment: "c"
        ).encoded()
        for count in 0..<bytes.count {
            #expect(throws: MetainfoError.self) { try Metainfo(decoding: Array(bytes[..<count])) }
        }
        var generator = SeededGenerator(seed: 15)
        for _ in 0..<1_500 {
            _ = try? Metainfo(decoding: generator.mutated(bytes))
        }
    }
}
