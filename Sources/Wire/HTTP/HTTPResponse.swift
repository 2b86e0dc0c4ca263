/// A whole response as a server sends it.
package struct HTTPResponse: Sendable {
    /// The status code, 200…599.
    package var status: Int
    /// Fields but `Content-Length` and `Connection`, which are written from what is known.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    package init(
        status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Appends the response. Without `includesBody`, as the answer to `HEAD` is, only the head
    /// of it. 204 and 304 have neither body nor Content-Length (RFC 9110 §6.4.1). Line breaks in
    /// header values become spaces.
    package func encode(
        into bytes: inout [UInt8], keepAlive: Bool = true, includesBody: Bool = true
    ) {
        Self.appendStatusLine(status, to: &bytes)
        for (name, value) in headers {
            bytes.appendField(name, value)
        }
        let canHaveBody = status != 204 && status != 304
        if canHaveBody { Self.appendContentLength(body.count, to: &bytes) }
        Self.appendEnd(keepAlive: keepAlive, to: &bytes)
        if canHaveBody && includesBody { bytes.append(contentsOf: body) }
    }

    /// Appends the head of a response without building one: for the answers that are many. With
    /// a nil length the body ends with the connection, as that of an event stream.
    package static func appendHead(
        status: Int, contentType: StaticString, contentLength: Int?, keepAlive: Bool,
        to bytes: inout [UInt8]
    ) {
        precondition((200...599).contains(status), "no final status code")
        let (reason, kept) = (Self.reason(status), keepAlive && contentLength != nil)
        let limit = Self.mostHeadBytes + reason.utf8CodeUnitCount + contentType.utf8CodeUnitCount
        bytes.append(upTo: limit) { writer in
            writer.put("HTTP/1.1 ")
            writer.put(decimal: status)
            writer.put(" ")
            writer.put(reason)
            writer.put("\r\nContent-Type: ")
            writer.put(contentType)
            if let contentLength {
                writer.put("\r\nContent-Length: ")
                writer.put(decimal: contentLength)
            }
            if kept {
                writer.put("\r\nConnection: keep-alive\r\n\r\n")
            } else {
                writer.put("\r\nConnection: close\r\n\r\n")
            }
        }
    }

    /// Of what `appendHead` writes itself.
    private static let mostHeadBytes = 128

    /// Appends the interim response that lets a client send its body (RFC 9110 §15.2.1).
    package static func appendContinue(to bytes: inout [UInt8]) {
        bytes.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// The reason phrase of a status code (RFC 9110 §15); empty for those that are not in use.
    package static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }

    private static func appendStatusLine(_ status: Int, to bytes: inout [UInt8]) {
        precondition((200...599).contains(status), "no final status code")
        bytes.append("HTTP/1.1 ")
        bytes.appendDecimal(status)
        bytes.append(0x20)
        bytes.append(reason(status))
        bytes.append("\r\n")
    }

    private static func appendContentLength(_ length: Int, to bytes: inout [UInt8]) {
        bytes.append("Content-Length: ")
        bytes.appendDecimal(length)
        bytes.append("\r\n")
    }

    private static func appendEnd(keepAlive: Bool, to bytes: inout [UInt8]) {
        bytes.append(keepAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n")
    }
}

extension Array where Element == UInt8 {
    mutating func append(_ text: StaticString) {
        append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
