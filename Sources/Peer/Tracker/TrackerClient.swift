import Logging
import Reactor
import Wire

/// Speaks to the network's trackers over HTTP; on the loop's thread only.
///
/// Requests go over a few kept-alive connections to one tracker; those that find none free wait
/// in order. When the tracker can't be reached the next one is asked and stays the one in use, until a
/// nearer one answers again. The event stream has a connection of its own and reconnects by itself;
/// while it is wanted, a `TrackerMonitor` notices within two seconds when the tracker falls silent. A
/// client lives as long as its loop turns.
///
/// Completions are called once, on the loop's thread, never from within the call that was given
/// them.
final class TrackerClient {
    private static let maximumConnections = 4

    /// How long what may take.
    struct Limits {
        /// Making a connection.
        var connect: Duration = .seconds(5)
        /// One tracker's answer, connecting included.
        var request: Duration = .seconds(10)
        /// The same where another tracker can be asked then.
        var firstRequest: Duration = .milliseconds(1800)
        /// The same for a log-in, which trackers slow down after wrong passwords.
        var login: Duration = .seconds(30)
        /// Nothing on the event stream; trackers send a comment every 5 s.
        var silence: Duration = .seconds(15)
        /// The pauses before the event stream is opened again double from one to the other.
        var firstPause: Duration = .milliseconds(250)
        var longestPause: Duration = .seconds(30)
        var monitor = TrackerMonitor.Limits()
    }

    /// Sent as `Authorization: Bearer …` with every request while it is set.
    var token: String?

    let loop: EventLoop
    let trackers: [Endpoint]
    let logger: Logger
    let limits: Limits
    /// Nil: these trackers are told no secrets, and spoken to without TLS.
    let trust: TrackerTrust?
    /// Index in `trackers` of the one in use.
    private(set) var current = 0
    private var connections: [TrackerConnection] = []
    private var waiting: [TrackerExchange] = []
    private var events: TrackerEventStream?
    private var openAnotherStream: () -> TrackerEventStream? = { nil }
    /// Of a client with several trackers, while it wants events.
    private var monitor: TrackerMonitor?

    /// - Parameter trackers: in order of preference, one at least.
    init(
        loop: EventLoop, trackers: [Endpoint], trust: TrackerTrust? = nil, logger: Logger,
        limits: Limits = Limits()
    ) {
        precondition(!trackers.isEmpty, "a client needs a tracker")
        self.loop = loop
        self.trackers = trackers
        self.trust = trust
        self.logger = logger
        self.limits = limits
    }

    /// The tracker in use.
    var tracker: Endpoint { trackers[current] }

    // MARK: Requests

    func start(_ exchange: TrackerExchange) {
        waiting.append(exchange)
        pump()
    }

    /// Gives waiting requests to connections that are free, or to new ones.
    private func pump() {
        while !waiting.isEmpty, let connection = freeConnection() {
            send(waiting.removeFirst(), over: connection)
        }
    }

    private func freeConnection() -> TrackerConnection? {
        if let idle = connections.last(where: { $0.isIdle && $0.endpoint == tracker }) {
            return idle
        }
        guard connections.count < Self.maximumConnections else { return nil }
        let connection = TrackerConnection(
            loop: loop, endpoint: tracker, trust: trust, connectTimeout: limits.connect
        ) {
            [unowned self] connection in remove(connection)
        }
        connections.append(connection)
        return connection
    }

    private func remove(_ connection: TrackerConnection) {
        connections.removeAll { $0 === connection }
    }

    private func send(_ exchange: TrackerExchange, over connection: TrackerConnection) {
        let wasUsed = connection.requestCount > 0
        let bytes = encode(exchange, for: connection.endpoint)
        connection.send(bytes, method: exchange.method, timeout: timeout(of: exchange)) {
            [self] outcome in
            if connection.isClosed { remove(connection) }
            finish(exchange, outcome, connection.endpoint, wasUsed: wasUsed)
            pump()
        }
    }

    private func timeout(of exchange: TrackerExchange) -> Duration {
        let isLast = exchange.failedTrackers + 1 >= trackers.count
        return exchange.isIdempotent && !isLast
            ? min(exchange.timeout, limits.firstRequest) : exchange.timeout
    }

