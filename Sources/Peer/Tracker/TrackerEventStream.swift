import Reactor
import Wire

/// The tracker's event stream (`GET /api/v1/events`), opened again whenever it ends.
final class TrackerEventStream: StreamDelegate {
    /// A stream that lived shorter doesn't shorten the next pause.
    private static let steadyTime: Duration = .seconds(5)
    private static let maximumErrorBytes = 64 << 10

    private unowned let client: TrackerClient
    private let loop: EventLoop
    private let onEvent: (TrackerEvent) -> Void
    private let onUp: (String) -> Void
    private let onDown: (TrackerError) -> Void
    /// Called once, when the stream is open for the first time; or when it is closed for good.
    var onFirstUp: (() -> Void)?

    private var endpoint: Endpoint
    private var stream: Stream?
    private var http = HTTPResponseDecoder()
    private var events = ServerSentEventDecoder()
    /// Of the answer; an error's body is gathered.
    private var status = 0
    private var errorBody: [UInt8] = []
    private var silence: TimerID?
    private var reconnection: TimerID?
    private var nextPause: Duration
    private var upSince: MonotonicTime?
    private var isClosed = false
    /// Trackers that failed one after the other.
    private var failures = 0
    /// What was last said through `onDown`, since the stream was last up.
    private var reported: TrackerError?

    init(
        client: TrackerClient,
        onEvent: @escaping (TrackerEvent) -> Void, onUp: @escaping (String) -> Void,
        onDown: @escaping (TrackerError) -> Void
    ) {
        self.client = client
        loop = client.loop
        self.onEvent = onEvent
        self.onUp = onUp
        self.onDown = onDown
        nextPause = client.limits.firstPause
        endpoint = client.tracker
        connect()
    }

    /// Ends it for good.
    func close() {
        isClosed = true
        isUpForTheFirstTime()
        disconnect()
        if let reconnection { loop.cancel(reconnection) }
        reconnection = nil
    }

    /// Another tracker is in use now.
    func follow() {
        // A stream that is down follows when it is opened again.
        guard stream != nil, endpoint != client.tracker else { return }
        disconnect()
        connect()
    }

    private func isUpForTheFirstTime() {
        let onFirstUp = onFirstUp
        self.onFirstUp = nil
        onFirstUp?()
    }

    private func connect() {
        endpoint = client.tracker
        http = HTTPResponseDecoder()
        http.expectResponse(to: .get)
        events = ServerSentEventDecoder()
        status = 0
        errorBody = []
        upSince = nil
        let stream = Stream.connect(
            loop: loop, to: TrackerConnection.address(of: endpoint),
            timeout: client.limits.connect, delegate: self)
        client.trust?.secure(stream, to: endpoint)
        self.stream = stream
        var bytes: [UInt8] = []
        HTTPRequest.encode(
            .get, target: "/api/v1/events", host: endpoint.description,
            headers: client.commonHeaders + [("Accept", "text/event-stream")], into: &bytes)
        stream.write(bytes)
        awaitSound()
    }

    private func disconnect() {
        if let silence { loop.cancel(silence) }
        silence = nil
        stream?.close()
        stream = nil
    }

    /// Starts the time anew in which the tracker must be heard of.
    private func awaitSound() {
        if let silence { loop.cancel(silence) }
        silence = loop.schedule(after: client.limits.silence) { [unowned self] in
            silence = nil
            isDown(unreachable("nothing heard for \(client.limits.silence)"))
        }
    }

    private func unreachable(_ reason: String) -> TrackerError {
        .unreachable(endpoint, reason)
    }

    /// Ends the stream, plans the next, and says why.
    private func isDown(_ error: TrackerError) {
        disconnect()
        if let upSince, loop.now - upSince >= Self.steadyTime {
            nextPause = client.limits.firstPause
        }
        let pause = nextPause * Double.random(in: 0.5...1)
        nextPause = min(nextPause * 2, client.limits.longestPause)
        switch error {
        case .unreachable(let endpoint, let reason), .untrusted(let endpoint, let reason):
            client.turn(from: endpoint, reason)
        case .refused, .malformed: break
        }
        reconnection = loop.schedule(after: pause) { [unowned self] in
            reconnection = nil
            connect()
        }
        failures += 1
        if shouldReport(error) {
            reported = error
            onDown(error)
        }
    }

    private func shouldReport(_ error: TrackerError) -> Bool {
        // Where there are others, one that can't be reached isn't worth a word.
        switch (reported, error) {
        case (nil, .unreachable): failures >= client.trackers.count
        case (nil, _): true
        case (.refused(let old, _, _), .refused(let new, _, _)): old != new
        case (_, .refused): true
        default: false
        }
    }

    // MARK: StreamDelegate

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        awaitSound()
        var position = 0
        do throws(HTTPError) {
            while let event = try http.next(in: bytes, from: &position) {
                take(event, bytes)
                // A callback may have closed this stream, or opened another.
                guard self.stream === stream else { return }
            }
        } catch {
            isDown(misunderstood(endpoint, "\(error)"))
        }
    }

    func streamDidReceiveEnd(_ stream: Stream) {
        isDown(status == 200 ? unreachable("the connection was closed") : refusal())
    }

    func stream(_ stream: Stream, didClose reason: CloseReason) {
        self.stream = nil
        switch reason {
        case .connectFailed(let error): isDown(unreachable(error.reason))
        case .connectTimedOut: isDown(unreachable("no connection in time"))
        case .tls(let error):
            let problem = TrackerTrust.problem(in: error)
            isDown(problem.map { .untrusted(endpoint, $0) } ?? unreachable("\(error)"))
        default: isDown(unreachable("\(reason)"))
        }
    }

    private func take(_ event: HTTPResponseDecoder.Event, _ bytes: UnsafeRawBufferPointer) {
        switch event {
        case .head(let head): status = head.status
        case .body(let range) where status == 200:
            takeEvents(UnsafeRawBufferPointer(rebasing: bytes[range]))
        case .body(let range):
            errorBody += bytes[range].prefix(Self.maximumErrorBytes - errorBody.count)
        case .end:
            isDown(status == 200 ? unreachable("the connection was closed") : refusal())
        }
    }

    private func refusal() -> TrackerError {
        status == 0
            ? unreachable("the connection was closed")
            : TrackerClient.refusal(TrackerReply(status: status, body: errorBody), endpoint)
    }

    private func takeEvents(_ bytes: UnsafeRawBufferPointer) {
        let current = stream
        var position = 0
        do {
            while let raw = try events.next(in: bytes, from: &position) {
                guard let event = try TrackerEvent.decode(raw) else { continue }
                deliver(event)
                guard stream === current else { return }
            }
        } catch {
            isDown(misunderstood(endpoint, "\(error)"))
        }
    }

    private func deliver(_ event: TrackerEvent) {
        if case .hello(let hello) = event {
            upSince = loop.now
            reported = nil
            failures = 0
            isUpForTheFirstTime()
            onUp(hello.instance)
        } else {
            onEvent(event)
        }
    }
}
