/// The methods that are told apart.
package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case options = "OPTIONS"
    /// Any other; a server answers 405 or 501.
    case other = ""

    init(_ bytes: UnsafeRawBufferPointer, _ name: Range<Int>) {
        self =
            switch name.count {
            case 3 where HTTPLine.equals(bytes, name, "GET"): .get
            case 3 where HTTPLine.equals(bytes, name, "PUT"): .put
            case 4 where HTTPLine.equals(bytes, name, "HEAD"): .head
            case 4 where HTTPLine.equals(bytes, name, "POST"): .post
            case 6 where HTTPLine.equals(bytes, name, "DELETE"): .delete
            case 7 where HTTPLine.equals(bytes, name, "OPTIONS"): .options
            default: .other
            }
    }
}

/// A request as a server sees it. Path, query and fields are kept as the bytes they arrived in,
/// so that a request costs one allocation and no `String` unless somebody asks for one.
package struct HTTPRequest: Hashable, Sendable {
    package let method: HTTPMethod
    package let fields: HTTPFields
    /// Whether the connection may carry another request after the answer.
    package let keepAlive: Bool
    package internal(set) var body: [UInt8] = []

    @usableFromInline let pathRange: Range<Int>
    @usableFromInline let queryRange: Range<Int>?

    /// A header field's value; names are case-insensitive, repeated fields are joined by `, `.
    package func header(_ name: String) -> String? { fields[name] }

    /// The path, percent-encoded as it came; begins with `/`, or is `*` (`OPTIONS` only), or
    /// empty where a target in absolute form has none.
    package var path: String { String(decoding: fields.head[pathRange], as: UTF8.self) }

    /// What follows the `?`, percent-encoded as it came; nil without a `?`.
    package var query: String? {
        queryRange.map { String(decoding: fields.head[$0], as: UTF8.self) }
    }

    /// The path's components between slashes, percent-decoded; none for `/`. Nil if one is no
    /// valid percent-encoded UTF-8.
    package var pathComponents: [String]? {
        let text = fields.head[pathRange].dropFirst()
        guard !text.isEmpty else { return [] }
        var components: [String] = []
        for part in text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let bytes = PercentEncoding.decode(part),
                let component = String(validating: bytes, as: UTF8.self)
            else { return nil }
            components.append(component)
        }
        return components
    }

    /// Calls `body` with the path's bytes, valid during the call only.
    @inlinable package func withPathBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withBytes(pathRange, body)
    }

    /// Calls `body` with the query's bytes (none without a query), valid during the call only.
    @inlinable package func withQueryBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        withBytes(queryRange ?? 0..<0, body)
    }

    @inlinable func withBytes<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        fields.head.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// Appends a request as a client sends it. `target` is path and query, percent-encoded.
    /// `Content-Length` is added where there is a body; line breaks in values become spaces.
    package static func encode(
        _ method: HTTPMethod, target: String, host: String,
        headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        into bytes: inout [UInt8]
    ) {
        precondition(method != .other, "a method that has no name")
        bytes.append(contentsOf: method.rawValue.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: target.utf8.lazy.map { $0 <= 0x20 || $0 >= 0x7f ? 0x5f : $0 })
        bytes.append(contentsOf: " HTTP/1.1\r\n".utf8)
        bytes.appendField("Host", host)
        for (name, value) in headers {
            bytes.appendField(name, value)
        }
        if let body {
            bytes.appendField("Content-Length", String(body.count))
        }
        bytes.append(contentsOf: "\r\n".utf8)
        bytes.append(contentsOf: body ?? [])
    }
}

extension Array where Element == UInt8 {
    /// Appends a header field. What can't be in a value (line breaks above all) becomes a space.
    mutating func appendField(_ name: String, _ value: String) {
        append(contentsOf: name.utf8)
        append(UInt8(ascii: ":"))
        append(0x20)
        append(contentsOf: value.utf8.lazy.map { HTTPLine.isFieldValue($0) ? $0 : 0x20 })
        append(0x0d)
        append(0x0a)
    }
}
