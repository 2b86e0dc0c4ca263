import Reactor
import Wire

/// One client: decodes its requests and puts the answers in their order.
final class HTTPConnection: StreamDelegate {
    /// An answer whose turn hasn't come.
    private struct EarlyAnswer {
        let bytes: [UInt8]
        let closes: Bool
    }

    enum Mode {
        /// Requests are decoded. Exits: `finishing`, `streaming`, `leaving`, `closed`.
        case open
        /// No further request is decoded; pending answers go out, then it closes. Exits:
        /// `streaming`, `leaving`, `closed`.
        case finishing
        /// An event stream, `eventStream`, is being sent, or will be once the answers before are.
        /// Exits: `closed`.
        case streaming
        /// Another reactor is to answer `leavingWith`, and what follows. Exits: `closed`.
        case leaving
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
    private var eventStream: EventStream?
    var leavingWith: HTTPRequest?
    /// The request whose answer is to go out next, and how many wait from there on.
    private var firstWaiting: UInt64 = 0
    private var waitingCount = 0
    /// Of the requests behind the first that waits, as far as any is ready; nil: it isn't.
    private var early: [EarlyAnswer?] = []
    /// What has been received and not been looked at.
    private var receivedByteCount = 0
    /// Bytes of this connection's incomplete request, as the server's account has them.
    private var incompleteByteCount = 0
    private var isPaused = false
    /// The client has said that it sends no request after this one.
    private var hasLastRequest = false
    /// Nothing has been received yet: the first byte tells TLS from HTTP.
    var isFresh = true
    /// Answers are being gathered in the server's scratch.
    private var isGathering = false

    private static let resumeLevel = 64 << 10

    init(server: HTTPServer, slot: Int, address: IPAddress) {
        self.server = server
        self.slot = slot
        self.address = address
        decoder = HTTPRequestDecoder(limits: server.limits.request)
    }

    /// - Parameter tls: what it speaks already.
    func start(_ accepted: consuming AcceptedSocket, tls: DetachedTLS?) {
        let stream = Stream(loop: server.loop, accepted: accepted, tls: tls, delegate: self)
        stream.writeLimit = server.limits.answer
        stream.lowWaterMark = Self.resumeLevel
        self.stream = stream
    }

    var isOpen: Bool { stream != nil }

    /// Whether nobody on the way can read what is sent.
    var isPrivate: Bool { address.isLoopback || stream?.isSecure == true }

    // MARK: Requests

    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
        guard mode == .open else { return }
        if isFresh {
            isFresh = false
            if bytes[0] == Self.firstByteOfTLS, beginTLS(with: bytes) { return }
        }
        server.traffic.receivedBytes += UInt64(bytes.count)
        if isNoted(bytes) { return }
        decoder.append(bytes)
        receivedByteCount += bytes.count
        server.didReceive(self, bytes.count)
    }

    /// Whether the bytes are a request that the handler will answer in this turn from what it has
    /// seen of it. Whatever else comes in the turn is answered after it.
    private func isNoted(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard waitingCount == 0, decoder.isBetweenRequests, server.loop.isHandlingEvents,
            let request = HTTPRequestView(bytes, limits: server.limits.request)
        else { return false }
        let exchange = HTTPExchange(
            connection: self, number: firstWaiting, keepAlive: request.keepAlive,
            isHead: request.method == .head)
        guard server.handler.note(request, exchange) else { return false }
        waitingCount = 1
        if !request.keepAlive { finishWithThis() }
        return true
    }

