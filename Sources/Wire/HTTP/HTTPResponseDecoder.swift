/// The head of a response as a client sees it.
package struct HTTPResponseHead: Hashable, Sendable {
    package let status: Int
    package let fields: HTTPFields
    /// Whether the connection may carry another request after this response.
    package let keepAlive: Bool

    /// A header field's value; names are case-insensitive, repeated fields are joined by `, `.
    package func header(_ name: String) -> String? { fields[name] }
}

/// Incremental decoder of the responses on a client's connection (RFC 9112).
///
/// Bodies are handed on as ranges of the buffer they arrived in, so that an event stream can be
/// read as it comes; how much of a body to keep is the owner's to bound. 1xx responses are
/// skipped.
package struct HTTPResponseDecoder {
    /// What was found in the bytes.
    package enum Event: Equatable, Sendable {
        case head(HTTPResponseHead)
        /// Where further bytes of the body lie in the given buffer; never empty.
        case body(Range<Int>)
        /// The response is complete.
        case end
    }

    private let limits: HTTPLimits
    /// The methods of the requests whose responses haven't begun, the oldest first.
    private var expected: [HTTPMethod] = []
    private var head: [UInt8] = []
    private var parser: HTTPHeadParser
    private var state = State.head

    private enum State {
        /// The head isn't whole. Exits: every other state.
        case head
        /// A body of known length. Exits: `head`.
        case counted(remaining: Int)
        /// Exits: `head`.
        case chunked(HTTPChunkDecoder)
        /// A body that ends with the connection. Exits: `closed`.
        case untilClose
        /// The connection has ended. No exits.
        case closed
        /// Nothing more can be understood. No exits.
        case failed(HTTPError)
    }

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        parser = HTTPHeadParser(limits: limits)
    }

    /// Announces that a request of this method was sent. Responses come in the same order; one
    /// that wasn't announced is an error.
    package mutating func expectResponse(to method: HTTPMethod) {
        expected.append(method)
    }

    /// The next event in `bytes` at or after `position`, which moves behind what was taken; nil
    /// when all is taken. After an error every further call throws the same.
    package mutating func next(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(HTTPError) -> Event? {
        do {
            return try advance(in: bytes, from: &position)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    /// Takes the end of the connection: `.end` if it ends a body, nil if nothing was going on.
    package mutating func finish() throws(HTTPError) -> Event? {
        switch state {
        case .untilClose:
            state = .closed
            return .end
        case .head where head.isEmpty && expected.isEmpty:
            state = .closed
            return nil
        case .closed:
            return nil
        case .failed(let error):
            throw error
        case .head, .counted, .chunked:
            state = .failed(.truncated)
            throw .truncated
        }
    }

    private mutating func advance(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(HTTPError) -> Event? {
        switch state {
        case .head:
            return try readHead(bytes, &position)
        case .counted(let remaining):
            guard remaining > 0 else {
                state = .head
                return .end
            }
            guard let range = take(remaining, bytes, &position) else { return nil }
            state = .counted(remaining: remaining - range.count)
            return .body(range)
        case .chunked(var decoder):
            let event = try decoder.next(in: bytes, from: &position)
            state = event == .end ? .head : .chunked(decoder)
            return event
        case .untilClose:
            return take(.max, bytes, &position).map { .body($0) }
        case .closed:
            throw .unexpectedResponse
        case .failed(let error):
            throw error
        }
    }

    private func take(
        _ limit: Int, _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) -> Range<Int>? {
        let count = min(limit, bytes.count - position)
        guard count > 0 else { return nil }
        defer { position += count }
        return position..<position + count
    }

    private mutating func readHead(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(HTTPError) -> Event? {
        while position < bytes.count {
            guard let method = expected.first else { throw .unexpectedResponse }
            guard try collectHead(bytes, &position) else { return nil }
            let whole = head
            let framing = parser
            head = []
            parser = HTTPHeadParser(limits: limits)
            let line = try whole.withRawBytes { (raw) throws(HTTPError) in
                try Self.statusLine(raw, framing.startLine ?? 0..<0)
            }
            if (100...199).contains(line.status) {
                // Nobody here asks for another protocol.
                guard line.status != 101 else { throw .unexpectedResponse }
                continue
            }
            expected.removeFirst()
            try begin(framing, line.status, isVersion11: line.isVersion11, method)
            let endsWithConnection = if case .untilClose = state { true } else { false }
            return .head(
                HTTPResponseHead(
                    status: line.status,
                    fields: HTTPFields(head: whole, start: framing.fieldsStart),
                    keepAlive: !endsWithConnection && !framing.saysClose
                        && (line.isVersion11 || framing.saysKeepAlive)))
        }
        return nil
    }

    /// Moves bytes to `head` until it is whole; what came after it is given back.
    private mutating func collectHead(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(HTTPError) -> Bool {
        // More than this can't belong to a head, and the parser refuses it.
        let room = limits.maxStartLineBytes + limits.maxFieldBytes + 8 - head.count
        let count = min(room, bytes.count - position)
        head.append(
            contentsOf: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        position += count
        var parser = parser
        let length = try head.withRawBytes { (raw) throws(HTTPError) in try parser.parse(raw) }
        self.parser = parser
        guard let length else { return false }
        position -= head.count - length
        head.removeLast(head.count - length)
        return true
    }

    /// Chooses how the body is framed (RFC 9112 §6.3).
    private mutating func begin(
        _ framing: HTTPHeadParser, _ status: Int, isVersion11: Bool, _ method: HTTPMethod
    ) throws(HTTPError) {
        if method == .head || status == 204 || status == 304 {
            state = .counted(remaining: 0)
            return
        }
        switch framing.transferEncoding {
        case .chunked:
            guard isVersion11 else { throw .malformed(.transferEncoding) }
            state = .chunked(HTTPChunkDecoder(limits: limits))
        case .other:
            throw .unknownTransferCoding
        case .none:
            state = framing.contentLength.map { .counted(remaining: $0) } ?? .untilClose
        }
    }

    private static func statusLine(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(HTTPError) -> (status: Int, isVersion11: Bool) {
        let text = bytes[line]
        let start = line.lowerBound
        guard line.count >= 12, text.starts(with: "HTTP/1.".utf8),
            (0x30...0x39).contains(bytes[start + 7]), bytes[start + 8] == 0x20,
            text.count == 12 || bytes[start + 12] == 0x20,
            text.dropFirst(12).allSatisfy(HTTPLine.isFieldValue)
        else { throw .malformed(.statusLine) }
        var status = 0
        for byte in bytes[start + 9..<start + 12] {
            guard (0x30...0x39).contains(byte) else { throw .malformed(.statusLine) }
            status = 10 * status + Int(byte - 0x30)
        }
        guard (100...599).contains(status) else { throw .malformed(.statusLine) }
        return (status, bytes[start + 7] != 0x30)
    }
}
