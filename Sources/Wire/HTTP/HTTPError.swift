/// Why bytes aren't an HTTP/1.1 message that is understood here (RFC 9112). Nothing after them
/// can be trusted: the connection is to be closed, a server answering `status` before.
package enum HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is malformed.
    package enum Malformation: String, Sendable {
        case requestLine = "request line"
        case statusLine = "status line"
        case lineEnd = "line end: CR LF is required"
        case fieldName = "header name"
        case fieldValue = "header value"
        case foldedField = "folded header"
        case host = "Host header: exactly one is required"
        case contentLength = "Content-Length"
        case transferEncoding = "Transfer-Encoding"
        case chunk = "chunk of a chunked body"
    }

    case malformed(Malformation)
    /// The request line or status line is longer than allowed.
    case startLineTooLong
    /// The header fields are more bytes than allowed.
    case fieldsTooLong
    case tooManyFields
    case bodyTooLong
    /// A request's body has no Content-Length: chunked requests are not taken.
    case lengthRequired
    case unknownExpectation
    case unknownTransferCoding
    case unsupportedVersion
    /// A response that no request had asked for.
    case unexpectedResponse
    /// The connection ended in the middle of a response.
    case truncated

    /// The status code a server answers with; client-side errors have 502.
    package var status: Int {
        switch self {
        case .malformed(.statusLine), .malformed(.chunk), .unexpectedResponse, .truncated: 502
        case .malformed: 400
        case .lengthRequired: 411
        case .bodyTooLong: 413
        case .startLineTooLong: 414
        case .unknownExpectation: 417
        case .fieldsTooLong, .tooManyFields: 431
        case .unknownTransferCoding: 501
        case .unsupportedVersion: 505
        }
    }

    package var description: String {
        switch self {
        case .malformed(let what): "malformed \(what.rawValue)"
        case .startLineTooLong: "the request line is too long"
        case .fieldsTooLong: "the headers are too long"
        case .tooManyFields: "too many headers"
        case .bodyTooLong: "the body is too long"
        case .lengthRequired: "a request's body needs a Content-Length"
        case .unknownExpectation: "the only known expectation is 100-continue"
        case .unknownTransferCoding: "unknown Transfer-Encoding"
        case .unsupportedVersion: "only HTTP/1.1 and HTTP/1.0 are spoken here"
        case .unexpectedResponse: "a response without a request"
        case .truncated: "the connection ended in the middle of a response"
        }
    }
}

/// What a message of a stranger may cost.
package struct HTTPLimits: Sendable {
    /// Bytes of the request line or status line, without its end.
    package var maxStartLineBytes: Int
    /// Bytes of all header fields with their ends.
    package var maxFieldBytes: Int
    package var maxFieldCount: Int
    /// Bytes of a request's body. Responses hand their body on piece by piece, unlimited.
    package var maxBodyBytes: Int

    package init(
        maxStartLineBytes: Int = 8 << 10, maxFieldBytes: Int = 16 << 10, maxFieldCount: Int = 64,
        maxBodyBytes: Int = 1 << 20
    ) {
        self.maxStartLineBytes = maxStartLineBytes
        self.maxFieldBytes = maxFieldBytes
        self.maxFieldCount = maxFieldCount
        self.maxBodyBytes = maxBodyBytes
    }
}