    /// Answers what it can of what has been received.
    func processReceived() {
        guard mode == .open, receivedByteCount > 0 else { return }
        let count = receivedByteCount
        receivedByteCount = 0
        processRequests(received: count)
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
        while mode == .open, decoder.isMidRequest, decoded == 0 || !mustPause() {
            do throws(HTTPError) {
                guard let request = try decoder.next() else { break }
                decoded += 1
                handle(request)
            } catch {
                refuse(with: server.handler.response(to: error))
            }
        }
        if waitingCount == 0, decoder.takeContinueDemand() {
            HTTPResponse.appendContinue(to: &server.scratch)
        }
        if mode == .leaving {
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
        if !request.keepAlive { finishWithThis() }
        server.handler.handle(request, exchange)
    }

    /// The client wants no answer to anything after this request.
    private func finishWithThis() {
        mode = .finishing
        hasLastRequest = true
    }

    private func nextNumber() -> UInt64 {
        waitingCount += 1
        return lastWaiting
    }

    private var lastWaiting: UInt64 { firstWaiting + UInt64(waitingCount) - 1 }

    /// Not any more where the connection has closed, or is about to.
    private func isWaiting(_ number: UInt64) -> Bool {
        waitingCount > 0 && number >= firstWaiting && number <= lastWaiting && isOpen
    }

    /// Answers outside of the order of any request, and closes.
    private func refuse(with response: HTTPResponse) {
        guard mode == .open else { return }
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
        guard waitingCount >= server.limits.pipelined || unread > server.limits.unreadAnswers
        else { return false }
        isPaused = true
        stream?.pauseReading()
        return true
    }

    private func resumeIfPossible() {
        guard isPaused, mode == .open, waitingCount < server.limits.pipelined / 2,
            (stream?.queuedByteCount ?? 0) <= Self.resumeLevel
        else { return }
        isPaused = false
        stream?.resumeReading()
        processRequests(received: 0)
    }

    private func account(received: Int, decoded: Int) {
        guard mode == .open, decoder.isMidRequest else { return forgetIncompleteBytes() }
        // What came with whole requests before is counted too: it is in the same buffer.
        let held = decoded > 0 ? received : incompleteByteCount + received
        let fits = server.adjustIncompleteBytes(by: held - incompleteByteCount)
        incompleteByteCount = held
        if !fits { close() }
    }

    private func forgetIncompleteBytes() {
        guard incompleteByteCount > 0 else { return }
        _ = server.adjustIncompleteBytes(by: -incompleteByteCount)
        incompleteByteCount = 0
    }

    private func updateExpectation(isNewRequest: Bool) {
        switch mode {
        case .open where waitingCount > 0: server.expect(.nothing, of: self)
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
        guard isWaiting(number) else { return }
        let closes = !keepAlive || mode == .finishing && number == lastWaiting
        if number > firstWaiting {
            var bytes: [UInt8] = []
            write(&bytes, !closes)
            let place = Int(number - firstWaiting) - 1
            while early.count <= place { early.append(nil) }
            early[place] = EarlyAnswer(bytes: bytes, closes: closes)
            return
        }
        if isGathering {
            write(&server.scratch, !closes)
        } else {
            server.send(on: stream) { write(&$0, !closes) }
        }
        advance(closes: closes)
    }

    /// The first waiting answer is out: so are those that were ready behind it.
    private func advance(closes: Bool) {
        var closes = closes
        var next = removeFirstWaiting()
        while !closes, let ready = next {
            write(ready.bytes)
            closes = ready.closes
            next = removeFirstWaiting()
        }
        if closes || mode == .finishing && waitingCount == 0 {
            flushScratch()
            return closeAfterFlush()
        }
        // An event stream is the last there is.
        if mode == .streaming, waitingCount == 1 { eventStream?.flow() }
        guard !isGathering else { return }
        updateExpectation(isNewRequest: false)
        resumeIfPossible()
    }

    /// - Returns: the answer to the request that is the first now, where it is ready.
    private func removeFirstWaiting() -> EarlyAnswer? {
        firstWaiting += 1
        waitingCount -= 1
        return early.isEmpty ? nil : early.removeFirst()
    }

    private func removeAllWaiting() {
        waitingCount = 0
        early = []
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
        server.sendScratch(on: stream)
    }

    func begin(_ eventStream: EventStream, number: UInt64) {
        guard isWaiting(number) else { return }
        mode = .streaming
        self.eventStream = eventStream
        stream?.setAcknowledgementTimeout(server.limits.streamSilence)
        stream?.writeLimit = server.limits.streamBacklog
        if number == firstWaiting { eventStream.flow() }
    }

    // MARK: The end

    /// Half-closed: the client awaits its answers and will send no more.
    func streamDidReceiveEnd(_ stream: Stream) {
        switch mode {
        case .open where waitingCount > 0: mode = .finishing
        case .open, .streaming: close()
        case .finishing where waitingCount == 0: closeAfterFlush()
        case .finishing, .leaving, .closed: break
        }
    }

    func streamDidDrain(_ stream: Stream) { resumeIfPossible() }

    func stream(_ stream: Stream, didClose reason: CloseReason) { finish() }

    /// Lets what is being answered finish, and closes. Nobody waits for a client that has all.
    func drain() {
        switch mode {
        case .open where waitingCount > 0: mode = .finishing
        case .open, .finishing:
            guard waitingCount == 0 else { return }
            if stream?.queuedByteCount == 0 { close() } else { closeAfterFlush() }
        case .streaming: close()
        case .leaving, .closed: break
        }
    }

    func closeAfterFlush() {
        if mode == .closed { return }
        // The stream reports the end; until then the connection counts.
        endEventStream()
        mode = .finishing
        server.expect(.nothing, of: self)
        removeAllWaiting()
        stream?.closeAfterFlush(within: server.flushTime, lingering: !hasLastRequest)
    }

    func close() {
        stream?.close()
        finish()
    }

    func finish() {
        if mode == .closed { return }
        mode = .closed
        stream = nil
        removeAllWaiting()
        forgetIncompleteBytes()
        server.remove(self)
        endEventStream()
    }

    private func endEventStream() { eventStream.take()?.didEnd() }
}
