/// An event of a stream is longer than its receiver allows.
package enum ServerSentEventError: Error, Equatable, Sendable, CustomStringConvertible {
    case eventTooLong(limit: Int)

    package var description: String {
        switch self {
        case .eventTooLong(let limit): "an event of more than \(limit) bytes"
        }
    }
}

/// Incremental decoder of an event stream (WHATWG HTML §9.2.6). `retry` is passed over: when to
/// connect again is the client's to decide.
package struct ServerSentEventDecoder {
    private let maxEventBytes: Int
    private var line: [UInt8] = []
    /// Whether the last line ended in CR, so that an LF right after it belongs to that end.
    private var endedInCR = false
    private var isFirstLine = true
    private var event = ""
    private var data: [UInt8] = []
    private var hasData = false
    private var lastID: String?
    private var failure: ServerSentEventError?

    /// A decoder at the beginning of a stream. An event (all its data, and any one line) may
    /// have `maxEventBytes`.
    package init(maxEventBytes: Int = 64 << 10) {
        self.maxEventBytes = maxEventBytes
    }

    /// The next event in `bytes` at or after `position`, which moves behind what was taken; nil
    /// when all is taken. After an error every further call throws the same.
    package mutating func next(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(ServerSentEventError) -> ServerSentEvent? {
        if let failure { throw failure }
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == 0x0a && endedInCR {
                endedInCR = false
                continue
            }
            endedInCR = byte == 0x0d
            guard byte == 0x0a || byte == 0x0d else {
                line.append(byte)
                try checkSize()
                continue
            }
            if let event = takeLine() { return event }
            try checkSize()
        }
        return nil
    }

    private mutating func checkSize() throws(ServerSentEventError) {
        guard line.count + data.count > maxEventBytes else { return }
        let error = ServerSentEventError.eventTooLong(limit: maxEventBytes)
        failure = error
        throw error
    }

    private mutating func takeLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: line.capacity <= 4 << 10) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xef, 0xbb, 0xbf]) { line.removeFirst(3) }
        }
        guard !line.isEmpty else { return dispatch() }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
        var value = line[min(colon + 1, line.count)...]
        if value.first == 0x20 { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event":
            event = String(decoding: value, as: UTF8.self)
        case "data":
            if hasData { data.append(0x0a) }
            data.append(contentsOf: value)
            hasData = true
        case "id" where !value.contains(0):
            lastID = String(decoding: value, as: UTF8.self)
        default:
            // Comments, `retry`, and fields that aren't defined.
            break
        }
        return nil
    }

    private mutating func dispatch() -> ServerSentEvent? {
        defer {
            event = ""
            data = []
            hasData = false
        }
        guard hasData else { return nil }
        return ServerSentEvent(
            event: event.isEmpty ? "message" : event, data: String(decoding: data, as: UTF8.self),
            id: lastID)
    }
}
