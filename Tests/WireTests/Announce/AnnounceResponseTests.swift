import Testing

@testable import Wire

struct AnnounceResponseTests {
    private static let full = AnnounceResponse(
        interval: 1_800, minInterval: 60, complete: 1, incomplete: 2, downloaded: 3,
        peers: [Endpoint("1.2.3.4:5")!, Endpoint("6.7.8.9:258")!],
        peers6: [Endpoint("[2001:db8::1]:80")!], warning: "slow down",
        externalIP: IPAddress("9.8.7.6"))

    private func encoded(_ response: AnnounceResponse, compact: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        response.encode(compact: compact, into: &bytes)
        return bytes
    }

    @Test func `a compact answer is as BEP 23 has it`() {
        let response = AnnounceResponse(
            interval: 900, complete: 1, incomplete: 0, peers: [Endpoint("65.66.67.68:17734")!])
        #expect(
            encoded(response, compact: true)
                == Array("d8:completei1e10:incompletei0e8:intervali900e5:peers6:ABCDEFe"))
    }

    @Test func `an answer of dictionaries is as BEP 3 has it`() {
        let response = AnnounceResponse(interval: 900, peers: [Endpoint("1.2.3.4:5")!])
        #expect(
            encoded(response, compact: false)
                == Array(
                    "d8:completei0e10:incompletei0e8:intervali900e"
                        + "5:peersld2:ip7:1.2.3.44:porti5eeee"))
    }

    @Test(arguments: [true, false]) func `answers round-trip canonically`(compact: Bool) throws {
        for response in [Self.full, AnnounceResponse(interval: 0)] {
            let bytes = encoded(response, compact: compact)
            #expect(try AnnounceResponse(decoding: bytes) == response)
            #expect(try Bencode.decode(bytes).encoded() == bytes)
            for count in 0..<bytes.count {
                #expect(throws: AnnounceResponseError.self) {
                    try AnnounceResponse(decoding: Array(bytes[..<count]))
                }
            }
        }
    }

    @Test func `peers in compact bytes are written as they are`() {
        var bytes: [UInt8] = []
        var bare = Self.full
        bare.peers = []
        bare.peers6 = []
        bare.encode(
            ipv4: Self.full.peers.flatMap(\.compact), ipv6: Self.full.peers6.flatMap(\.compact),
            into: &bytes)
        #expect(bytes == encoded(Self.full, compact: true))
    }

    @Test func `peers without an address or port are passed over`() throws {
        let text =
            "d8:intervali5e5:peersld2:ip3:::14:porti1eed2:ip9:localhost4:porti2ee"
            + "d2:ip7:1.2.3.44:porti0eed2:ip7:1.2.3.44:porti65536eei1ed2:ip7:1.2.3.47:peer id1:x"
            + "4:porti3eeee"
        let response = try AnnounceResponse(decoding: Array(text))
        #expect(response.peers == [Endpoint("1.2.3.4:3")!])
        #expect(response.peers6 == [Endpoint("[::1]:1")!])
    }

    @Test(arguments: [
        ("d8:completei1ee", AnnounceResponseError.malformed(key: "interval")),
        ("d8:intervali-1ee", .malformed(key: "interval")),
        ("d8:intervali1e5:peers5:abcdee", .malformed(key: "peers")),
        ("d8:intervali1e5:peersi1ee", .malformed(key: "peers")),
        ("d8:intervali1e6:peers63:abce", .malformed(key: "peers6")),
        ("le", .malformed(key: "dictionary")),
        ("<html>", .bencode(.unexpectedByte(0x3c, at: 0))),
    ])
    func `what is malformed is named`(text: String, error: AnnounceResponseError) {
        #expect(throws: error) { try AnnounceResponse(decoding: Array(text)) }
        #expect(!error.description.isEmpty)
    }

    @Test(arguments: [
        (AnnounceFailure(reason: "no"), "d14:failure reason2:noe"),
        (
            AnnounceFailure(reason: "later", retryIn: .minutes(5)),
            "d14:failure reason5:later8:retry ini5ee"
        ),
        (
            AnnounceFailure(reason: "gone", retryIn: .never),
            "d14:failure reason4:gone8:retry in5:nevere"
        ),
    ])
    func `refusals are as BEP 31 has them`(failure: AnnounceFailure, text: String) {
        var bytes: [UInt8] = []
        failure.encode(into: &bytes)
        #expect(bytes == Array(text))
        #expect(throws: AnnounceResponseError.failure(failure)) {
            try AnnounceResponse(decoding: bytes)
        }
        #expect(throws: AnnounceResponseError.failure(failure)) {
            try ScrapeResponse(decoding: bytes)
        }
    }

    @Test func `a refusal's text is made safe for the terminal`() {
        let error = AnnounceResponseError.failure(AnnounceFailure(reason: "a\u{1b}[2J"))
        #expect(error.description == "a\\u{1b}[2J")
    }

    @Test func `damaged answers never trap`() {
        var generator = SeededGenerator(seed: 23)
        for round in 0..<3_000 {
            let bytes = generator.mutated(encoded(Self.full, compact: round % 2 == 0))
            _ = try? AnnounceResponse(decoding: bytes)
            _ = try? ScrapeResponse(decoding: bytes)
        }
    }
}

struct ScrapeTests {
    @Test func `a scrape names its info-hashes`() throws {
        let hashes = [InfoHash([UInt8](0..<20))!, InfoHash([UInt8](repeating: 0x61, count: 20))!]
        let request = ScrapeRequest(infoHashes: hashes)
        #expect(try ScrapeRequest(parsingQuery: Array(request.query())) == request)
        #expect(try ScrapeRequest(parsingQuery: Array("x=y&" + request.query())) == request)
        #expect(throws: AnnounceError.tooManyInfoHashes(limit: 1)) {
            try ScrapeRequest(parsingQuery: Array(request.query()), limit: 1)
        }
        #expect(throws: AnnounceError.missing(.infoHash)) { try ScrapeRequest(parsingQuery: []) }
        #expect(throws: AnnounceError.malformed(.infoHash)) {
            try ScrapeRequest(parsingQuery: Array("info_hash=a"))
        }
    }

    @Test func `an answer is as BEP 48 has it`() throws {
        let response = ScrapeResponse(files: [
            InfoHash(Array("bbbbbbbbbbbbbbbbbbbb"))!: .init(
                complete: 1, downloaded: 2, downloaders: 3, incomplete: 4),
            InfoHash(Array("aaaaaaaaaaaaaaaaaaaa"))!: .init(
                complete: 5, downloaded: 50, incomplete: 10),
        ])
        var bytes: [UInt8] = []
        response.encode(into: &bytes)
        let expected =
            "d5:filesd20:aaaaaaaaaaaaaaaaaaaad8:completei5e10:downloadedi50e10:incompletei10ee"
            + "20:bbbbbbbbbbbbbbbbbbbbd8:completei1e10:downloadedi2e11:downloadersi3e"
            + "10:incompletei4eeee"
        #expect(bytes == Array(expected))
        #expect(try ScrapeResponse(decoding: bytes) == response)
        for count in 0..<bytes.count {
            #expect(throws: AnnounceResponseError.self) {
                try ScrapeResponse(decoding: Array(bytes[..<count]))
            }
        }
        #expect(throws: AnnounceResponseError.malformed(key: "files")) {
            try ScrapeResponse(decoding: Array("de"))
        }
    }
}
