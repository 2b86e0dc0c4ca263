import Testing

@testable import Wire

/// A response as its receiver puts it together.
private struct Received: Equatable {
    var status: Int
    var keepAlive: Bool
    var body: [UInt8] = []
    var isComplete = false
}

struct HTTPResponseDecoderTests {
    private func decode(
        _ bytes: [UInt8], methods: [HTTPMethod], cuts: [Int] = [], closes: Bool = false,
        limits: HTTPLimits = HTTPLimits()
    ) throws(HTTPError) -> [Received] {
        var decoder = HTTPResponseDecoder(limits: limits)
        for method in methods { decoder.expectResponse(to: method) }
        var received: [Received] = []
        var start = 0
        for end in cuts + [bytes.count] {
            let part = Array(bytes[start..<end])
            var position = 0
            while true {
                let event = try part.withRawBytes { (raw) throws(HTTPError) in
                    try decoder.next(in: raw, from: &position)
                }
                guard let event else { break }
                take(event, part, &received)
            }
            #expect(position == part.count)
            start = end
        }
        if closes, let event = try decoder.finish() { take(event, [], &received) }
        return received
    }

    private func take(
        _ event: HTTPResponseDecoder.Event, _ bytes: [UInt8], _ received: inout [Received]
    ) {
        switch event {
        case .head(let head):
            received.append(Received(status: head.status, keepAlive: head.keepAlive))
        case .body(let range):
            #expect(!range.isEmpty)
            received[received.count - 1].body += bytes[range]
        case .end:
            received[received.count - 1].isComplete = true
        }
    }

    private static let chunked = Array(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\nhello\r\n00A;name=\"v\"\r\n, chunked!\r\n1 \r\n.\r\n0\r\n"
            + "Trailer: x\r\nOther: y\r\n\r\n")
    private static let counted = Array(
        "HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\nX: y\r\n\r\nbody")

