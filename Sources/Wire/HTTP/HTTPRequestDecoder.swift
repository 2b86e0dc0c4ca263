/// Incremental, strict decoder of requests on a connection (RFC 9112).
///
/// Bytes are appended as they arrive; `next` is then called until it gives nil, since requests
/// may be pipelined. Bodies need a Content-Length: chunked requests are refused with 411, which
/// RFC 9112 §6.3 leaves to a server, and keeps the classic ways of smuggling out.
package struct HTTPRequestDecoder: Sendable {
    private let limits: HTTPLimits
    private var buffer: [UInt8] = []
    /// Where in `buffer` the present request or the rest of its body begins.
    private var start = 0
    private var parser: HTTPHeadParser
    private var hasSkippedEmptyLine = false
    private var owesContinue = false
    private var state = State.head
    /// Whose body is arriving.
    private var arriving: HTTPRequest?

    private enum State {
        /// The head isn't whole. Exits: every other state.
        case head
        /// The head is whole, `remaining` bytes of the body are missing. Exits: `head`.
        case body(remaining: Int)
        /// Nothing more can be understood. No exits.
        case failed(HTTPError)
    }

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        parser = HTTPHeadParser(limits: limits)
    }

    /// Whether a request has begun to arrive but isn't whole. Kept, since it is looked at several
    /// times for each request.
    package private(set) var isMidRequest = false

    /// Whether nothing that came is left, and the next byte begins a request: one that comes whole
    /// may be read where it lies (``HTTPRequestView``) instead of being appended.
    package private(set) var isBetweenRequests = true

    /// Takes bytes that arrived.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if case .failed = state { return }
        if bytes.isEmpty { return }
        isMidRequest = true
        isBetweenRequests = false
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= Self.keptCapacity)
            start = 0
        } else if start > Self.keptCapacity {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole request, or nil if there is none yet. After an error, which carries the
    /// status to answer, every further call throws the same.
    package mutating func next() throws(HTTPError) -> HTTPRequest? {
        do {
            let request = try advance()
            if case .head = state {
                isMidRequest = start < buffer.count
                isBetweenRequests = !isMidRequest && !hasSkippedEmptyLine
            }
            return request
        } catch {
            state = .failed(error)
            isMidRequest = false
            buffer = []
            start = 0
            arriving = nil
            throw error
        }
    }

    /// Whether the client waits for `100 Continue` before it sends the body of the request that
    /// is arriving; true once for each such request.
    package mutating func takeContinueDemand() -> Bool {
        defer { owesContinue = false }
        return owesContinue
    }

    private mutating func advance() throws(HTTPError) -> HTTPRequest? {
        while true {
            switch state {
            case .head:
                guard let (request, bodyLength) = try readHead() else { return nil }
                hasSkippedEmptyLine = false
                parser = HTTPHeadParser(limits: limits)
                guard bodyLength > 0 else { return request }
                arriving = request
                state = .body(remaining: bodyLength)
            case .body(let remaining):
                let count = min(remaining, buffer.count - start)
                arriving?.body.append(contentsOf: buffer[start..<start + count])
                start += count
                guard count == remaining else {
                    state = .body(remaining: remaining - count)
                    return nil
                }
                state = .head
                owesContinue = false
                return arriving.take()
            case .failed(let error):
                throw error
            }
        }
    }

    private mutating func readHead() throws(HTTPError) -> (HTTPRequest, bodyLength: Int)? {
        guard try beginsRequestLine() else { return nil }
        // A copy, since the closure can't have `self` while `buffer` is being read.
        var parser = parser
        let start = start
        let length = try buffer.withRawBytes { (bytes) throws(HTTPError) in
            try parser.parse(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
        self.parser = parser
        guard let length else { return nil }
        let head = takeHead(length)
        let line = try head.withRawBytes { (bytes) throws(HTTPError) in
            try HTTPRequestLine(bytes, parser.startLine ?? 0..<0)
        }
        let bodyLength = try parser.bodyLength(isVersion11: line.isVersion11)
        let request = HTTPRequest(
            method: line.method, fields: HTTPFields(head: head, start: parser.fieldsStart),
            keepAlive: parser.keepsAlive(isVersion11: line.isVersion11),
            pathRange: line.path, queryRange: line.query)
        owesContinue = parser.expectsContinue && line.isVersion11 && bodyLength > 0
        return (request, bodyLength)
    }

    /// The next `length` bytes. Mostly they are all there are: then they needn't be copied.
    private mutating func takeHead(_ length: Int) -> [UInt8] {
        var head: [UInt8] = []
        if start == 0, length == buffer.count {
            swap(&head, &buffer)
        } else {
            head = Array(buffer[start..<start + length])
            start += length
        }
        return head
    }

    /// Skips one empty line before a request line (RFC 9112 §2.2); false if more bytes are needed
    /// to see the request line begin.
    private mutating func beginsRequestLine() throws(HTTPError) -> Bool {
        if start < buffer.count, buffer[start] == 0x0d, !hasSkippedEmptyLine {
            guard start + 1 < buffer.count else { return false }
            guard buffer[start + 1] == 0x0a else { throw .malformed(.lineEnd) }
            hasSkippedEmptyLine = true
            start += 2
        }
        guard start < buffer.count else { return false }
        guard HTTPLine.isToken(buffer[start]) else { throw .malformed(.requestLine) }
        return true
    }

    /// The most bytes an idle connection keeps allocated.
    private static let keptCapacity = 16 << 10
}

/// The parts of a request line: method, target, version (RFC 9112 §3).
struct HTTPRequestLine {
    let method: HTTPMethod
    let path: Range<Int>
    let query: Range<Int>?
    let isVersion11: Bool

    init(_ bytes: UnsafeRawBufferPointer, _ line: Range<Int>) throws(HTTPError) {
        var nameEnd = line.lowerBound
        while nameEnd < line.upperBound && HTTPLine.isToken(bytes[nameEnd]) { nameEnd += 1 }
        guard nameEnd > line.lowerBound, nameEnd < line.upperBound, bytes[nameEnd] == 0x20
        else { throw .malformed(.requestLine) }
        method = HTTPMethod(bytes, line.lowerBound..<nameEnd)
        let rest = nameEnd + 1..<line.upperBound
        let targetEnd = HTTPLine.find(0x20, bytes, rest)
        let target = rest.lowerBound..<targetEnd
        guard !target.isEmpty, targetEnd < line.upperBound else { throw .malformed(.requestLine) }
        try Self.check(bytes, target)
        isVersion11 = try Self.version(bytes, targetEnd + 1..<line.upperBound)
        let pathEnd = HTTPLine.find(UInt8(ascii: "?"), bytes, target)
        path = try Self.path(bytes, target.lowerBound..<pathEnd, isOptions: method == .options)
        query = pathEnd < targetEnd ? pathEnd + 1..<targetEnd : nil
    }

    /// A target is made of visible ASCII characters; a fragment is none of the server's business.
    private static func check(
        _ bytes: UnsafeRawBufferPointer, _ target: Range<Int>
    ) throws(HTTPError) {
        guard HTTPLine.isVisible(bytes, target) else {
            let hasCR = HTTPLine.find(0x0d, bytes, target) < target.upperBound
            throw .malformed(hasCR ? .lineEnd : .requestLine)
        }
        guard HTTPLine.find(UInt8(ascii: "#"), bytes, target) == target.upperBound else {
            throw .malformed(.requestLine)
        }
    }

    /// Whether the version is 1.1 (or a later 1.x, which is to be treated alike) and not 1.0.
    private static func version(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) throws(HTTPError) -> Bool {
        if HTTPLine.equals(bytes, range, "HTTP/1.1") { return true }
        let start = range.lowerBound
        guard range.count == 8, HTTPLine.equals(bytes, start..<start + 5, "HTTP/"),
            (0x30...0x39).contains(bytes[start + 5]), bytes[start + 6] == UInt8(ascii: "."),
            (0x30...0x39).contains(bytes[start + 7])
        else { throw .malformed(.requestLine) }
        guard bytes[start + 5] == 0x31 else { throw .unsupportedVersion }
        return bytes[start + 7] != 0x30
    }

    /// The path of a target in origin, absolute or asterisk form.
    private static func path(
        _ bytes: UnsafeRawBufferPointer, _ target: Range<Int>, isOptions: Bool
    ) throws(HTTPError) -> Range<Int> {
        guard let first = bytes[target].first else { throw .malformed(.requestLine) }
        if first == UInt8(ascii: "/") { return target }
        if first == UInt8(ascii: "*") && target.count == 1 && isOptions { return target }
        guard target.count > 7,
            HTTPLine.matches(bytes, target.lowerBound..<target.lowerBound + 7, "http://")
        else { throw .malformed(.requestLine) }
        let authority = target.lowerBound + 7..<target.upperBound
        let slash = bytes[authority].firstIndex(of: UInt8(ascii: "/")) ?? target.upperBound
        guard slash > authority.lowerBound else { throw .malformed(.requestLine) }
        return slash..<target.upperBound
    }
}
