import Testing

@testable import Wire

struct ServerSentEventTests {
    private func decode(
        _ bytes: [UInt8], cuts: [Int] = [], maxEventBytes: Int = 1_000
    ) throws(ServerSentEventError) -> [ServerSentEvent] {
        var decoder = ServerSentEventDecoder(maxEventBytes: maxEventBytes)
        var events: [ServerSentEvent] = []
        var start = 0
        for end in cuts + [bytes.count] {
            let part = Array(bytes[start..<end])
            var position = 0
            while true {
                let event = try part.withRawBytes { (raw) throws(ServerSentEventError) in
                    try decoder.next(in: raw, from: &position)
                }
                guard let event else { break }
                events.append(event)
            }
            start = end
        }
        return events
    }

    /// The examples of WHATWG HTML §9.2.6.
    @Test(
        arguments: [
            ("data: YHOO\ndata: +2\ndata: 10\n\n", [ServerSentEvent(data: "YHOO\n+2\n10")]),
            (
                ": test stream\n\ndata: first event\nid: 1\n\n"
                    + "data:second event\nid\n\ndata:  third event\n\n",
                [
                    ServerSentEvent(data: "first event", id: "1"),
                    ServerSentEvent(data: "second event", id: ""),
                    ServerSentEvent(data: " third event", id: ""),
                ]
            ),
            (
                "data\n\ndata\ndata\n\ndata:",
                [ServerSentEvent(data: ""), ServerSentEvent(data: "\n")]
            ),
            (
                "data:test\n\ndata: test\n\n",
                [ServerSentEvent(data: "test"), ServerSentEvent(data: "test")]
            ),
            ("event: add\ndata: 73857293\n\n", [ServerSentEvent(event: "add", data: "73857293")]),
        ] as [(String, [ServerSentEvent])])
    func `the specification's examples are read`(
        text: String, events: [ServerSentEvent]
    ) throws {
        #expect(try decode(Array(text)) == events)
        for end in ["\r\n", "\r"] {
            let other = Array(text.replacing("\n", with: end))
            #expect(try decode(other) == events)
            for cut in 0...other.count {
                #expect(try decode(other, cuts: [cut]) == events)
            }
        }
    }

    @Test func `a byte order mark, comments, unknown fields and events without data are skipped`()
        throws
    {
        let text = "\u{feff}: c\nretry: 5\nfoo: bar\nevent: x\n\ndata: y\nid: a\0b\n\n"
        #expect(try decode(Array(text)) == [ServerSentEvent(data: "y")])
    }

    @Test(arguments: [
        ServerSentEvent(data: ""), ServerSentEvent(event: "membership", data: "{\"a\":1}"),
        ServerSentEvent(event: "x", data: "two\nlines\n", id: "7"),
        ServerSentEvent(data: " leading", id: ""), ServerSentEvent(data: "\n\n"),
    ])
    func `events round-trip at every split`(event: ServerSentEvent) throws {
        var bytes: [UInt8] = []
        ServerSentEvent.appendPing(to: &bytes)
        event.encode(into: &bytes)
        ServerSentEvent.appendPing(to: &bytes)
        for cut in 0...bytes.count {
            #expect(try decode(bytes, cuts: [cut]) == [event])
        }
        let end = bytes.count - 3
        for count in 0..<end {
            #expect(try decode(Array(bytes[..<count])) == [])
        }
    }

    @Test func `line breaks can't forge fields`() throws {
        var bytes: [UInt8] = []
        ServerSentEvent(event: "a\nid: 9", data: "x\r\nevent: b\ry", id: "1\rdata: z")
            .encode(into: &bytes)
        #expect(
            try decode(bytes)
                == [ServerSentEvent(event: "a", data: "x\nevent: b\ny", id: "1")])
    }

    @Test func `an event may not be longer than allowed`() throws {
        #expect(try decode(Array("data: 1234567890\n\n"), maxEventBytes: 16).count == 1)
        #expect(throws: ServerSentEventError.eventTooLong(limit: 15)) {
            try decode(Array("data: 1234567890\n\n"), maxEventBytes: 15)
        }
        let many = Array(String(repeating: "data: 12345\n", count: 10))
        #expect(throws: ServerSentEventError.eventTooLong(limit: 40)) {
            try decode(many, maxEventBytes: 40)
        }
    }

    @Test func `an error stays`() {
        var decoder = ServerSentEventDecoder(maxEventBytes: 2)
        for bytes in [Array("data"), Array("\n")] {
            var position = 0
            #expect(throws: ServerSentEventError.eventTooLong(limit: 2)) {
                try bytes.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
            }
        }
    }

    @Test func `random bytes never trap`() {
        var generator = SeededGenerator(seed: 20)
        let alphabet = Array("data:id event\r\n\n: \0") + [0xff, 0xef, 0xbb, 0xbf]
        for _ in 0..<3_000 {
            let bytes = (0..<generator.number(0..<40)).map { _ in
                alphabet[generator.number(0..<alphabet.count)]
            }
            let cut = generator.number(0..<bytes.count + 1)
            let once = try? decode(bytes)
            #expect(once == (try? decode(bytes, cuts: [cut])))
        }
    }
}
