import Testing

@testable import Wire

struct HTTPRequestDecoderTests {
    private static let limits = HTTPLimits(
        maxStartLineBytes: 60, maxFieldBytes: 120, maxFieldCount: 5, maxBodyBytes: 20)

    /// All requests of a stream that is cut at the given places.
    private func decode(
        _ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = limits
    ) throws(HTTPError) -> [HTTPRequest] {
        var decoder = HTTPRequestDecoder(limits: limits)
        var requests: [HTTPRequest] = []
        var start = 0
        for end in cuts + [bytes.count] {
            bytes[start..<end].withUnsafeBytes { decoder.append($0) }
            while let request = try decoder.next() { requests.append(request) }
            start = end
        }
        return requests
    }

    private func decode(_ text: String) throws(HTTPError) -> [HTTPRequest] {
        try decode(Array(text))
    }

    @Test func `a request has method, path, query, fields and body`() throws {
        let text =
            "POST /api/v1/users?a=%20b&c HTTP/1.1\r\nHost: h:1\r\nX-Thing:\t one \r\n"
            + "content-length: 5\r\n\r\nhello"
        let request = try #require(try decode(text).first)
        #expect(request.method == .post)
        #expect(request.path == "/api/v1/users" && request.query == "a=%20b&c")
        #expect(request.withQueryBytes { Array($0) } == Array("a=%20b&c"))
        #expect(request.withPathBytes { Array($0) } == Array("/api/v1/users"))
        #expect(request.pathComponents == ["api", "v1", "users"])
        #expect(request.header("host") == "h:1" && request.header("x-thing") == "one")
        #expect(request.header("X-THING") == "one" && request.header("x-thin") == nil)
        #expect(request.body == Array("hello"))
        #expect(request.keepAlive)
    }

