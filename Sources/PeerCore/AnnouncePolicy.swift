import Wire

/// When to announce what (BEP 3). One announce is under way at a time.
///
/// Regular ones follow the tracker's interval. While the swarm is hungry (downloading, and
/// nobody connected has anything for it), it asks again after 2 s, 4 s, 8 s … up to the interval.
/// Those of a partial seed are `paused` (BEP 21), the first of them right after `started`.
struct AnnouncePolicy {
    private enum State {
        /// Not started. Exits: `asking`.
        case idle
        /// Waiting for an answer. Exits: `waiting`, `idle`.
        case asking(SwarmAnnouncement)
        /// Nothing to do until the next one is due. Exits: `asking`, `idle`.
        case waiting
    }

    private var state = State.idle
    private var interval: Duration
    /// When the last answer, or failure, came.
    private var lastAnswer = Instant.zero
    private var failures = 0
    /// The wait before asking again for want of peers.
    private var hungryDelay = Self.firstDelay
    /// The tracker hasn't heard `started`; `completed`, or `paused` of a partial seed.
    private var owesStarted = false
    private var owesCompletion = false
    private var isPartialSeed: Bool

    private static let firstDelay = Duration.seconds(2)
    private static let maxRetryDelay = Duration.seconds(60)
    private static let intervalBounds = Duration.seconds(1)...Duration.seconds(3600)

    init(interval: Duration, isPartialSeed: Bool = false) {
        self.interval = interval
        self.isPartialSeed = isPartialSeed
    }

    mutating func start() -> SwarmAnnouncement {
        owesStarted = true
        owesCompletion = isPartialSeed
        failures = 0
        hungryDelay = Self.firstDelay
        state = .asking(.started)
        return .started
    }

    /// The last announce, without an answer; nil when not started.
    mutating func stop() -> SwarmAnnouncement? {
        if case .idle = state { return nil }
        state = .idle
        owesCompletion = false
        return .stopped
    }

    /// The download is complete, of all pieces or of some (`isPartial`): to be told at once, or
    /// after the answer that is awaited.
    mutating func complete(isPartial: Bool) {
        isPartialSeed = isPartial
        owesCompletion = true
    }

    /// Somebody has something for us: hunger begins anew with the shortest wait.
    mutating func fed() {
        hungryDelay = Self.firstDelay
    }

    mutating func answered(interval: Duration, at now: Instant) {
        guard case .asking(let announcement) = state else { return }
        switch announcement {
        case .started: owesStarted = false
        case .completed, .paused: owesCompletion = false
        case .regular, .stopped: break
        }
        self.interval = min(
            max(interval, Self.intervalBounds.lowerBound), Self.intervalBounds.upperBound)
        failures = 0
        lastAnswer = now
        state = .waiting
    }

    mutating func failed(at now: Instant) {
        guard case .asking = state else { return }
        failures += 1
        lastAnswer = now
        state = .waiting
    }

    /// The announce that is due, which is then under way.
    mutating func due(at now: Instant, isHungry: Bool) -> SwarmAnnouncement? {
        guard let deadline = deadline(isHungry: isHungry), deadline <= now else { return nil }
        if failures == 0 && isHungry { hungryDelay = min(hungryDelay * 2, interval) }
        let announcement = next
        state = .asking(announcement)
        return announcement
    }

    private var next: SwarmAnnouncement {
        if owesStarted { return .started }
        if isPartialSeed { return .paused }
        return owesCompletion ? .completed : .regular
    }

    /// When the next announce is due; nil while one is under way or before the start.
    func deadline(isHungry: Bool) -> Instant? {
        guard case .waiting = state else { return nil }
        if failures > 0 {
            let delay = Self.firstDelay * (1 << min(failures - 1, 10))
            return lastAnswer.advanced(by: min(delay, Self.maxRetryDelay))
        }
        if owesCompletion { return lastAnswer }
        return lastAnswer.advanced(by: isHungry ? min(hungryDelay, interval) : interval)
    }
}
