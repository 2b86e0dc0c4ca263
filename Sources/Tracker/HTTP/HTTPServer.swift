import Reactor
import TrackerCore
import Wire

/// Who answers what an ``HTTPServer`` receives.
protocol HTTPHandler: AnyObject {
    /// Answers now or later, from the loop's thread: each exchange exactly once.
    func handle(_ request: HTTPRequest, _ exchange: HTTPExchange)

    /// Takes note of a request in the bytes it arrived in, to be answered by ``answerNoted()``
    /// with others of its kind that come in the same turn.
    /// - Returns: false where it is no such request, and to be handled as any other.
    func note(_ request: HTTPRequestView, _ exchange: HTTPExchange) -> Bool

    /// Answers what it has taken note of.
    func answerNoted()

    /// The answer to a request that could not be understood; the connection is closed after it.
    func response(to error: HTTPError) -> HTTPResponse

    /// The answer to a request that took too long to arrive.
    func responseToSlowRequest() -> HTTPResponse
}

/// HTTP/1.1 with keep-alive and pipelining. Bad bytes and deadlines end the connection they are
/// on and trouble no other.
final class HTTPServer {
    struct Limits: Sendable {
        var request = HTTPLimits(maxBodyBytes: 24 << 20)
        /// Connections of one address, a trusted proxy's apart; more are closed at once.
        var connectionsPerAddress = 4000
        /// How long a connection may wait for the next request; up to a second less.
        var idleTime = Duration.seconds(180)
        /// How long a request may take to arrive, from its first byte to its last.
        var requestTime = Duration.seconds(15)
        /// Requests of one connection that wait for an answer.
        var pipelined = 64
        /// A connection that has so many bytes of answers not taken isn't read.
        var unreadAnswers = 1 << 20
        /// The longest answer; a client that lets more pile up is cut off.
        var answer = 64 << 20
        /// How long a TLS handshake may take.
        var handshakeTime = Duration.seconds(10)
        /// TLS handshakes at a time, of all addresses and of each.
        var handshakes = 1000
        var handshakesPerAddress = 100
        /// An event stream with so many bytes not taken is cut off.
        var streamBacklog = 4 << 20
        /// An event stream whose client acknowledges nothing for so long is cut off.
        var streamSilence = Duration.seconds(15)
        /// Bytes of incomplete requests that all connections together may hold.
        var incompleteRequests = 256 << 20
    }

    /// Since the start.
    struct Traffic: Sendable {
        var accepted: UInt64 = 0
        /// Closed at once, since their address had too many.
        var turnedAway: UInt64 = 0
        var receivedBytes: UInt64 = 0
        var sentBytes: UInt64 = 0
        /// By the hundreds of their status; those that are written without a head of their own,
        /// announces and scrapes, aren't counted.
        var responses = [UInt64](repeating: 0, count: 6)

        mutating func add(_ other: Traffic) {
            accepted += other.accepted
            turnedAway += other.turnedAway
            receivedBytes += other.receivedBytes
            sentBytes += other.sentBytes
            for index in responses.indices { responses[index] += other.responses[index] }
        }
    }

    let loop: EventLoop
    private(set) var limits: Limits
    /// To be set before the loop runs, and to live as long as it does.
    unowned(unsafe) var handler: (any HTTPHandler)!
    /// Where a connection gathers the answers to what it has just received.
    var scratch: [UInt8] = []
    /// The answer that is being sent by itself, perhaps while another connection gathers.
    private var single: [UInt8] = []

    var traffic = Traffic()
    private var listener: Listener?
    /// Those that have received something in this turn, which is worked off when all have.
    private var receiving: [HTTPConnection] = []
    private var connections: [HTTPConnection?] = []
    private var freeSlots: [Int] = []
    private(set) var connectionCount = 0
    private var counts = AddressCounts()
    private var proxies: TrustedProxies
    private(set) var incompleteByteCount = 0
    private var idle: TimeoutQueue
    private var arriving: TimeoutQueue
    private var deadlineTimer: TimerID?
    private var onDrained: (() -> Void)?
    /// Takes connections whose requests are another reactor's to answer.
    var onHandOver: (HTTPHandOver) -> Void = { _ in }
    /// For connections whose first byte is TLS's; nil: that is no request.
    var tls: TLSContext?
    let handshakes: TLSHandshakes

    init(loop: EventLoop, limits: Limits, proxies: TrustedProxies = TrustedProxies()) {
        self.loop = loop
        self.limits = limits
        self.proxies = proxies
        handshakes = TLSHandshakes(
            limit: limits.handshakes, perAddress: limits.handshakesPerAddress)
        idle = TimeoutQueue(
            duration: limits.idleTime, tolerance: min(limits.idleTime / 100, .seconds(1)))
        arriving = TimeoutQueue(duration: limits.requestTime)
        loop.onEventsHandled = { [unowned self] in processReceived() }
    }

    /// Takes other limits; deadlines stay as they are.
    func reload(limits: Limits, proxies: TrustedProxies) {
        self.limits = limits
        self.proxies = proxies
    }

