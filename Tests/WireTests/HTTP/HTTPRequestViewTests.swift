import Testing

@testable import Wire

/// Requests that are read where they lie.
struct HTTPRequestViewTests {
    private static let heads = [
        "GET /announce?info_hash=%00a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /announce HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "HEAD http://h:1/a?b? HTTP/1.1\r\nHost: h:1\r\nX: y\r\n\r\n",
        "GET /a? HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
    ]

    private func isWhole(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { HTTPRequestView($0, limits: HTTPLimits()) != nil }
    }

    private func append(_ text: String, to decoder: inout HTTPRequestDecoder) {
        Array(text.utf8).withUnsafeBytes { decoder.append($0) }
    }

    @Test(arguments: heads)
    func `a request that came alone is seen as the decoder sees it`(text: String) throws {
        var decoder = HTTPRequestDecoder()
        append(text, to: &decoder)
        let copied = try #require(try decoder.next())
        try Array(text.utf8).withUnsafeBytes { bytes in
            let view = try #require(HTTPRequestView(bytes, limits: HTTPLimits()))
            #expect(view.method == copied.method && view.keepAlive == copied.keepAlive)
            #expect(Array(view.path) == Array(copied.path.utf8))
            #expect(Array(view.query) == Array((copied.query ?? "").utf8))
        }
    }

    @Test(arguments: heads)
    func `what isn't just one request has to be appended`(text: String) {
        for length in 0..<text.count { #expect(!isWhole(String(text.prefix(length)))) }
        #expect(!isWhole(text + "G"))
        #expect(!isWhole(text + text))
        #expect(!isWhole("\r\n" + text))
    }

    @Test(arguments: [
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nok",
        "GET /a HTTP/1.1\r\n\r\n", "GET /a HTTP/2.0\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", " GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    ])
    func `bodies and errors are left to the decoder`(text: String) {
        #expect(!isWhole(text))
    }

    @Test func `the decoder says when a request may be read without it`() throws {
        var decoder = HTTPRequestDecoder()
        #expect(decoder.isBetweenRequests)
        append("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n", to: &decoder)
        #expect(try decoder.next() == nil)
        #expect(!decoder.isBetweenRequests)
        append("ok", to: &decoder)
        #expect(try decoder.next() != nil)
        #expect(decoder.isBetweenRequests)
        // The empty line that may come before a request belongs to it.
        append("\r\n", to: &decoder)
        #expect(try decoder.next() == nil)
        #expect(!decoder.isBetweenRequests && !decoder.isMidRequest)
        append("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET", to: &decoder)
        #expect(try decoder.next() != nil)
        #expect(!decoder.isBetweenRequests && decoder.isMidRequest)
        append("\r\n\r\n", to: &decoder)
        #expect(throws: HTTPError.self) { try decoder.next() }
        #expect(!decoder.isBetweenRequests)
    }
}
