import CEpollShim
import Glibc

/// One thread's event loop over epoll(7).
///
/// Level-triggered. A condition is reported again until it has been dealt with, so that reading
/// from a stream can stop after a fair share without a list of unfinished streams, a short read
/// needs no second one that only answers EAGAIN, and `pauseReading` is no more than an interest
/// taken back. What edge triggering would save, the changes of interest, is small here: writability
/// is asked for when the kernel has refused bytes, and given up when the queue is empty, which a
/// busy stream never is.
///
/// A turn has these phases:
///  1. wait for events, until the first timer's deadline at most (rounded up to a millisecond);
///  2. read the clock: `now` is the same for the whole turn;
///  3. hand events to their sources; an event whose token is stale is dropped; then work off what
///     they have gathered (`onEventsHandled`);
///  4. run the timers that are due, in order of deadline, then of making;
///  5. run the jobs submitted by other threads;
///  6. service the sources that asked for it: queued bytes are sent, so that everything a turn
///     wrote to a stream goes out together, interests are changed, and streams that failed or
///     are to be closed are closed and reported. Streams with much to send come last and take
///     turns: a turn sends some mebibytes, and the others go on in the next one, so that a new
///     connection is answered in a few milliseconds however many are being served.
///
/// Not Sendable: all but `submitter` belongs to the thread that turns the loop. A process that has
/// a loop ignores SIGPIPE, which sendfile(2) has no flag against.
package final class EventLoop {
    /// The door for other threads.
    package let submitter: LoopSubmitter
    /// Bytes received from one stream in one turn, at most; every stream reads into it.
    let readBuffer: UnsafeMutableRawBufferPointer
    let poller: OpaquePointer
    var writeQueues = WriteQueuePool()
    /// For the streams that speak TLS.
    private(set) lazy var tlsScratch = TLSScratch(readSize: EventLoop.readBufferSize)

    /// Turns made so far.
    package private(set) var turnCount = 0

    /// Called in each turn when all events have been handed to their sources: what has come for
    /// many of them is worked off faster together than in between of system calls.
    package var onEventsHandled: (() -> Void)?

    /// Whether `onEventsHandled` will be called in this turn.
    package private(set) var isHandlingEvents = false

    /// Called at the end of each turn with the time since its events were there.
    package var onTurnEnd: ((Duration) -> Void)?

    private var sources = SourceTable()
    private var timers = TimerHeap()
    private var turnTime = MonotonicTime.current
    private var isRunning = false
    private var isStopping = false
    private var servicing: ContiguousArray<EventSource> = []
    private var awaitingService: ContiguousArray<EventSource> = []
    /// Those with much to send, in the order in which they asked.
    private var bulky = ServiceQueue()

    /// The most that one stream sends in this turn, in bytes.
    private(set) var sendShare = EventLoop.sendShares.upperBound

    private static let eventsPerWait: Int32 = 512
    /// What the streams with much to send may send in a turn: about a millisecond.
    private static let bytesSentPerTurn = 2 << 20
    /// Between what makes the calls cheap (with 64 KiB, four blocks, 500 readers cost a quarter
    /// more CPU than with 512 KiB) and what the others can wait for (about 100 µs each).
    static let sendShares = 512 << 10...1 << 20
    /// With more streams waiting to send, those that the kernel reports writable stop asking it.
    private static let backlogLimit = 64
    private static let readBufferSize = 256 << 10

    package init() throws(SystemError) {
        _ = signal(SIGPIPE, SIG_IGN)
        submitter = try LoopSubmitter()
        guard let poller = shim_epoll_create(EventLoop.eventsPerWait) else {
            throw SystemError(code: errno, operation: "epoll_create1")
        }
        self.poller = poller
        readBuffer = .allocate(byteCount: EventLoop.readBufferSize, alignment: 4096)
        let token = EventToken.wakeUp.rawValue
        let events = Readiness.readable.rawValue
        try check(shim_epoll_add(poller, submitter.descriptor, events, token), "epoll_ctl")
    }

    deinit {
        shim_epoll_destroy(poller)
        readBuffer.deallocate()
    }

    /// The time of the turn, read once; between runs, the clock's.
    package var now: MonotonicTime { isRunning ? turnTime : .current }

    /// The number of open streams, listeners and other sources.
    package var sourceCount: Int { sources.count }

    /// Turns until `stop`. Traps when called from within itself.
    package func run() {
        precondition(!isRunning, "a loop runs once at a time")
        submitter.adoptCurrentThread()
        isRunning = true
        isStopping = false
        turnTime = .current
        while !isStopping { turn() }
        isRunning = false
    }

    /// Makes `run` return at the end of this turn, after what was written has been tried once.
    package func stop() { isStopping = true }

    /// Ends the loop for good: closes every source without reporting it, and drops all timers and
    /// submitted jobs. The loop and its sources hold each other until they are closed, one by one
    /// or by this.
    package func shutdown() {
        for source in sources.all { source.close() }
        awaitingService.removeAll()
        bulky.removeAll()
        let dropped = timers
        timers = TimerHeap()
        withExtendedLifetime(dropped) {}
        submitter.close()
        onEventsHandled = nil
        onTurnEnd = nil
    }

    private func turn() {
        // 1.
        let count = shim_epoll_wait(poller, waitMilliseconds())
        precondition(count >= 0, "epoll_wait failed")
        // 2.
        turnTime = .current
        turnCount += 1
        // 3.
        let wasWoken = handleEvents(count)

        // 4. Timers made from here on wait for the next turn.
        let limit = timers.nextSequence
        while let body = timers.popDue(at: turnTime, below: limit) { body() }
        // 5.
        if wasWoken {
            for job in submitter.takeJobs() { job() }
        }
        // 6.
        serviceSources()
        if let onTurnEnd { onTurnEnd(MonotonicTime.current - turnTime) }
    }

    /// - Returns: whether other threads have submitted jobs.
    private func handleEvents(_ count: Int32) -> Bool {
        var wasWoken = false
        isHandlingEvents = true
        for index in 0..<count {
            let event = shim_epoll_event_at(poller, index)
            let token = EventToken(rawValue: event.token)
            if token == .wakeUp {
                wasWoken = true
            } else if let source = sources[token] {
                source.handle(Readiness(rawValue: event.events))
            }
        }
        isHandlingEvents = false
        onEventsHandled?()
        return wasWoken
    }

    /// What a source asks for while this runs waits for the next turn, so that two streams that
    /// keep feeding each other can't hold the loop.
    private func serviceSources() {
        swap(&servicing, &awaitingService)
        for index in servicing.indices {
            let source = servicing[index]
            if source.isBulky {
                bulky.append(source)
            } else {
                source.awaitsService = false
                source.service()
            }
        }
        servicing.removeAll(keepingCapacity: true)
        serviceBulky()
    }

    private func serviceBulky() {
        let waiting = bulky.count
        guard waiting > 0 else { return }
        let bounds = EventLoop.sendShares
        let fairShare = EventLoop.bytesSentPerTurn / waiting
        sendShare = min(max(fairShare, bounds.lowerBound), bounds.upperBound)
        // The last turn tries everything once.
        var left = isStopping ? waiting : min(waiting, EventLoop.bytesSentPerTurn / sendShare)
        while left > 0, let source = bulky.popFirst() {
            left -= 1
            source.awaitsService = false
            source.service()
        }
    }

    /// So many streams wait to send that what the kernel says of their sockets is no news.
    var hasBacklog: Bool { bulky.count > EventLoop.backlogLimit }

    private func waitMilliseconds() -> Int32 {
        if !awaitingService.isEmpty || bulky.count > 0 { return 0 }
        guard let deadline = timers.firstDeadline else { return -1 }
        let now = MonotonicTime.current
        if deadline <= now { return 0 }
        let (nanoseconds, overflow) = deadline.nanoseconds.subtractingReportingOverflow(
            now.nanoseconds)
        let milliseconds = overflow ? .max : (nanoseconds - 1) / 1_000_000 + 1
        return Int32(clamping: milliseconds)
    }

    func enqueueForService(_ source: EventSource) { awaitingService.append(source) }

    func register(_ source: EventSource) -> EventToken { sources.insert(source) }

    func unregister(_ token: EventToken) { sources.remove(token) }
}

extension EventLoop {
    /// Runs `body` in phase 4 of the first turn at or after `deadline`, and not in this turn.
    @discardableResult
    package func schedule(
        at deadline: MonotonicTime, _ body: @escaping () -> Void
    ) -> TimerID {
        // Not in the past: a timer made by a timer must come after those that are already due.
        timers.insert(at: max(deadline, now), body)
    }

    /// Runs `body` once `delay` has passed since `now`.
    @discardableResult
    package func schedule(after delay: Duration, _ body: @escaping () -> Void) -> TimerID {
        schedule(at: now + delay, body)
    }

    /// Drops a timer, and what it holds; one that has fired or been cancelled is left alone.
    package func cancel(_ timer: TimerID) {
        withExtendedLifetime(timers.cancel(timer)) {}
    }
}
