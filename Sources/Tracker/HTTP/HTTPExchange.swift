import Reactor
import Wire

/// A request's claim to an answer. Answers go out in the order of the requests, whatever the
/// order in which they are given. Answering on a closed connection does nothing.
struct HTTPExchange {
    let connection: HTTPConnection
    /// Counts the connection's requests.
    let number: UInt64
    let keepAlive: Bool
    /// `HEAD`: the answer has a head only.
    let isHead: Bool

    /// Whether an answer can still reach the client.
    var isOpen: Bool { connection.isOpen }

    func respond(_ response: HTTPResponse) {
        connection.countResponse(status: response.status)
        respond { bytes, keepAlive in
            response.encode(into: &bytes, keepAlive: keepAlive, includesBody: !isHead)
        }
    }

    /// Answers with what `write` appends: a whole response, saying whether the connection is kept.
    func respond(_ write: (inout [UInt8], _ keepAlive: Bool) -> Void) {
        connection.respond(to: number, keepAlive: keepAlive, write)
    }

    /// Answers with a body that goes on until one side closes the connection. Nothing else is
    /// answered on it any more.
    /// - Parameter onEnd: called once when the client is gone, not after ``EventStream/close()``.
    func beginEventStream(onEnd: @escaping () -> Void) -> EventStream {
        let stream = EventStream(connection: connection, onEnd: onEnd)
        connection.begin(stream, number: number)
        return stream
    }
}

/// The body of an answer that goes on: a `text/event-stream`.
final class EventStream {
    private let connection: HTTPConnection
    private var onEnd: (() -> Void)?
    /// What was sent before it was this answer's turn.
    private var backlog: [UInt8] = []
    private var isFlowing = false

    init(connection: HTTPConnection, onEnd: @escaping () -> Void) {
        self.connection = connection
        self.onEnd = onEnd
        HTTPResponse.appendHead(
            status: 200, contentType: "text/event-stream", contentLength: nil, keepAlive: false,
            to: &backlog)
    }

    /// Queues the bytes. A client that doesn't take them is cut off in the end.
    func send(_ bytes: [UInt8]) {
        if isFlowing {
            connection.write(bytes)
        } else {
            backlog += bytes
        }
    }

    /// Ends the stream after what was sent; `onEnd` isn't called.
    func close() {
        onEnd = nil
        connection.closeAfterFlush()
    }

    /// Ends the stream at once, sent or not; `onEnd` isn't called.
    func abandon() {
        onEnd = nil
        connection.close()
    }

    /// The answers before are out.
    func flow() {
        isFlowing = true
        connection.write(backlog)
        backlog = []
    }

    func didEnd() {
        let onEnd = onEnd
        self.onEnd = nil
        onEnd?()
    }
}