    /// Starts to take connections, at all IPv6 addresses those of IPv4 too.
    /// - Parameters:
    ///   - inherited: a socket that listens already, instead of one for the address.
    ///   - sharingPort: with another reactor's.
    /// - Returns: where it listens, with the port that was chosen where 0 was asked for.
    func listen(
        on address: SocketAddress, inherited: Int32? = nil, sharingPort: Bool = false
    ) throws(SystemError) -> SocketAddress {
        let onAccept: Listener.AcceptHandler = { [unowned self] accepted in accept(accepted) }
        let listener =
            if let inherited {
                try Listener(loop: loop, descriptor: inherited, onAccept: onAccept)
            } else {
                try Listener(
                    loop: loop, address: address, bothFamilies: true, sharingPort: sharingPort,
                    onAccept: onAccept)
            }
        self.listener = listener
        scheduleDeadlines()
        return listener.localAddress
    }

    /// Takes no more connections; those that are open go on, without deadlines.
    func stopListening() {
        listener?.close()
        listener = nil
        if let deadlineTimer { loop.cancel(deadlineTimer) }
        deadlineTimer = nil
    }

    func sharePort() throws(SystemError) { try listener?.sharePort() }

    func accept(_ accepted: consuming AcceptedSocket) {
        if add(accepted) != nil { traffic.accepted += 1 }
    }

    /// Nil where its address has too many; then it is closed.
    func add(
        _ accepted: consuming AcceptedSocket, tls: DetachedTLS? = nil
    ) -> HTTPConnection? {
        let address = IPAddress(accepted.remoteAddress)
        guard counts.add(address, limit: limit(for: address)) else {
            traffic.turnedAway += 1
            return nil
        }
        let slot = freeSlots.popLast() ?? connections.count
        let connection = HTTPConnection(server: self, slot: slot, address: address)
        connection.start(accepted, tls: tls)
        if slot == connections.count {
            connections.append(connection)
        } else {
            connections[slot] = connection
        }
        connectionCount += 1
        idle.restart(slot, at: now)
        return connection
    }

    private func limit(for address: IPAddress) -> Int {
        proxies.contain(address) ? .max : limits.connectionsPerAddress
    }

    /// The connection has closed.
    func remove(_ connection: HTTPConnection) {
        counts.remove(connection.address)
        idle.remove(connection.slot)
        arriving.remove(connection.slot)
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        connectionCount -= 1
        finishDraining()
    }

    /// The connection has received something, which waits to be looked at until others have too
    /// unless it is long.
    func didReceive(_ connection: HTTPConnection, _ byteCount: Int) {
        if loop.isHandlingEvents, byteCount <= Self.mostGathered {
            receiving.append(connection)
        } else {
            connection.processReceived()
        }
    }

    private static let mostGathered = 16 << 10

    private func processReceived() {
        handler.answerNoted()
        guard !receiving.isEmpty else { return }
        for connection in receiving { connection.processReceived() }
        receiving.removeAll(keepingCapacity: true)
    }

    /// Sends the answers that were gathered.
    func sendScratch(on stream: Stream?) { send(&scratch, on: stream) }

    /// Sends an answer that nothing is gathered with.
    func send(on stream: Stream?, _ write: (inout [UInt8]) -> Void) {
        write(&single)
        send(&single, on: stream)
    }

    private func send(_ bytes: inout [UInt8], on stream: Stream?) {
        traffic.sentBytes += UInt64(bytes.count)
        bytes.withUnsafeBytes { stream?.writeNow($0) }
        bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    }

    // MARK: Deadlines

    /// Which deadline a connection is under.
    enum Expectation {
        /// The next request.
        case request
        /// The rest of a request; `isNew`: its first bytes have just come.
        case rest(isNew: Bool)
        /// The program's own answer, or the end of an event stream.
        case nothing
    }

    func expect(_ expectation: Expectation, of connection: HTTPConnection) {
        let slot = connection.slot
        switch expectation {
        case .request:
            arriving.remove(slot)
            idle.restart(slot, at: now)
        case .rest(let isNew):
            idle.remove(slot)
            if isNew || !arriving.contains(slot) { arriving.restart(slot, at: now) }
        case .nothing:
            idle.remove(slot)
            arriving.remove(slot)
        }
    }

    var now: Instant { Instant(nanoseconds: loop.now.nanoseconds) }

    /// One timer for all connections; a deadline may be kept a second late.
    private func scheduleDeadlines() {
        deadlineTimer = loop.schedule(after: .seconds(1)) { [unowned self] in
            closeExpired()
            scheduleDeadlines()
        }
    }

    private func closeExpired() {
        while let slot = arriving.popExpired(at: now) { connections[slot]?.requestTimedOut() }
        while let slot = idle.popExpired(at: now) { connections[slot]?.close() }
    }

    // MARK: Memory

    /// Keeps the account of bytes that incomplete requests hold.
    /// - Returns: false where it is overdrawn.
    func adjustIncompleteBytes(by difference: Int) -> Bool {
        incompleteByteCount += difference
        return incompleteByteCount <= limits.incompleteRequests
    }

    // MARK: The end

    /// Takes no more connections and requests, lets what is being answered finish, and calls
    /// `then` when all connections are closed, or after `limit`.
    func drain(within limit: Duration, then: @escaping () -> Void) {
        stopListening()
        onDrained = then
        for connection in connections { connection?.drain() }
        loop.schedule(after: limit) { [weak self] in
            guard let self else { return }
            for connection in connections { connection?.close() }
            finishDraining()
        }
        finishDraining()
    }

    /// How long a client may take to read the last answer and close. A stop doesn't wait for
    /// clients that are slow to close.
    var flushTime: Duration { onDrained == nil ? .seconds(10) : .milliseconds(500) }

    var isDraining: Bool { onDrained != nil }

    private func finishDraining() {
        guard connectionCount == 0, let then = onDrained else { return }
        onDrained = nil
        then()
    }
}
