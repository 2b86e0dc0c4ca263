import Testing

@testable import Wire

struct AnnounceRequestTests {
    private static let infoHash = InfoHash([UInt8](0..<20))!
    private static let peerID = PeerID(Array("-MT0100-abcdefghijkl"))!
    private static let required =
        "info_hash=%00%01%02%03%04%05%06%07%08%09%0A%0b%0C%0d%0E%0f%10%11%12%13"
        + "&peer_id=-MT0100-abcdefghijkl&port=6881&left=5"

    private func parse(_ text: String) throws(AnnounceError) -> AnnounceRequest {
        try AnnounceRequest(parsingQuery: Array(text))
    }

    @Test func `the required parameters are enough`() throws {
        #expect(
            try parse(Self.required)
                == AnnounceRequest(
                    infoHash: Self.infoHash, peerID: Self.peerID, port: 6_881, left: 5))
    }

    @Test func `all parameters are read in any order, unknown ones passed over`() throws {
        let request = try parse(
            "event=completed&key=DEADBEEF&no_peer_id=1&compact=0&numwant=50&uploaded=1"
                + "&downloaded=18446744073709551615&ip=1.2.3.4&supportcrypto&&=&x=y&"
                + Self.required)
        #expect(
            request
                == AnnounceRequest(
                    infoHash: Self.infoHash, peerID: Self.peerID, port: 6_881, uploaded: 1,
                    downloaded: .max, left: 5, event: .completed, numwant: 50, compact: false,
                    noPeerID: true, key: 0xdead_beef))
    }

    @Test func `bytes may stand for themselves and a plus is a plus`() throws {
        let text = "peer_id=%2DMT0100%2dabcdefghijk+&info_hash=aaaaaaaaaaaaaaaaaaa%2B&port=1&left=0"
        let request = try parse(text)
        #expect(request.peerID.bytes == Array("-MT0100-abcdefghijk+"))
        #expect(request.infoHash.bytes == Array("aaaaaaaaaaaaaaaaaaa+"))
    }

    @Test(arguments: [
        ("started", AnnounceRequest.Event.started), ("completed", .completed),
        ("stopped", .stopped), ("paused", .paused), ("", .none), ("empty", .none),
        ("Started", .none),
    ])
    func `events are those of BEP 3 and BEP 21`(
        text: String, event: AnnounceRequest.Event
    ) throws {
        #expect(try parse("\(Self.required)&event=\(text)").event == event)
    }

    @Test(
        arguments: [
            ("50", 50), ("0", 0), ("-1", nil),
            ("99999999999999999999".dropLast(2).description, 999_999_999_999_999_999),
            ("18446744073709551615", Int.max),
        ] as [(String, Int?)])
    func `a negative number of peers leaves it to the tracker`(text: String, wanted: Int?) throws {
        #expect(try parse("\(Self.required)&numwant=\(text)").numwant == wanted)
    }

    @Test func `keys that aren't hexadecimal are told apart too`() throws {
        func key(_ text: String) throws -> UInt32? {
            try parse("\(Self.required)&key=\(text)").key
        }
        #expect(try key("1f") == 0x1f && key("0000001F") == 0x1f && key("") == nil)
        let odd = try ["ghijklmn", "ghijklmo", "123456789", "xyz"].map { try key($0) }
        #expect(Set(odd).count == 4 && !odd.contains(nil))
    }

    @Test(arguments: [
        ("", AnnounceError.missing(.infoHash)),
        ("info_hash=aaaaaaaaaaaaaaaaaaaa", .missing(.peerID)),
        ("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa", .missing(.port)),
        ("info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&port=1", .missing(.left)),
        ("info_hash=aaaaaaaaaaaaaaaaaaa", .malformed(.infoHash)),
        ("info_hash=aaaaaaaaaaaaaaaaaaaaa", .malformed(.infoHash)),
        ("info_hash=aaaaaaaaaaaaaaaaaaa%", .malformed(.infoHash)),
        ("info_hash=aaaaaaaaaaaaaaaaaaa%0", .malformed(.infoHash)),
        ("info_hash=aaaaaaaaaaaaaaaaaaa%0&x", .malformed(.infoHash)),
        ("info_hash=aaaaaaaaaaaaaaaaaaa%0g", .malformed(.infoHash)),
        ("info_hash", .malformed(.infoHash)),
        ("peer_id=short", .malformed(.peerID)),
        ("\(required)&port=1", .repeated(.port)),
        ("\(required)&info_hash=aaaaaaaaaaaaaaaaaaaa", .repeated(.infoHash)),
        ("\(required)&uploaded=-1", .malformed(.uploaded)),
        ("\(required)&uploaded=", .malformed(.uploaded)),
        ("\(required)&downloaded=18446744073709551616", .malformed(.downloaded)),
        ("\(required)&numwant=x", .malformed(.numwant)),
        ("\(required)&numwant=-", .malformed(.numwant)),
        ("\(required)&numwant=", .malformed(.numwant)),
    ])
    func `what is missing or malformed is named`(text: String, error: AnnounceError) {
        #expect(throws: error) { try parse(text) }
        #expect(!error.description.isEmpty)
    }

    @Test(arguments: ["0", "65536", "-1", "x", "", "99999999999999999999"])
    func `a port is 1 to 65535`(port: String) {
        let text = "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&left=0&port="
        #expect(throws: AnnounceError.malformed(.port)) { try parse(text + port) }
    }

    @Test func `the client's query is read again`() throws {
        var generator = SeededGenerator(seed: 21)
        let events: [AnnounceRequest.Event] = [.none, .started, .completed, .stopped, .paused]
        for round in 0..<200 {
            let request = AnnounceRequest(
                infoHash: InfoHash(generator.bytes(20))!, peerID: PeerID(generator.bytes(20))!,
                port: UInt16(generator.number(1..<65_536)), uploaded: generator.next(),
                downloaded: generator.next(), left: generator.next(), event: events[round % 5],
                numwant: round % 2 == 0 ? nil : round, compact: round % 3 != 0,
                noPeerID: round % 4 == 0, key: round % 7 == 0 ? nil : UInt32(round))
            #expect(try parse(request.query()) == request)
        }
    }

    @Test func `the client's query is as BEP 3 has it`() {
        let request = AnnounceRequest(
            infoHash: Self.infoHash, peerID: Self.peerID, port: 1, left: 2, event: .started,
            numwant: 3, key: 4)
        #expect(
            request.query()
                == "info_hash=%00%01%02%03%04%05%06%07%08%09%0A%0B%0C%0D%0E%0F%10%11%12%13"
                + "&peer_id=-MT0100-abcdefghijkl&port=1&uploaded=0&downloaded=0&left=2&compact=1"
                + "&numwant=3&key=4&event=started")
    }

    @Test func `truncated and damaged queries never trap`() {
        let bytes = Array(Self.required + "&numwant=5&key=0&event=started&compact=1")
        for count in 0..<bytes.count {
            _ = try? AnnounceRequest(parsingQuery: Array(bytes[..<count]))
        }
        var generator = SeededGenerator(seed: 22)
        for round in 0..<4_000 {
            let damaged = round % 5 == 0 ? generator.bytes(50) : generator.mutated(bytes)
            _ = try? AnnounceRequest(parsingQuery: damaged)
            _ = try? ScrapeRequest(parsingQuery: damaged)
        }
    }
}
