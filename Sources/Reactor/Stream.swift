import Glibc

/// One nonblocking TCP connection.
///
/// Lifetime: the loop holds an open stream, and the stream holds its delegate; both references end
/// when it closes, so that a delegate that holds its stream in turn is no leak, and neither needs
/// weak references. A stream that is closed ignores what is asked of it.
///
/// Calls to the stream never call the delegate. What a call brings about, even a failure, is
/// reported by the loop later in the turn, or in the next one.
///
/// An idle stream takes about 300 bytes; there is a write queue only while something is queued.
package final class Stream: EventSource {
    enum State: UInt8 {
        /// To `open` when the connection is made, to `closed`.
        case connecting
        /// To `lingering` after `closeAfterFlush`, to `closed`.
        case open
        /// All is sent, and the other end knows; what it still sends is thrown away until it
        /// closes too, since closing with unread bytes would destroy what is on its way to it.
        /// To `closed`.
        case lingering
        /// No way out.
        case closed
    }

    /// The other end.
    package let remoteAddress: SocketAddress
    /// Who is told; may be exchanged while the stream is open. Held until the stream closes.
    package var delegate: (any StreamDelegate)?
    /// `streamDidDrain` is called when the queue falls to this many bytes, after having been above.
    package var lowWaterMark = 0
    /// More queued bytes than this, those of files included, close the stream with `.overflow`.
    package var writeLimit = 16 << 20
    /// What this stream reads from together with others.
    package var readBudget: ReadBudget?

    var state: State
    /// The stream has failed, and this will be reported at the end of the turn.
    var failure: CloseReason?
    /// `closeAfterFlush` has been called: nothing but the closing is reported any more.
    var isFinishing = false
    /// What the other end still sends after `closeAfterFlush` is waited for and thrown away.
    var lingers = true
    var isReadingPaused = false
    /// There is something to read, and its turn at the read budget hasn't come.
    var awaitsReadTurn = false
    /// The next read is one that the read budget has let go on.
    var hasReadTurn = false
    /// The other end has sent all it will.
    var hasReceivedEnd = false
    /// `shutdownWrite` has been called; done once the queue is empty.
    var isWriteShutDown = false
    /// The other end has been told that no more will come.
    var hasSentEnd = false
    /// The kernel has refused bytes since it last reported room for more.
    var isBlocked = false
    /// The queue has been above the low-water mark.
    var isAboveLowWater = false
    /// Nil while nothing is queued.
    var queue: WriteQueue?
    /// Nil: what is written goes out as it is.
    var tls: TLSSession?
    /// For the connection to be made, the TLS handshake or the flush to be done.
    var timeout: TimerID?

    private init(
        loop: EventLoop, descriptor: Int32, remoteAddress: SocketAddress, state: State,
        delegate: any StreamDelegate
    ) {
        self.remoteAddress = remoteAddress
        self.state = state
        self.delegate = delegate
        super.init(loop: loop, descriptor: descriptor)
    }

    /// Makes a stream of a connection that has come in.
    /// - Parameter tls: that another loop's stream had with it.
    package convenience init(
        loop: EventLoop, accepted: consuming AcceptedSocket, tls: DetachedTLS? = nil,
        delegate: any StreamDelegate
    ) {
        let address = accepted.remoteAddress
        self.init(
            loop: loop, descriptor: accepted.takeDescriptor(), remoteAddress: address,
            state: .open, delegate: delegate)
        self.tls = tls?.session
        do throws(SystemError) {
            try watch(for: .readable)
        } catch {
            fail(.failed(error))
        }
    }

    /// Starts a connection to `address`. Ends in `streamDidConnect`, or in `didClose` with
    /// `connectFailed` or `connectTimedOut`. What is written before is sent once it is made.
    package static func connect(
        loop: EventLoop, to address: SocketAddress, timeout: Duration,
        delegate: any StreamDelegate
    ) -> Stream {
        let stream = Stream(
            loop: loop, descriptor: -1, remoteAddress: address, state: .connecting,
            delegate: delegate)
        do throws(SystemError) {
            stream.descriptor = try Socket.make(family: address.family, type: SOCK_STREAM)
            try Socket.set(stream.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            let descriptor = stream.descriptor
            let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
            if result < 0, errno != EINPROGRESS, errno != EINTR {
                throw SystemError(code: errno, operation: "connect \(address)")
            }
            try stream.watch(for: .writable)
        } catch {
            stream.fail(.connectFailed(error))
            return stream
        }
        stream.timeout = loop.schedule(after: timeout) { [unowned stream] in
            stream.timeout = nil
            stream.fail(.connectTimedOut)
        }
        return stream
    }

    /// Until `close`, or until the closing is reported.
    package var isOpen: Bool { state != .closed }

    /// Bytes written and not yet taken by the kernel, those of files included.
    package var queuedByteCount: Int {
        let count = queue?.byteCount ?? 0
        return tls.map { count + $0.unsentCount } ?? count
    }

    /// This end.
    package var localAddress: SocketAddress? {
        descriptor < 0 ? nil : try? Socket.localAddress(descriptor)
    }

    /// Closes the connection if sent bytes stay unacknowledged this long, with `.failed` and
    /// ETIMEDOUT; a machine that has vanished is so found out without its having to say anything.
    /// TCP_USER_TIMEOUT, tcp(7), in whole milliseconds.
    package func setAcknowledgementTimeout(_ limit: Duration) {
        guard isOpen, descriptor >= 0 else { return }
        let milliseconds = Int32(clamping: limit.wholeNanoseconds / 1_000_000)
        try? Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, milliseconds)
    }

    /// Closes at once, and drops what is queued. The delegate isn't called any more, and is let go.
    package override func close() {
        if state == .closed { return }
        state = .closed
        failure = nil
        cancelTimeout()
        releaseQueue()
        endTLS()
        unregister()
        _ = delegate.take()
    }

    override func handle(_ events: Readiness) {
        if failure != nil { return }
        if state == .connecting { return finishConnecting() }
        if events.contains(.writable) {
            isBlocked = false
            requestService()
            if loop.hasBacklog { stopWatchingWritable() }
        }
        if mayReceive {
            if !events.isDisjoint(with: [.readable, .error, .hangUp]) { receive() }
        } else if !events.isDisjoint(with: [.error, .hangUp]) {
            handleUnreadCondition()
        }
    }

    /// A file's range is sent in shares; other queues of that length are rare, and cheap to copy.
    override var isBulky: Bool {
        failure == nil && state == .open && (queue?.fileRangeCount ?? 0) > 0
    }

    override func service() {
        if let failure { return finish(failure) }
        if state == .closed || state == .connecting { return }
        flush()
        if isOpen, failure == nil { updateInterest() }
    }
}
