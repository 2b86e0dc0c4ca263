import Reactor
import Wire

/// One client: decodes its requests and puts the answers in their order.
final class HTTPConnection: StreamDelegate {
    private enum Answer {
        case pending
        case ready([UInt8], closes: Bool)
        case stream(EventStream)
    }

    enum Mode {
        /// Requests are decoded. Exits: `finishing`, `streaming`, `leaving`, `closed`.
        case open
        /// No further request is decoded; pending answers go out, then it closes. Exits:
        /// `streaming`, `leaving`, `closed`.
        case finishing
        /// An event stream is being sent, or will be once the answers before are. Exits: `closed`.
        case streaming(EventStream)
        /// Another reactor is to answer this request, and what follows. Exits: `closed`.
        case leaving(HTTPHandOver.Content)
        /// No exits.
        case closed
    }

    let slot: Int
    /// The other end's.
    let address: IPAddress
    /// Lives as long as its connections: it has them, and is never let go before the loop ends.
    unowned(unsafe) let server: HTTPServer
    private(set) var stream: Stream?
    var decoder: HTTPRequestDecoder
    var mode = Mode.open
    /// Of the requests from `firstWaiting` on, in order.
    private var answers: [Answer] = []
    private var firstWaiting: UInt64 = 0
    /// Bytes of this connection's incomplete request, as the server's account has them.
    private var incompleteByteCount = 0
    private var isPaused = false
    /// The client has said that it sends no request after this one.
    private var hasLastRequest = false
    /// Nothing has been received yet: the first byte tells TLS from HTTP.
    private var isFresh = true
    /// Answers are being gathered in the server's scratch.
    private var isGathering = false

    private static let resumeLevel = 64 << 10

    init(server: HTTPServer, slot: Int, address: IPAddress) {
        self.server = server
        self.slot = slot
        self.address = address
        decoder = HTTPRequestDecoder(limits: server.limits.request)
    }

    func start(_ accepted: consuming AcceptedSocket) {
        let stream = Stream(loop: server.loop, accepted: accepted, delegate: self)
        stream.writeLimit = server.limits.answer
        stream.lowWaterMark = Self.resumeLevel
        self.stream = stream
    }

    var isOpen: Bool { stream != nil }

    /// Whether nobody on the way can read what is sent.
    var isPrivate: Bool { address.isLoopback || stream?.isSecure == true }

