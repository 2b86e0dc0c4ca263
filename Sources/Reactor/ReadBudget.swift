/// What several streams may read together, in bytes a second.
///
/// Where there is a rate, a stream whose `readBudget` this is reads a quantum at a time. Once the
/// budget is used up a stream with something to read isn't read at all, and TCP's own flow control
/// slows its sender, until its turn comes: first come, first served, and behind the others after
/// each quantum. A stream without anything to read takes no turn. Without a rate nothing is counted.
///
/// On the loop's thread only.
package final class ReadBudget {
    private let loop: EventLoop
    private var bucket: TokenBucket?
    /// Those that have something to read and wait for their turn, from `head` on.
    private var waiting: ContiguousArray<Stream> = []
    private var head = 0
    private var timer: TimerID?

    /// Nothing is gained by looking more often.
    private static let shortestWait: Duration = .milliseconds(1)
    /// Each as much as passes in a sixty-fourth of a second, within what a turn reads anyway.
    private static let quanta = 2 << 10...256 << 10

    package init(loop: EventLoop) {
        self.loop = loop
    }

    /// Nil: as much as comes. Has its effect at once; at least 1.
    package var bytesPerSecond: Int? {
        get { bucket?.bytesPerSecond }
        set {
            guard let newValue else {
                bucket = nil
                return releaseAll()
            }
            if bucket == nil {
                bucket = TokenBucket(bytesPerSecond: newValue, at: loop.now)
            } else {
                bucket?.setRate(newValue, at: loop.now)
                schedule()
            }
        }
    }

    /// Whether a stream waits for its turn.
    package var isUsedUp: Bool { head < waiting.count }

    /// How much a stream with something to read may read now; 0: its turn comes later, by itself.
    func allowance(for stream: Stream) -> Int {
        guard bucket != nil else { return .max }
        if stream.hasReadTurn {
            stream.hasReadTurn = false
            return quantum
        }
        if !isUsedUp, available >= 0 { return quantum }
        waiting.append(stream)
        schedule()
        return 0
    }

    /// Counts what was read.
    func charge(_ count: Int) {
        bucket?.take(count, at: loop.now)
    }

    private var quantum: Int {
        min(max((bytesPerSecond ?? 0) / 64, Self.quanta.lowerBound), Self.quanta.upperBound)
    }

    private var available: Int { bucket?.available(at: loop.now) ?? 0 }

    private func schedule() {
        guard isUsedUp, let bucket else { return }
        if let timer { loop.cancel(timer) }
        let next = max(bucket.nextTime(after: loop.now), loop.now + Self.shortestWait)
        timer = loop.schedule(at: next) { [unowned self] in
            timer = nil
            giveTurns()
        }
    }

    /// Lets as many go on as there is budget for, should each of them read its quantum.
    private func giveTurns() {
        var left = available
        while left >= 0, let stream = takeFirst() {
            guard stream.isOpen else { continue }
            left -= quantum
            stream.hasReadTurn = true
            stream.readTurnHasCome()
        }
        schedule()
    }

    private func takeFirst() -> Stream? {
        guard isUsedUp else { return nil }
        let stream = waiting[head]
        head += 1
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64, head * 2 >= waiting.count {
            waiting.removeSubrange(0..<head)
            head = 0
        }
        return stream
    }

    private func releaseAll() {
        if let timer { loop.cancel(timer) }
        timer = nil
        while let stream = takeFirst() { stream.readTurnHasCome() }
    }
}