    @Test func `a body of known length ends after its bytes`() throws {
        let received = try decode(Self.counted, methods: [.get], closes: true)
        #expect(
            received == [
                Received(status: 409, keepAlive: true, body: Array("body"), isComplete: true)
            ])
    }

    @Test func `chunks are joined, extensions and trailers skipped`() throws {
        let received = try decode(Self.chunked, methods: [.get])
        #expect(
            received == [
                Received(
                    status: 200, keepAlive: true, body: Array("hello, chunked!."), isComplete: true)
            ])
    }

    @Test func `a body without a length ends with the connection`() throws {
        let text = Array("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n")
        let open = try decode(text, methods: [.get])
        #expect(open == [Received(status: 200, keepAlive: false, body: Array("data: x\n\n"))])
        let closed = try decode(text, methods: [.get], closes: true)
        #expect(closed.first?.isComplete == true)
    }

    @Test func `interim responses are skipped and some responses have no body`() throws {
        let text = Array(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
                + "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n"
                + "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        let received = try decode(text, methods: [.head, .delete, .get, .get], closes: true)
        #expect(received.map(\.status) == [200, 204, 304, 200])
        #expect(received.allSatisfy { $0.body.isEmpty && $0.isComplete })
        #expect(received.map(\.keepAlive) == [true, true, true, false])
    }

    @Test func `a stream of responses may be split at every point`() throws {
        let stream = Self.counted + Self.chunked + Array("HTTP/1.1 100 C\r\n\r\n") + Self.counted
        let methods = [HTTPMethod.get, .post, .get]
        let whole = try decode(stream, methods: methods)
        #expect(whole.count == 3 && whole.allSatisfy { $0.isComplete })
        for cut in 0...stream.count {
            #expect(try decode(stream, methods: methods, cuts: [cut]) == whole)
        }
        #expect(try decode(stream, methods: methods, cuts: Array(0...stream.count)) == whole)
    }

    @Test func `a connection that ends in between truncates the response`() throws {
        for stream in [Self.counted, Self.chunked] {
            for count in 0..<stream.count {
                #expect(throws: HTTPError.truncated) {
                    try decode(Array(stream[..<count]), methods: [.get], closes: true)
                }
            }
        }
        #expect(try decode([], methods: [], closes: true) == [])
    }

    @Test func `versions and Connection decide over keeping the connection`() throws {
        func keepAlive(_ version: String, _ field: String) throws -> Bool? {
            let text = "\(version) 200 OK\r\nContent-Length: 0\r\n\(field)\r\n"
            return try decode(Array(text), methods: [.get]).first?.keepAlive
        }
        #expect(try keepAlive("HTTP/1.1", "") == true)
        #expect(try keepAlive("HTTP/1.0", "") == false)
        #expect(try keepAlive("HTTP/1.0", "Connection: keep-alive\r\n") == true)
        #expect(try keepAlive("HTTP/1.1", "Connection: close\r\n") == false)
    }

    @Test(arguments: [
        ("HTTP/2.0 200 OK\r\n\r\n", HTTPError.malformed(.statusLine)),
        ("HTTP/1.1 20 OK\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/1.1 2000 OK\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/1.1 099 OK\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/1.1 600 OK\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/1.1  200 OK\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/1.1 2x0 OK\r\n\r\n", .malformed(.statusLine)),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/1.1 101 Switching\r\n\r\n", .unexpectedResponse),
        ("HTTP/1.1 200 OK\nA: b\n\n", .malformed(.lineEnd)),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .malformed(.fieldName)),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", .malformed(.contentLength)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            .malformed(.contentLength)
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            .malformed(.transferEncoding)
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", .unknownTransferCoding),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .malformed(.transferEncoding)
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP", .unexpectedResponse),
    ])
    func `malformed and unasked responses are refused`(text: String, error: HTTPError) {
        #expect(throws: error) { try decode(Array(text), methods: [.get]) }
    }

    @Test(arguments: [
        "x\r\n", "\r\n", "-1\r\n", "1\n", "1\r\nab", "1\r\na\n", "1\r\na\r\r", ";\r\n",
        "fffffffffffffffff\r\n", "0000000000000001\r\n", "1\u{0}\r\n", "1;\u{0}\r\n", "0\r\n\r\r",
        "0\r\nA\n", "0\r\nA: b\rc",
    ])
    func `malformed chunks are refused`(body: String) {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(throws: HTTPError.malformed(.chunk)) {
            try decode(Array(head + body), methods: [.get])
        }
    }

    @Test func `heads, extensions and trailers are limited`() {
        let limits = HTTPLimits(maxStartLineBytes: 30, maxFieldBytes: 40, maxFieldCount: 2)
        let long = String(repeating: "x", count: 60)
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let cases: [(String, HTTPError)] = [
            ("HTTP/1.1 200 \(long)", .startLineTooLong),
            ("HTTP/1.1 200 \(long)\r\n\r\n", .startLineTooLong),
            ("HTTP/1.1 200 OK\r\nA: \(long)", .fieldsTooLong),
            ("HTTP/1.1 200 OK\r\nA: \(long)\r\n\r\n", .fieldsTooLong),
            ("HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\n\r\n", .tooManyFields),
            (chunked + "1;\(long)", .fieldsTooLong),
            (chunked + "0\r\nA: \(long)", .fieldsTooLong),
            (chunked + "0\r\n" + String(repeating: "A:\r\n", count: 30), .fieldsTooLong),
        ]
        for (text, error) in cases {
            #expect(throws: error) { try decode(Array(text), methods: [.get], limits: limits) }
        }
    }

    @Test func `an error stays`() throws {
        var decoder = HTTPResponseDecoder()
        decoder.expectResponse(to: .get)
        var position = 0
        let bad = Array("BAD\r\n")
        let good = Self.counted
        for _ in 0..<2 {
            #expect(throws: HTTPError.malformed(.statusLine)) {
                try (bad + Array("\r\n")).withUnsafeBytes {
                    try decoder.next(in: $0, from: &position)
                }
            }
        }
        #expect(throws: HTTPError.malformed(.statusLine)) {
            try good.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
        }
        #expect(throws: HTTPError.malformed(.statusLine)) { try decoder.finish() }
    }

    @Test func `what a server encodes is read again`() throws {
        var bytes: [UInt8] = []
        let response = HTTPResponse(
            status: 201, headers: [("Content-Type", "application/json"), ("X", "a\r\nB: c")],
            body: Array("{}"))
        response.encode(into: &bytes)
        response.encode(into: &bytes, keepAlive: false, includesBody: false)
        HTTPResponse(status: 204).encode(into: &bytes)
        HTTPResponse.appendContinue(to: &bytes)
        HTTPResponse.appendHead(
            status: 200, contentType: "text/plain", contentLength: 3, keepAlive: true, to: &bytes)
        bytes += Array("d3e")
        HTTPResponse.appendHead(
            status: 200, contentType: "text/event-stream", contentLength: nil, keepAlive: true,
            to: &bytes)
        bytes += Array("rest")
        let received = try decode(
            bytes, methods: [.post, .head, .delete, .get, .get], closes: true)
        #expect(received.map(\.status) == [201, 201, 204, 200, 200])
        #expect(received.map(\.keepAlive) == [true, false, true, true, false])
        #expect(received.map(\.body) == ["{}", "", "", "d3e", "rest"].map { Array($0) })
        #expect(received.allSatisfy { $0.isComplete })
    }

    @Test func `the bytes of a response are as RFC 9112 writes them`() {
        var bytes: [UInt8] = []
        HTTPResponse(status: 404, headers: [("A", "b")], body: Array("no")).encode(into: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == "HTTP/1.1 404 Not Found\r\nA: b\r\nContent-Length: 2\r\n"
                + "Connection: keep-alive\r\n\r\nno")
    }

    @Test func `a head's fields can be asked for`() throws {
        var decoder = HTTPResponseDecoder()
        decoder.expectResponse(to: .get)
        var position = 0
        let event = try Self.counted.withUnsafeBytes { try decoder.next(in: $0, from: &position) }
        guard case .head(let head) = event else {
            Issue.record("no head")
            return
        }
        #expect(head.header("x") == "y" && head.header("content-length") == "4")
    }

    @Test func `random and damaged streams never trap`() {
        var generator = SeededGenerator(seed: 19)
        let stream = Self.counted + Self.chunked
        for round in 0..<3_000 {
            let bytes =
                round % 4 == 0
                ? generator.bytes(generator.number(0..<100)) : generator.mutated(stream)
            let cut = generator.number(0..<bytes.count + 1)
            _ = try? decode(bytes, methods: [.get, .get], cuts: [cut], closes: true)
        }
    }
}
