import Glibc

extension Stream {
    /// Stops reading, and so in time the other end's sending. Nothing is received after this call
    /// until `resumeReading`; a reset is still noticed.
    package func pauseReading() {
        if isReadingPaused || !isOpen { return }
        isReadingPaused = true
        requestService()
    }

    package func resumeReading() {
        if !isReadingPaused || !isOpen { return }
        isReadingPaused = false
        requestService()
    }

    /// The read budget lets it go on.
    func readTurnHasCome() {
        awaitsReadTurn = false
        if isOpen { requestService() }
    }

    /// A finishing stream throws away what comes, whether reading was paused or not.
    var mayReceive: Bool {
        !hasReceivedEnd && !awaitsReadTurn && (!isReadingPaused || isFinishing)
    }

    /// Reads once: a bufferful is a turn's share, and what is left is reported again.
    func receive() {
        var buffer = tls == nil ? loop.readBuffer : loop.tlsScratch.received
        if let readBudget {
            let allowance = readBudget.allowance(for: self)
            if allowance == 0 {
                awaitsReadTurn = true
                return requestService()
            }
            if allowance < buffer.count { buffer = .init(rebasing: buffer[..<allowance]) }
        }
        let count = SystemCall.receive(descriptor, into: buffer)
        if let tls { return receive(count, of: buffer, through: tls) }
        if count > 0 {
            readBudget?.charge(count)
            if isFinishing { return }
            delegate?.stream(
                self, didReceive: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } else if count == 0 {
            hasReceivedEnd = true
            requestService()
            if !isFinishing { delegate?.streamDidReceiveEnd(self) }
        } else if count != -Int(EAGAIN) {
            finish(CloseReason(connectionError: Int32(-count), operation: "recv"))
        }
    }

    /// An error, or the end of both directions, while nothing is to be read.
    func handleUnreadCondition() {
        let error = Socket.takeError(descriptor)
        if error != 0 {
            return finish(CloseReason(connectionError: error, operation: "recv"))
        }
        // It would be reported for ever; the next change of interest watches again.
        do throws(SystemError) { try setInterest(nil) } catch { fail(.failed(error)) }
        if queuedByteCount > 0 {
            // Only sending tells why it can't be done any more.
            isBlocked = false
            requestService()
        }
    }

    /// It will be serviced without the kernel's saying again each turn that there is room.
    func stopWatchingWritable() {
        guard var wanted = interest else { return }
        wanted.remove(.writable)
        do throws(SystemError) { try setInterest(wanted) } catch { fail(.failed(error)) }
    }

    /// Tells epoll what matters now.
    func updateInterest() {
        var wanted: Readiness = []
        if mayReceive { wanted.insert(.readable) }
        if isBlocked, queuedByteCount > 0 || tls?.wantsRoom == true { wanted.insert(.writable) }
        if interest == nil, wanted.isEmpty { return }
        do throws(SystemError) { try setInterest(wanted) } catch { fail(.failed(error)) }
    }
}

extension CloseReason {
    init(connectionError error: Int32, operation: String) {
        switch error {
        case ECONNRESET, EPIPE: self = .reset
        default: self = .failed(SystemError(code: error, operation: operation))
        }
    }
}
