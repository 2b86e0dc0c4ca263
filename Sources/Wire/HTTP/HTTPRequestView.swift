/// A request without a body in the bytes it arrived in, and valid as long as these are.
package struct HTTPRequestView {
    package let method: HTTPMethod
    /// Whether the connection may carry another request after the answer.
    package let keepAlive: Bool
    private let head: UnsafeRawBufferPointer
    private let pathRange: Range<Int>
    private let queryRange: Range<Int>?

    /// The request that these bytes are; nil where they aren't just one, it has a body, or something
    /// is wrong with it, which the decoder tells.
    package init?(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits) {
        guard let first = bytes.first, HTTPLine.isToken(first) else { return nil }
        var parser = HTTPHeadParser(limits: limits)
        guard let length = try? parser.parse(bytes), length == bytes.count,
            let line = try? HTTPRequestLine(bytes, parser.startLine ?? 0..<0),
            case 0? = try? parser.bodyLength(isVersion11: line.isVersion11)
        else { return nil }
        method = line.method
        keepAlive = parser.keepsAlive(isVersion11: line.isVersion11)
        head = bytes
        pathRange = line.path
        queryRange = line.query
    }

    /// Percent-encoded as it came.
    package var path: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: head[pathRange]) }

    /// What follows the `?`, percent-encoded as it came; nothing without a `?`.
    package var query: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: head[queryRange ?? 0..<0])
    }
}