    @Test func `repeated fields are joined`() throws {
        let request = try #require(
            try decode("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\na: 2\r\n\r\n").first)
        #expect(request.header("a") == "1, 2")
    }

    @Test(
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/", ["a", ""]), ("//a", ["", "a"]),
            ("/a%2Fb/%C3%A4%20+", ["a/b", "ä +"]), ("http://h:1/x/y", ["x", "y"]), ("http://h", []),
            ("/a%", nil), ("/%zz", nil), ("/%ff", nil), ("/a%2", nil),
        ] as [(String, [String]?)])
    func `path components are percent-decoded`(target: String, components: [String]?) throws {
        let request = try #require(
            try decode("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n").first)
        #expect(request.pathComponents == components)
    }

    @Test(arguments: [
        ("GET", HTTPMethod.get), ("HEAD", .head), ("POST", .post), ("PUT", .put),
        ("DELETE", .delete), ("OPTIONS", .options), ("PATCH", .other), ("get", .other),
        ("X!#$%&'*+-.^_`|~9", .other),
    ])
    func `methods are told apart, letter case included`(name: String, method: HTTPMethod) throws {
        #expect(try decode("\(name) / HTTP/1.1\r\nHost: h\r\n\r\n").first?.method == method)
    }

    @Test(arguments: [
        ("HTTP/1.1", "", true), ("HTTP/1.1", "Connection: close\r\n", false),
        ("HTTP/1.1", "Connection: x, CLOSE ,y\r\n", false),
        ("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("HTTP/1.0", "", false), ("HTTP/1.0", "Connection: Keep-Alive\r\n", true),
        ("HTTP/1.0", "Connection: keep-alive, close\r\n", false), ("HTTP/1.9", "", true),
        ("HTTP/1.1", "Connection: closed\r\n", true),
    ])
    func `version and Connection decide over keeping the connection`(
        version: String, field: String, keepAlive: Bool
    ) throws {
        let request = try decode("GET / \(version)\r\nHost: h\r\n\(field)\r\n").first
        #expect(request?.keepAlive == keepAlive)
    }

    private static let pipeline = Array(
        "GET /one HTTP/1.1\r\nHost: h\r\n\r\n\r\nPUT /two HTTP/1.1\r\nHost: h\r\n"
            + "Content-Length: 3\r\n\r\nabcGET /three?x HTTP/1.0\r\n\r\n")

    @Test func `pipelined requests are split at every point`() throws {
        let whole = try decode(Self.pipeline)
        #expect(whole.map(\.path) == ["/one", "/two", "/three"])
        #expect(whole.map(\.body) == [[], Array("abc"), []])
        for cut in 0...Self.pipeline.count {
            #expect(try decode(Self.pipeline, cuts: [cut]) == whole)
        }
        #expect(try decode(Self.pipeline, cuts: Array(0...Self.pipeline.count)) == whole)
    }

    @Test func `every truncation gives only the whole requests before it`() throws {
        let whole = try decode(Self.pipeline)
        for count in 0..<Self.pipeline.count {
            let requests = try decode(Array(Self.pipeline[..<count]))
            #expect(requests.count < 3)
            #expect(whole.starts(with: requests))
        }
    }

    @Test(
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", HTTPError.malformed(.host), 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .malformed(.host), 400),
            ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .malformed(.host), 400),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .malformed(.host), 400),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .malformed(.host), 400),
            ("GET / HTTP/1.1\nHost: a\r\n\r\n", .malformed(.lineEnd), 400),
            ("GET / HTTP/1.1\r\nHost: a\n\r\n", .malformed(.lineEnd), 400),
            ("GET / HTTP/1.1\r\nHost: a\r\n\n", .malformed(.lineEnd), 400),
            ("GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n", .malformed(.lineEnd), 400),
            ("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .malformed(.requestLine), 400),
            ("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", .malformed(.lineEnd), 400),
            ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformed(.requestLine), 400),
            ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformed(.requestLine), 400),
            (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformed(.requestLine), 400),
            ("\u{16}\u{3}\u{1}", .malformed(.requestLine), 400),
            ("\u{13}BitTorrent protocol", .malformed(.requestLine), 400),
            ("\rGET / HTTP/1.1\r\n\r\n", .malformed(.lineEnd), 400),
            ("GET  / HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET /  HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET / HTTP/1.1 \r\n\r\n", .malformed(.requestLine), 400),
            ("GET /\r\n\r\n", .malformed(.requestLine), 400),
            ("GET\r\n\r\n", .malformed(.requestLine), 400),
            ("GET x HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET * HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET ?a HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET http:// HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET http:///a HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("CONNECT a:1 HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET /#f HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET /ä HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET /\u{1} HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("G(T / HTTP/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET / http/1.1\r\n\r\n", .malformed(.requestLine), 400),
            ("GET / HTTP/11\r\n\r\n", .malformed(.requestLine), 400),
            ("GET / HTTP/1.1x\r\n\r\n", .malformed(.requestLine), 400),
            ("GET / HTTP/2.0\r\n\r\n", .unsupportedVersion, 505),
            ("PRI * HTTP/2.0\r\n\r\n", .unsupportedVersion, 505),
            ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", .malformed(.foldedField), 400),
            ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .malformed(.foldedField), 400),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .malformed(.fieldName), 400),
            ("GET / HTTP/1.1\r\n: a\r\n\r\n", .malformed(.fieldName), 400),
            ("GET / HTTP/1.1\r\nHost\r\n\r\n", .malformed(.fieldName), 400),
            ("GET / HTTP/1.1\r\nHö: a\r\n\r\n", .malformed(.fieldName), 400),
            ("GET / HTTP/1.1\r\nA\u{0}: a\r\n\r\n", .malformed(.fieldName), 400),
            ("GET / HTTP/1.1\r\nA: a\u{0}\r\n\r\n", .malformed(.fieldValue), 400),
            ("GET / HTTP/1.1\r\nA: a\u{7f}\r\n\r\n", .malformed(.fieldValue), 400),
        ] as [(String, HTTPError, Int)])
    func `malformed heads are refused`(text: String, error: HTTPError, status: Int) {
        #expect(throws: error) { try decode(text) }
        #expect(error.status == status)
        #expect(!error.description.isEmpty)
    }

    @Test(
        arguments: [
            ("Content-Length: 1\r\nContent-Length: 1", HTTPError.malformed(.contentLength), 400),
            ("Content-Length: 1\r\nContent-Length: 2", .malformed(.contentLength), 400),
            ("Content-Length: 1, 1", .malformed(.contentLength), 400),
            ("Content-Length:", .malformed(.contentLength), 400),
            ("Content-Length: +1", .malformed(.contentLength), 400),
            ("Content-Length: -1", .malformed(.contentLength), 400),
            ("Content-Length: 0x1", .malformed(.contentLength), 400),
            ("Content-Length: 1 1", .malformed(.contentLength), 400),
            ("Content-Length: 21", .bodyTooLong, 413),
            ("Content-Length: 18446744073709551617", .bodyTooLong, 413),
            ("Content-Length: 5\r\nTransfer-Encoding: chunked", .malformed(.transferEncoding), 400),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5", .malformed(.transferEncoding), 400),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                .malformed(.transferEncoding), 400
            ),
            ("Transfer-Encoding: chunked", .lengthRequired, 411),
            ("transfer-encoding: CHUNKED ", .lengthRequired, 411),
            ("Transfer-Encoding: gzip, chunked", .unknownTransferCoding, 501),
            ("Transfer-Encoding: identity", .unknownTransferCoding, 501),
            ("Transfer-Encoding:", .unknownTransferCoding, 501),
            ("Transfer-Encoding: xchunked", .unknownTransferCoding, 501),
            ("Expect: later", .unknownExpectation, 417),
            ("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1", .tooManyFields, 431),
            ("A: \(String(repeating: "x", count: 110))", .fieldsTooLong, 431),
        ] as [(String, HTTPError, Int)])
    func `what could be framed in two ways or is too large is refused`(
        fields: String, error: HTTPError, status: Int
    ) {
        #expect(throws: error) {
            try decode("POST / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n\r\n0\r\n\r\n")
        }
        #expect(error.status == status)
    }

    @Test func `HTTP 1.0 knows no Transfer-Encoding`() {
        #expect(throws: HTTPError.malformed(.transferEncoding)) {
            try decode("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
        }
    }

    @Test func `limits hold exactly, and before anything too long is whole`() throws {
        let line = "GET /" + String(repeating: "p", count: 46) + " HTTP/1.1"
        #expect(try decode("\(line)\r\nHost: h\r\n\r\n").count == 1)
        #expect(throws: HTTPError.startLineTooLong) { try decode("\(line)p\r\nHost: h\r\n\r\n") }
        #expect(throws: HTTPError.startLineTooLong) {
            try decode(String(repeating: "G", count: 62))
        }
        #expect(HTTPError.startLineTooLong.status == 414)
        // "Host: h" and "A: …" with their ends make 120 bytes.
        let field = "A: " + String(repeating: "x", count: 106)
        #expect(try decode("GET / HTTP/1.1\r\nHost: h\r\n\(field)\r\n\r\n").count == 1)
        #expect(throws: HTTPError.fieldsTooLong) {
            try decode("GET / HTTP/1.1\r\nHost: h\r\n\(field)x\r\n\r\n")
        }
        #expect(throws: HTTPError.fieldsTooLong) {
            try decode("GET / HTTP/1.1\r\nHost: h\r\n\(field)xxxxx")
        }
        let body = String(repeating: "b", count: 20)
        #expect(
            try decode("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 020\r\n\r\n\(body)").first?
                .body == Array(body))
    }

    @Test func `an error stays`() {
        var decoder = HTTPRequestDecoder()
        Array("BAD\r\n\r\n").withUnsafeBytes { decoder.append($0) }
        #expect(throws: HTTPError.malformed(.requestLine)) { try decoder.next() }
        Self.pipeline.withUnsafeBytes { decoder.append($0) }
        #expect(throws: HTTPError.malformed(.requestLine)) { try decoder.next() }
        #expect(!decoder.isMidRequest)
    }

    @Test func `a client that waits for 100 Continue is noticed once`() throws {
        var decoder = HTTPRequestDecoder()
        let head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        #expect(!decoder.isMidRequest)
        Array(head).withUnsafeBytes { decoder.append($0) }
        #expect(try decoder.next() == nil)
        #expect(decoder.isMidRequest)
        let demands = (decoder.takeContinueDemand(), decoder.takeContinueDemand())
        #expect(demands == (true, false))
        Array("ok").withUnsafeBytes { decoder.append($0) }
        #expect(try decoder.next()?.body == Array("ok"))
        #expect(!decoder.isMidRequest)
        // A client that doesn't wait is owed nothing.
        Array(head + "ok").withUnsafeBytes { decoder.append($0) }
        #expect(try decoder.next()?.body == Array("ok"))
        let demand = decoder.takeContinueDemand()
        #expect(!demand)
    }

    @Test func `a long pipeline is worked off`() throws {
        let one = Array("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
        let many = Array(repeating: one, count: 500).flatMap { $0 }
        #expect(try decode(many).count == 500)
        #expect(try decode(many, cuts: [7, 5_000, 9_999]).count == 500)
    }

    @Test func `random and damaged streams never trap`() {
        var generator = SeededGenerator(seed: 18)
        for round in 0..<3_000 {
            let bytes =
                round % 4 == 0
                ? generator.bytes(generator.number(0..<100)) : generator.mutated(Self.pipeline)
            let cut = generator.number(0..<bytes.count + 1)
            let once = Result { () throws(HTTPError) in try decode(bytes) }
            let twice = Result { () throws(HTTPError) in try decode(bytes, cuts: [cut]) }
            switch (once, twice) {
            case (.success(let one), .success(let other)): #expect(one == other)
            case (.failure, .failure): break
            default: Issue.record("depends on where the stream is cut")
            }
        }
    }

    @Test func `what the encoder writes is read again`() throws {
        var bytes: [UInt8] = []
        HTTPRequest.encode(
            .put, target: "/a%20b?c=d e\r\nX: y", host: "[::1]:80",
            headers: [("Authorization", "Bearer t\r\nEvil: 1")], body: Array("xy"), into: &bytes)
        HTTPRequest.encode(.get, target: "/", host: "h", into: &bytes)
        let requests = try decode(bytes, limits: HTTPLimits())
        #expect(requests.count == 2)
        #expect(requests[0].path == "/a%20b" && requests[0].query == "c=d_e__X:_y")
        #expect(requests[0].header("authorization") == "Bearer t  Evil: 1")
        #expect(requests[0].header("evil") == nil)
        #expect(requests[0].body == Array("xy"))
        #expect(requests[1].method == .get && requests[1].header("content-length") == nil)
    }
}
