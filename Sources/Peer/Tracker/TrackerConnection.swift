import Glibc
import Reactor
import Wire

/// One kept-alive connection to a tracker that carries one request at a time.
///
/// Lives until it is closed; the client holds it meanwhile.
final class TrackerConnection: StreamDelegate {
    /// How a request on it ended.
    enum Outcome {
        case reply(TrackerReply)
        /// No connection was made; nothing was sent.
        case unreachable(String)
        /// Nothing was sent to who isn't the tracker, or has no TLS.
        case untrusted(String)
        /// The connection ended before the answer was complete.
        case lost(String, beforeAnswer: Bool)
        /// Time ran out.
        case timedOut
        case malformed(String)
    }

    /// More than any answer of ours has.
    private static let maximumBodyBytes = 32 << 20

    let endpoint: Endpoint
    private let loop: EventLoop
    private var stream: Stream?
    private var decoder = HTTPResponseDecoder()
    private var status = 0
    private var canBeReused = false
    private var body: [UInt8] = []
    private var isConnected = false
    private var isAnswering = false
    private var timer: TimerID?
    private var completion: ((Outcome) -> Void)?
    /// Called when the connection closes while nothing is asked.
    private let onIdleEnd: (TrackerConnection) -> Void
    /// Requests that it has carried.
    private(set) var requestCount = 0

    init(
        loop: EventLoop, endpoint: Endpoint, trust: TrackerTrust?, connectTimeout: Duration,
        onIdleEnd: @escaping (TrackerConnection) -> Void
    ) {
        self.loop = loop
        self.endpoint = endpoint
        self.onIdleEnd = onIdleEnd
        stream = Stream.connect(
            loop: loop, to: Self.address(of: endpoint), timeout: connectTimeout,
            delegate: self)
        if let stream { trust?.secure(stream, to: endpoint) }
    }

    static func address(of endpoint: Endpoint) -> SocketAddress {
        let address = endpoint.address
        if let ipv4 = address.ipv4 { return SocketAddress(ipv4: ipv4, port: endpoint.port) }
        return SocketAddress(ipv6: address.high, address.low, port: endpoint.port)
    }

    var isIdle: Bool { completion == nil && stream != nil }
    var isClosed: Bool { stream == nil }

    /// Sends one request; only while idle. `completion` is called once, unless the connection is
    /// closed before, and never from within this call.
    func send(
        _ bytes: [UInt8], method: HTTPMethod, timeout: Duration,
        completion: @escaping (Outcome) -> Void
    ) {
        precondition(isIdle, "a connection carries one request at a time")
        self.completion = completion
        requestCount += 1
        body = []
        isAnswering = false
        decoder.expectResponse(to: method)
        timer = loop.schedule(after: timeout) { [unowned self] in
            timer = nil
            end(.timedOut)
        }
        stream?.write(bytes)
    }

    /// Closes without a word to anybody.
    func close() {
        completion = nil
        cancelTimer()
        stream?.close()
        stream = nil
    }

    private func cancelTimer() {
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    /// Ends the request and, but for a complete answer that allows another, the connection.
    private func end(_ outcome: Outcome) {
        let completion = self.completion
        self.completion = nil
        cancelTimer()
        if case .reply = outcome, canBeReused {} else { close() }
        completion?(outcome)
    }

    // MARK: StreamDelegate

    func streamDidConnect(_ stream: Stream) { isConnected = true }

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        guard completion != nil else {
            // A tracker that speaks unasked can't be followed any more.
            close()
            onIdleEnd(self)
            return
        }
        isAnswering = true
        var position = 0
        do throws(HTTPError) {
            while let event = try decoder.next(in: bytes, from: &position) {
                take(event, bytes)
                if completion == nil { return }
            }
        } catch {
            end(.malformed("\(error)"))
        }
    }

    func streamDidReceiveEnd(_ stream: Stream) {
        guard completion != nil else {
            close()
            onIdleEnd(self)
            return
        }
        do throws(HTTPError) {
            if try decoder.finish() != nil {
                canBeReused = false
                end(.reply(TrackerReply(status: status, body: body)))
                return
            }
        } catch {
            // An end in the middle, told below.
        }
        end(.lost("the connection was closed", beforeAnswer: !isAnswering))
    }

    func stream(_ stream: Stream, didClose reason: CloseReason) {
        self.stream = nil
        guard completion != nil else {
            onIdleEnd(self)
            return
        }
        switch reason {
        case .connectFailed(let error): end(.unreachable(error.reason))
        case .connectTimedOut: end(.unreachable("no connection in time"))
        case .tls(let error):
            if let problem = TrackerTrust.problem(in: error) {
                end(.untrusted(problem))
            } else {
                end(
                    isConnected
                        ? .lost("\(error)", beforeAnswer: !isAnswering)
                        : .unreachable("\(error)"))
            }
        default: end(.lost("\(reason)", beforeAnswer: !isAnswering))
        }
    }

    private func take(_ event: HTTPResponseDecoder.Event, _ bytes: UnsafeRawBufferPointer) {
        switch event {
        case .head(let head):
            status = head.status
            canBeReused = head.keepAlive
        case .body(let range):
            guard body.count + range.count <= Self.maximumBodyBytes else {
                end(.malformed("an answer of more than \(Self.maximumBodyBytes) bytes"))
                return
            }
            body += bytes[range]
        case .end:
            end(.reply(TrackerReply(status: status, body: body)))
        }
    }
}

extension SystemError {
    /// The bare reason in the middle of a sentence: `connection refused`.
    var reason: String { text.prefix(1).lowercased() + text.dropFirst() }
}
