/// One event of an event stream (WHATWG HTML §9.2).
package struct ServerSentEvent: Hashable, Sendable {
    /// The event's type; `message` where the stream names none.
    package var event: String
    /// The data, its lines separated by LF.
    package var data: String
    /// The last event id in force, if any was given.
    package var id: String?

    package init(event: String = "message", data: String, id: String? = nil) {
        self.event = event
        self.data = data
        self.id = id
    }

    /// Appends the event as it goes over the stream. Every kind of line break in the data is
    /// read back as LF; a type or id with a line break is cut off there.
    package func encode(into bytes: inout [UInt8]) {
        if event != "message" { Self.append("event: ", event, to: &bytes) }
        if let id { Self.append("id: ", id, to: &bytes) }
        bytes.append("data: ")
        var previous: UInt8 = 0
        for byte in data.utf8 {
            if byte == 0x0d || (byte == 0x0a && previous != 0x0d) {
                bytes.append("\ndata: ")
            } else if byte != 0x0a {
                bytes.append(byte)
            }
            previous = byte
        }
        bytes.append("\n\n")
    }

    /// Appends a comment, which receivers skip: shows that the connection lives.
    package static func appendPing(to bytes: inout [UInt8]) {
        bytes.append(":\n\n")
    }

    private static func append(_ field: StaticString, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(field)
        bytes.append(contentsOf: value.utf8.prefix { $0 != 0x0a && $0 != 0x0d && $0 != 0 })
        bytes.append(0x0a)
    }
}