    private func finish(
        _ exchange: TrackerExchange, _ outcome: TrackerConnection.Outcome, _ endpoint: Endpoint,
        wasUsed: Bool
    ) {
        switch outcome {
        case .reply(let reply): exchange.completion(.success(reply))
        case .unreachable(let reason): tryNext(exchange, after: endpoint, reason)
        case .untrusted(let problem):
            // Another tracker is asked the next time; this has to be said.
            turn(from: endpoint, problem)
            exchange.completion(.failure(.untrusted(endpoint, problem)))
        case .lost(_, beforeAnswer: true)
        where wasUsed && !exchange.wasRetried && exchange.isIdempotent:
            // The tracker closed a connection that was idle just when it was used again; or it died
            // after it had done what it was asked, which must not be asked twice then.
            exchange.wasRetried = true
            dropIdleConnections()
            waiting.insert(exchange, at: 0)
        case .lost(let reason, _) where exchange.isIdempotent:
            tryNext(exchange, after: endpoint, reason)
        case .lost(let reason, _):
            turn(from: endpoint, reason)
            exchange.completion(.failure(.unreachable(endpoint, reason)))
        case .timedOut:
            let reason = "no answer within \(timeout(of: exchange))"
            if exchange.isIdempotent {
                tryNext(exchange, after: endpoint, reason)
            } else {
                turn(from: endpoint, reason)
                exchange.completion(.failure(.unreachable(endpoint, reason)))
            }
        case .malformed(let problem):
            exchange.completion(.failure(misunderstood(endpoint, problem)))
        }
    }

    private func tryNext(
        _ exchange: TrackerExchange, after endpoint: Endpoint, _ reason: String
    ) {
        turn(from: endpoint, reason)
        exchange.failedTrackers += 1
        if exchange.failedTrackers < trackers.count {
            waiting.insert(exchange, at: 0)
        } else {
            exchange.completion(.failure(.unreachable(endpoint, reason)))
        }
    }

    /// Leaves a tracker that can't be reached for another one.
    func turn(from endpoint: Endpoint, _ reason: String) {
        logger.info(
            "tracker can't be reached",
            ["tracker": endpoint.description, "reason": reason])
        guard endpoint == tracker, trackers.count > 1 else { return }
        current = monitor?.best(after: current) ?? (current + 1) % trackers.count
        dropIdleConnections()
        events?.follow()
    }

    /// Goes to a tracker that is nearer. The event stream there is open before the one here ends,
    /// so that the session is online all the time.
    func move(to place: Int) {
        let left = tracker
        current = place
        logger.info("a nearer tracker", ["tracker": tracker.description, "left": left.description])
        dropIdleConnections()
        let old = events
        events = openAnotherStream()
        if let old { events?.onFirstUp = { old.close() } }
    }

    private func dropIdleConnections() {
        for connection in connections where connection.isIdle { connection.close() }
        connections.removeAll { $0.isClosed }
    }

    private func encode(_ exchange: TrackerExchange, for endpoint: Endpoint) -> [UInt8] {
        var headers = commonHeaders
        if exchange.body != nil { headers.append(("Content-Type", "application/json")) }
        var bytes: [UInt8] = []
        HTTPRequest.encode(
            exchange.method, target: exchange.target, host: endpoint.description,
            headers: headers, body: exchange.body, into: &bytes)
        return bytes
    }

    var commonHeaders: [(name: String, value: String)] {
        var headers = [(name: "User-Agent", value: "mTorrent/\(Invocation.version)")]
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        return headers
    }

    // MARK: Events

    /// Opens the event stream and keeps it open: whenever it ends it is opened again after a
    /// pause that grows from a quarter of a second to half a minute. A stream on which nothing
    /// comes for 15 s has ended. An earlier stream is closed.
    /// - Parameters:
    ///   - onEvent: each event but the first.
    ///   - onUp: the stream is open; the tracker's instance, which differs after its restart.
    ///   - onDown: the stream has ended, or couldn't be opened, and why; said once until it is
    ///     up again, and once more when the tracker then refuses it (401: the session is over).
    func openEvents(
        onEvent: @escaping (TrackerEvent) -> Void,
        onUp: @escaping (_ instance: String) -> Void,
        onDown: @escaping (TrackerError) -> Void
    ) {
        closeEvents()
        openAnotherStream = { [unowned self] in
            TrackerEventStream(client: self, onEvent: onEvent, onUp: onUp, onDown: onDown)
        }
        events = openAnotherStream()
        guard trackers.count > 1 else { return }
        monitor = TrackerMonitor(client: self, limits: limits.monitor)
    }

    /// Closes the event stream; none of its functions is called any more.
    func closeEvents() {
        events?.close()
        events = nil
        monitor?.close()
        monitor = nil
    }
}

/// The error of an answer that isn't one of our trackers'.
func misunderstood(_ endpoint: Endpoint, _ problem: String) -> TrackerError {
    .malformed("tracker \(endpoint) sent an answer that is not understood (\(problem))")
}
