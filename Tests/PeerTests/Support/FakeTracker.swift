import Reactor
import Testing
import Wire

/// An HTTP server on loopback that answers as a test says; on the same loop as what it tests.
final class FakeTracker {
    enum Answer {
        case response(HTTPResponse, keepAlive: Bool)
        /// These bytes, whatever they are; the connection stays open.
        case raw([UInt8])
        /// Nothing, for ever.
        case silence
        /// The connection is closed without an answer.
        case hangUp
        /// The head of an event stream and these bytes; the connection stays open.
        case stream([UInt8])
    }

    /// A request as it came, and the number of the connection it came over, from 0.
    struct Heard {
        let request: HTTPRequest
        let connection: Int

        var line: String { "\(request.method.rawValue) \(request.path)" }
        var body: String { String(decoding: request.body, as: UTF8.self) }
    }

    private(set) var heard: [Heard] = []
    private(set) var connectionCount = 0
    var answer: (HTTPRequest) -> Answer
    /// With it, it speaks TLS where its client does.
    var tls: TLSContext?
    /// Connections over TLS.
    fileprivate(set) var secureCount = 0
    private let loop: EventLoop
    private var listener: Listener?
    private var connections: [ServerConnection] = []
    let endpoint: Endpoint

    /// - Parameter port: 0 for any.
    init(
        _ loop: EventLoop, port: UInt16 = 0,
        answer: @escaping (HTTPRequest) -> Answer = { _ in .json("{}") }
    ) throws {
        self.loop = loop
        self.answer = answer
        var accept: (consuming AcceptedSocket) -> Void = { _ in }
        let listener = try Listener(loop: loop, address: .loopback(port: port)) { accept($0) }
        self.listener = listener
        endpoint = try #require(Endpoint(listener.localAddress.description))
        accept = { [unowned self] socket in
            let connection = ServerConnection(number: connectionCount, tracker: self)
            connection.stream = Stream(loop: loop, accepted: socket, delegate: connection)
            connectionCount += 1
            connections.append(connection)
        }
    }

    /// Event streams whose client is still there.
    var openStreamCount: Int { connections.count { $0.isStreaming && $0.stream != nil } }

    /// Closes every connection, and the listening socket if asked to.
    func hangUp(andStop: Bool = false) {
        for connection in connections { connection.stream?.close() }
        connections = []
        if andStop {
            listener?.close()
            listener = nil
        }
    }

    /// Sends these bytes over every open connection.
    func send(_ bytes: [UInt8]) {
        for connection in connections { connection.stream?.write(bytes) }
    }

    fileprivate func take(_ request: HTTPRequest, _ connection: ServerConnection) {
        heard.append(Heard(request: request, connection: connection.number))
        var bytes: [UInt8] = []
        switch answer(request) {
        case .response(let response, let keepAlive):
            response.encode(into: &bytes, keepAlive: keepAlive)
            connection.stream?.write(bytes)
            if !keepAlive { connection.stream?.closeAfterFlush() }
        case .raw(let raw): connection.stream?.write(raw)
        case .silence: break
        case .hangUp: connection.stream?.close()
        case .stream(let events):
            connection.isStreaming = true
            HTTPResponse.appendHead(
                status: 200, contentType: "text/event-stream", contentLength: nil,
                keepAlive: false, to: &bytes)
            connection.stream?.write(bytes + events)
        }
    }
}

extension FakeTracker.Answer {
    static func json(_ text: String, status: Int = 200, keepAlive: Bool = true) -> Self {
        .response(
            HTTPResponse(
                status: status, headers: [("Content-Type", "application/json")],
                body: Array(text.utf8)), keepAlive: keepAlive)
    }

    static func text(_ text: String) -> Self {
        .response(
            HTTPResponse(
                status: 200, headers: [("Content-Type", "text/plain")], body: Array(text.utf8)),
            keepAlive: true)
    }

    static func error(_ status: Int, _ code: String, _ message: String) -> Self {
        .response(
            HTTPResponse(
                status: status,
                body: WireJSON.encode(APIErrorBody(code: code, message: message))),
            keepAlive: true)
    }
}

private final class ServerConnection: StreamDelegate {
    let number: Int
    var stream: Stream?
    var isStreaming = false
    private unowned let tracker: FakeTracker
    private var decoder = HTTPRequestDecoder()

    init(number: Int, tracker: FakeTracker) {
        self.number = number
        self.tracker = tracker
    }

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        if bytes[0] == 0x16, !stream.isSecure {
            // As HTTP answers what it can't understand.
            guard let tls = tracker.tls else {
                return stream.write(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
            }
            tracker.secureCount += 1
            return stream.secure(with: tls, received: bytes)
        }
        decoder.append(bytes)
        while let request = try? decoder.next() { tracker.take(request, self) }
    }

    func stream(_ stream: Stream, didClose reason: CloseReason) {
        self.stream = nil
    }
}

/// A loop that turns until something has happened.
final class LoopUnderTest {
    let loop: EventLoop

    init() throws { loop = try EventLoop() }

    deinit { loop.shutdown() }

    /// Turns the loop until `condition` holds; false where it doesn't within 10 s.
    func run(until condition: @escaping () -> Bool) -> Bool {
        var isLate = false
        let watchdog = loop.schedule(after: .seconds(10)) { [loop] in
            isLate = true
            loop.stop()
        }
        check(condition)
        loop.run()
        loop.cancel(watchdog)
        return !isLate
    }

    private func check(_ condition: @escaping () -> Bool) {
        loop.schedule(after: .milliseconds(1)) { [unowned self] in
            if condition() { loop.stop() } else { check(condition) }
        }
    }
}