    // MARK: Requests

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        guard case .open = mode else { return }
        if isFresh {
            isFresh = false
            if bytes[0] == Self.firstByteOfTLS, beginTLS(with: bytes) { return }
        }
        server.traffic.receivedBytes += UInt64(bytes.count)
        decoder.append(bytes)
        processRequests(received: bytes.count)
    }

    /// - Parameter first: one that is decoded already.
    func processRequests(received: Int, first: HTTPRequest? = nil) {
        assert(server.scratch.isEmpty, "one connection at a time gathers answers")
        isGathering = true
        let wasMidRequest = incompleteByteCount > 0
        var decoded = 0
        if let first {
            decoded += 1
            handle(first)
        }
        while case .open = mode, !mustPause() {
            do throws(HTTPError) {
                guard let request = try decoder.next() else { break }
                decoded += 1
                handle(request)
            } catch {
                refuse(with: server.handler.response(to: error))
            }
        }
        if answers.isEmpty, decoder.takeContinueDemand() {
            HTTPResponse.appendContinue(to: &server.scratch)
        }
        if case .leaving = mode {
            let unsent = server.scratch
            server.scratch.removeAll(keepingCapacity: true)
            isGathering = false
            return leave(with: unsent)
        }
        flushScratch()
        isGathering = false
        account(received: received, decoded: decoded)
        updateExpectation(isNewRequest: decoded > 0 || !wasMidRequest)
    }

    private func handle(_ request: HTTPRequest) {
        let exchange = HTTPExchange(
            connection: self, number: nextNumber(), keepAlive: request.keepAlive,
            isHead: request.method == .head)
        if !request.keepAlive {
            mode = .finishing
            hasLastRequest = true
        }
        server.handler.handle(request, exchange)
    }

    private func nextNumber() -> UInt64 {
        answers.append(.pending)
        return firstWaiting + UInt64(answers.count) - 1
    }

    /// Answers outside of the order of any request, and closes.
    private func refuse(with response: HTTPResponse) {
        guard case .open = mode else { return }
        mode = .finishing
        countResponse(status: response.status)
        respond(to: nextNumber(), keepAlive: false) { bytes, _ in
            response.encode(into: &bytes, keepAlive: false)
        }
    }

    func requestTimedOut() {
        refuse(with: server.handler.responseToSlowRequest())
    }

    /// Whether the client has to take answers before more requests are looked at.
    private func mustPause() -> Bool {
        let unread = (stream?.queuedByteCount ?? 0) + (isGathering ? server.scratch.count : 0)
        guard answers.count >= server.limits.pipelined || unread > server.limits.unreadAnswers
        else { return false }
        isPaused = true
        stream?.pauseReading()
        return true
    }

    private func resumeIfPossible() {
        guard isPaused, case .open = mode, answers.count < server.limits.pipelined / 2,
            (stream?.queuedByteCount ?? 0) <= Self.resumeLevel
        else { return }
        isPaused = false
        stream?.resumeReading()
        processRequests(received: 0)
    }

    private func account(received: Int, decoded: Int) {
        guard case .open = mode, decoder.isMidRequest else {
            _ = server.adjustIncompleteBytes(by: -incompleteByteCount)
            incompleteByteCount = 0
            return
        }
        // What came with whole requests before is counted too: it is in the same buffer.
        let held = decoded > 0 ? received : incompleteByteCount + received
        let fits = server.adjustIncompleteBytes(by: held - incompleteByteCount)
        incompleteByteCount = held
        if !fits { close() }
    }

    private func updateExpectation(isNewRequest: Bool) {
        switch mode {
        case .open where !answers.isEmpty: server.expect(.nothing, of: self)
        case .open where decoder.isMidRequest && !isPaused:
            server.expect(.rest(isNew: isNewRequest), of: self)
        case .open: server.expect(.request, of: self)
        case .finishing, .streaming, .leaving: server.expect(.nothing, of: self)
        case .closed: break
        }
    }

    // MARK: Answers

    func respond(
        to number: UInt64, keepAlive: Bool, _ write: (inout [UInt8], Bool) -> Void
    ) {
        guard number >= firstWaiting, isOpen else { return }
        let isLast = isFinishing && number == firstWaiting + UInt64(answers.count) - 1
        let closes = !keepAlive || isLast
        if number > firstWaiting {
            var bytes: [UInt8] = []
            write(&bytes, !closes)
            answers[Int(number - firstWaiting)] = .ready(bytes, closes: closes)
            return
        }
        if isGathering {
            write(&server.scratch, !closes)
        } else {
            var bytes: [UInt8] = []
            write(&bytes, !closes)
            send(bytes)
        }
        advance(closes: closes)
    }

    /// The first waiting answer is out: so are those that were ready behind it.
    private func advance(closes: Bool) {
        var closes = closes
        answers.removeFirst()
        firstWaiting += 1
        while !closes, case .ready(let bytes, let isLast) = answers.first {
            write(bytes)
            closes = isLast
            answers.removeFirst()
            firstWaiting += 1
        }
        if closes || isFinishing && answers.isEmpty {
            flushScratch()
            return closeAfterFlush()
        }
        if case .stream(let stream) = answers.first { stream.flow() }
        guard !isGathering else { return }
        updateExpectation(isNewRequest: false)
        resumeIfPossible()
    }

    /// Sends bytes behind all that was given before.
    func write(_ bytes: [UInt8]) {
        if isGathering {
            server.scratch += bytes
        } else {
            send(bytes)
        }
    }

    private func send(_ bytes: [UInt8]) {
        server.traffic.sentBytes += UInt64(bytes.count)
        stream?.write(bytes)
    }

    func countResponse(status: Int) { server.traffic.responses[min(max(status / 100, 0), 5)] += 1 }

    private func flushScratch() {
        guard isGathering, !server.scratch.isEmpty else { return }
        send(server.scratch)
        let keepsCapacity = server.scratch.capacity <= 1 << 20
        server.scratch.removeAll(keepingCapacity: keepsCapacity)
    }

    func begin(_ eventStream: EventStream, number: UInt64) {
        guard isOpen else { return }
        mode = .streaming(eventStream)
        answers[Int(number - firstWaiting)] = .stream(eventStream)
        stream?.setAcknowledgementTimeout(server.limits.streamSilence)
        stream?.writeLimit = server.limits.streamBacklog
        if number == firstWaiting { eventStream.flow() }
    }

    // MARK: The end

    private var isFinishing: Bool {
        if case .finishing = mode { true } else { false }
    }

    /// Half-closed: the client awaits its answers and will send no more.
    func streamDidReceiveEnd(_ stream: Stream) {
        switch mode {
        case .open where !answers.isEmpty: mode = .finishing
        case .open, .streaming: close()
        case .finishing where answers.isEmpty: closeAfterFlush()
        case .finishing, .leaving, .closed: break
        }
    }

    func streamDidDrain(_ stream: Stream) { resumeIfPossible() }

    func stream(_ stream: Stream, didClose reason: CloseReason) { finish() }

    /// Lets what is being answered finish, and closes. Nobody waits for a client that has all.
    func drain() {
        switch mode {
        case .open where !answers.isEmpty: mode = .finishing
        case .open, .finishing:
            guard answers.isEmpty else { return }
            if stream?.queuedByteCount == 0 { close() } else { closeAfterFlush() }
        case .streaming: close()
        case .leaving, .closed: break
        }
    }

    func closeAfterFlush() {
        if case .closed = mode { return }
        // The stream reports the end; until then the connection counts.
        if case .streaming(let eventStream) = mode { eventStream.didEnd() }
        mode = .finishing
        server.expect(.nothing, of: self)
        answers.removeAll()
        stream?.closeAfterFlush(within: server.flushTime, lingering: !hasLastRequest)
    }

    func close() {
        stream?.close()
        finish()
    }

    func finish() {
        if case .closed = mode { return }
        let last = mode
        mode = .closed
        stream = nil
        answers.removeAll()
        _ = server.adjustIncompleteBytes(by: -incompleteByteCount)
        incompleteByteCount = 0
        server.remove(self)
        if case .streaming(let eventStream) = last { eventStream.didEnd() }
    }
}
