import Glibc

/// Streams that speak TLS: what is written goes through a `TLSSession`, and all else is as without.
extension Stream {
    /// Has all that is sent and received from here on go through TLS; before anything is written,
    /// and at the latest with the first bytes that are received. The delegate of an outgoing
    /// connection hears of it once the handshake is done, one that is accepted hears nothing before
    /// the first bytes.
    /// - Parameters:
    ///   - serverName: what a client asks for.
    ///   - handshakes: those among which this one counts.
    ///   - received: bytes that the delegate was given and that are TLS's.
    ///   - inKernel: has the kernel encrypt what is sent, where it can.
    ///   - limit: for the handshake, from the connection on.
    ///   - check: says what is wrong with the other end, once its certificate is known to be its own.
    package func secure(
        with context: TLSContext, serverName: String? = nil, handshakes: TLSHandshakes? = nil,
        received: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        inKernel: Bool = false, within limit: Duration = .seconds(10),
        check: @escaping (TLSPeer) -> String? = { _ in nil }
    ) {
        guard isOpen, failure == nil, !isFinishing else { return }
        precondition(tls == nil && queue == nil, "TLS begins before anything is sent")
        var place: TLSHandshakes.Place?
        if let handshakes {
            // Where it has to make room for another it ends, and gives its place back with it.
            place = handshakes.begin(from: remoteAddress) { [unowned self] in
                fail(.tls(.tooManyHandshakes))
            }
            guard place != nil else { return fail(.tls(.tooManyHandshakes)) }
        }
        tls = TLSSession(
            context: context, serverName: serverName, place: place, wantsKernel: inKernel,
            handshakeTime: limit, early: Array(received), check: check)
        guard state == .open else { return }
        awaitHandshake()
        requestService()
    }

    /// Whether it speaks TLS, or is about to.
    package var isSecure: Bool { tls != nil }

    /// The other end, once the handshake is done.
    package var tlsPeer: TLSPeer? {
        guard let tls, tls.isEstablished else { return nil }
        return tls.peer
    }

    /// Whether the kernel encrypts what is sent: known once the handshake is done.
    package var isEncryptedByKernel: Bool { tls?.isInKernel == true }

    func awaitHandshake() {
        guard let tls, timeout == nil else { return }
        timeout = loop.schedule(after: tls.handshakeTime) { [unowned self] in
            timeout = nil
            fail(.tls(.handshakeTimedOut))
        }
    }

    func endTLS() {
        tls?.endHandshake()
        tls = nil
    }

    // MARK: Receiving

    /// What recv(2) answered.
    func receive(
        _ count: Int, of buffer: UnsafeMutableRawBufferPointer, through tls: TLSSession
    ) {
        if count > 0 {
            readBudget?.charge(count)
            decrypt(UnsafeRawBufferPointer(rebasing: buffer[..<count]), through: tls)
        } else if count == 0, isFinishing {
            hasReceivedEnd = true
            requestService()
        } else if count == 0 {
            finish(.tls(.truncated))
        } else if count != -Int(EAGAIN) {
            finish(CloseReason(connectionError: Int32(-count), operation: "recv"))
        }
    }

    /// Hands on what the records say.
    private func decrypt(_ received: UnsafeRawBufferPointer, through tls: TLSSession) {
        if isFinishing, tls.isEstablished || state == .lingering { return }
        var count = 0
        var hasEnded = false
        var failure: TLSError?
        let wasEstablished = tls.isEstablished
        if !wasEstablished, tls.wantsKernel { tls.useSocket(descriptor) }
        tls.using(loop.tlsScratch, received: received) {
            do throws(TLSError) {
                if !tls.isEstablished {
                    guard try tls.goOnWithHandshake() else { return }
                }
                count = try readAll(from: tls, hasEnded: &hasEnded)
            } catch {
                failure = error
            }
        }
        guard sendRecords(of: tls) else { return }
        if tls.wantsRoom { isBlocked = true }
        if isBlocked { requestService() }
        if let failure { return finish(.tls(failure)) }
        if tls.isEstablished, !wasEstablished { didEstablish() }
        if count > 0, isOpen, !isFinishing {
            delegate?.stream(
                self, didReceive: UnsafeRawBufferPointer(rebasing: loop.readBuffer[..<count]))
        }
        guard hasEnded, isOpen, self.failure == nil else { return }
        hasReceivedEnd = true
        requestService()
        if !isFinishing { delegate?.streamDidReceiveEnd(self) }
    }

