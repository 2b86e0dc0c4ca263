/// Reads the head of a message line by line as it arrives, and what frames its body.
///
/// Everything that two programs could understand differently is refused (RFC 9112 §11.2).
struct HTTPHeadParser {
    /// What is said about a body in chunks.
    enum TransferEncoding {
        case none
        case chunked
        case other
    }

    private let limits: HTTPLimits
    /// Where the line that is being read begins, and up to where its end was looked for.
    private var lineStart = 0
    private var scanned = 0
    private(set) var fieldCount = 0
    /// The request line or status line, once it is whole.
    private(set) var startLine: Range<Int>?
    /// Where the first header field begins.
    private(set) var fieldsStart = 0

    private(set) var contentLength: Int?
    private(set) var transferEncoding = TransferEncoding.none
    private(set) var hostCount = 0
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var expectsContinue = false

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// Reads on in `bytes`, which begin with the head and are at least as many as last time.
    /// Returns the head's length with the empty line that ends it, or nil if it isn't whole.
    mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(HTTPError) -> Int? {
        while case let end = HTTPLine.find(0x0a, bytes, scanned..<bytes.count), end < bytes.count {
            guard end > lineStart, bytes[end - 1] == 0x0d else { throw .malformed(.lineEnd) }
            let line = lineStart..<end - 1
            lineStart = end + 1
            scanned = end + 1
            if startLine == nil {
                guard line.count <= limits.maxStartLineBytes else { throw .startLineTooLong }
                startLine = line
                fieldsStart = end + 1
            } else if line.isEmpty {
                guard end + 1 - fieldsStart <= limits.maxFieldBytes + 2 else {
                    throw .fieldsTooLong
                }
                return end + 1
            } else {
                try readField(bytes, line)
            }
        }
        scanned = bytes.count
        if startLine == nil {
            guard bytes.count <= limits.maxStartLineBytes + 1 else { throw .startLineTooLong }
        } else {
            guard bytes.count - fieldsStart <= limits.maxFieldBytes + 1 else {
                throw .fieldsTooLong
            }
        }
        return nil
    }

    /// The length of a request's body, once the head is whole.
    func bodyLength(isVersion11: Bool) throws(HTTPError) -> Int {
        guard hostCount == 1 || !isVersion11 else { throw .malformed(.host) }
        switch transferEncoding {
        case .none: break
        case .chunked: throw isVersion11 ? .lengthRequired : .malformed(.transferEncoding)
        case .other: throw isVersion11 ? .unknownTransferCoding : .malformed(.transferEncoding)
        }
        let length = contentLength ?? 0
        guard length <= limits.maxBodyBytes else { throw .bodyTooLong }
        return length
    }

    /// Whether the connection may carry another message after this one.
    func keepsAlive(isVersion11: Bool) -> Bool { !saysClose && (isVersion11 || saysKeepAlive) }

    private mutating func readField(
        _ bytes: UnsafeRawBufferPointer, _ line: Range<Int>
    ) throws(HTTPError) {
        fieldCount += 1
        guard fieldCount <= limits.maxFieldCount else { throw .tooManyFields }
        guard !HTTPLine.isBlank(bytes[line.lowerBound]) else { throw .malformed(.foldedField) }
        var colon = line.lowerBound
        while colon < line.upperBound && HTTPLine.isToken(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":")
        else { throw .malformed(.fieldName) }
        guard HTTPLine.isFieldValue(bytes, colon + 1..<line.upperBound) else {
            let hasCR = HTTPLine.find(0x0d, bytes, colon..<line.upperBound) < line.upperBound
            throw .malformed(hasCR ? .lineEnd : .fieldValue)
        }
        let value = HTTPLine.trimmed(bytes, colon + 1..<line.upperBound)
        try note(bytes, name: line.lowerBound..<colon, value: value)
    }

    /// Takes in the fields that matter for framing.
    private mutating func note(
        _ bytes: UnsafeRawBufferPointer, name: Range<Int>, value: Range<Int>
    ) throws(HTTPError) {
        switch name.count {
        case 4 where HTTPLine.matches(bytes, name, "host"):
            hostCount += 1
            guard hostCount == 1, bytes[value].allSatisfy(HTTPLine.isHost) else {
                throw .malformed(.host)
            }
        case 6 where HTTPLine.matches(bytes, name, "expect"):
            guard HTTPLine.matches(bytes, value, "100-continue") else { throw .unknownExpectation }
            expectsContinue = true
        case 10 where HTTPLine.matches(bytes, name, "connection"):
            noteConnection(bytes, value)
        case 14 where HTTPLine.matches(bytes, name, "content-length"):
            guard contentLength == nil else { throw .malformed(.contentLength) }
            contentLength = try decimal(bytes, value)
        case 17 where HTTPLine.matches(bytes, name, "transfer-encoding"):
            guard transferEncoding == .none else { throw .malformed(.transferEncoding) }
            transferEncoding = HTTPLine.matches(bytes, value, "chunked") ? .chunked : .other
        default: break
        }
        guard contentLength == nil || transferEncoding == .none else {
            throw .malformed(.transferEncoding)
        }
    }

    private mutating func noteConnection(_ bytes: UnsafeRawBufferPointer, _ value: Range<Int>) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound && bytes[end] != UInt8(ascii: ",") { end += 1 }
            let option = HTTPLine.trimmed(bytes, start..<end)
            if HTTPLine.matches(bytes, option, "close") { saysClose = true }
            if HTTPLine.matches(bytes, option, "keep-alive") { saysKeepAlive = true }
            start = end + 1
        }
    }

    /// A number of decimal digits and nothing else. Numbers too large for an `Int` are `Int.max`.
    private func decimal(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) throws(HTTPError) -> Int {
        guard !range.isEmpty else { throw .malformed(.contentLength) }
        var value = 0
        for byte in bytes[range] {
            guard (0x30...0x39).contains(byte) else { throw .malformed(.contentLength) }
            let (product, wide) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - 0x30))
            value = wide || carry ? Int.max : sum
        }
        return value
    }
}
