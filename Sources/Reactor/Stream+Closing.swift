import Glibc

extension Stream {
    /// Sends what is queued, closes this direction, and closes for good when the other end has
    /// closed too. The delegate hears no more but `didClose`: `.flushed`, or what went wrong;
    /// `.flushTimedOut` if the queue isn't empty after `limit`. A connection that is still being
    /// made has that long too.
    /// - Parameter lingering: false where the other end has said that it sends no more: then nothing
    ///   can come that would destroy what is on its way to it, and its closing isn't waited for.
    package func closeAfterFlush(
        within limit: Duration = .seconds(10), lingering: Bool = true
    ) {
        guard isOpen, failure == nil, !isFinishing else { return }
        isFinishing = true
        lingers = lingering
        cancelTimeout()
        timeout = loop.schedule(after: limit) { [unowned self] in
            timeout = nil
            fail(state == .lingering ? .flushed : .flushTimedOut)
        }
        requestService()
    }

    /// Gives the connection away, to be made a stream of another loop; what has arrived and wasn't
    /// read is still there. The delegate isn't called any more, and is let go.
    /// - Parameter session: gets the TLS that goes with it.
    /// - Returns: nil where something is queued, the stream is about to close, or in the middle of a
    ///   handshake.
    package func detach(with session: inout DetachedTLS?) -> AcceptedSocket? {
        guard state == .open, failure == nil, !isFinishing, queuedByteCount == 0,
            tls?.isEstablished != false
        else { return nil }
        do throws(SystemError) { try setInterest(nil) } catch { return nil }
        session = tls.take().map { DetachedTLS(session: $0) }
        state = .closed
        cancelTimeout()
        releaseQueue()
        _ = delegate.take()
        return AcceptedSocket(descriptor: release(), remoteAddress: remoteAddress)
    }

    /// Closes at the end of the turn, and reports it then. Until then the stream is dead.
    func fail(_ reason: CloseReason) {
        guard isOpen, failure == nil else { return }
        failure = reason
        requestService()
    }

    /// Closes now, and reports it; from the loop's phases only.
    func finish(_ reason: CloseReason) {
        let delegate = delegate
        close()
        delegate?.stream(self, didClose: reason)
    }
}