    /// Decrypts all that was received into the loop's buffer, which has room for it.
    private func readAll(
        from tls: TLSSession, hasEnded: inout Bool
    ) throws(TLSError) -> Int {
        let buffer = loop.readBuffer
        var count = 0
        while count < buffer.count {
            switch tls.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...])) {
            case .bytes(let more): count += more
            case .wantsInput: return count
            case .ended:
                hasEnded = true
                return count
            case .failed(let error): throw error
            }
        }
        return count
    }

    private func didEstablish() {
        if !isFinishing { cancelTimeout() }
        requestService()
        if tls?.isClient == true, !isFinishing { delegate?.streamDidConnect(self) }
    }

    // MARK: Sending

    /// Goes on with the handshake, or sends a fair share of the queue.
    /// - Returns: false if the stream has closed.
    func flush(through tls: TLSSession) -> Bool {
        if !tls.isEstablished, state == .open {
            let early = tls.early
            tls.early = []
            early.withUnsafeBytes { decrypt($0, through: tls) }
            guard isOpen, failure == nil else { return false }
        }
        // Where the kernel encrypts, the next service sends.
        if isBlocked || tls.isInKernel { return true }
        var left = loop.sendShare
        while sendRecords(of: tls) {
            guard tls.isEstablished, !isBlocked, let queue else { return true }
            if left <= 0 {
                requestService()
                return true
            }
            let batch = min(left, tls.batchSize)
            left -= batch
            guard encrypt(batch, of: queue, through: tls) else { return false }
        }
        return false
    }

    /// Makes records of the next bytes of the queue.
    private func encrypt(_ count: Int, of queue: WriteQueue, through tls: TLSSession) -> Bool {
        let scratch = loop.tlsScratch
        let buffer = UnsafeMutableRawBufferPointer(rebasing: scratch.plain[..<count])
        var failure: CloseReason?
        let taken = queue.take(into: buffer, failure: &failure)
        if failure == nil, taken > 0 {
            tls.using(scratch) {
                do throws(TLSError) {
                    try tls.encrypt(UnsafeRawBufferPointer(rebasing: buffer[..<taken]))
                } catch {
                    failure = .tls(error)
                }
            }
        }
        if let failure {
            finish(failure)
            return false
        }
        if queue.isEmpty { releaseQueue() }
        return true
    }

    /// Sends what has been encrypted.
    /// - Returns: false if the stream has closed.
    private func sendRecords(of tls: TLSSession) -> Bool {
        let result = tls.send(loop.tlsScratch, to: descriptor)
        if result == 0 { return true }
        guard result == -Int(EAGAIN) else {
            finish(CloseReason(connectionError: Int32(-result), operation: "send"))
            return false
        }
        isBlocked = true
        return true
    }

    /// The queue is empty: tells the other end that no more will come, where none will.
    /// - Returns: whether that, and all before it, is sent.
    func endWriting(through tls: TLSSession) -> Bool {
        guard isFinishing || isWriteShutDown else { return tls.unsentCount == 0 }
        if tls.isEstablished, !tls.hasSentEnd {
            tls.using(loop.tlsScratch) { tls.end() }
            guard sendRecords(of: tls) else { return false }
            if tls.wantsRoom { isBlocked = true }
        }
        return tls.unsentCount == 0 && !tls.wantsRoom && (tls.isEstablished || isFinishing)
    }
}
