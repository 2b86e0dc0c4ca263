import Wire

/// The requests one peer has to answer, oldest first, and how many of them there should be.
///
/// The depth follows rate × latency, so that the peer is never without work. At first it grows
/// by one with each block, which doubles it every round trip, until the rate no longer follows;
/// from then on it approaches what the rate can use, a step with each block.
struct RequestPipeline {
    struct Request: Equatable, Sendable {
        let piece: UInt32
        let block: UInt32
        let sentAt: Instant
        /// Given up: the block may be asked of others, but is still taken if it comes first.
        fileprivate(set) var isLate = false
    }

    private var requests = Queue<Request>()
    /// How many of the requests were given up.
    private(set) var lateCount = 0
    /// How many requests should be outstanding.
    private(set) var depth: Int
    /// The bounds of `depth`: those configured, and as narrow as the peer's queue.
    private let configuredBounds: ClosedRange<Int>
    private var bounds: ClosedRange<Int>
    private var latency = LatencyEstimate()

    /// Whether the depth still grows with every block.
    private var isSlowStart = true
    /// A round is a round trip, or 20 ms if that is longer: its beginning, the blocks that came
    /// in it, and the blocks a second of the round before.
    private var roundBegin = Instant.zero
    private var roundBlocks = 0
    private var lastRoundRate = 0.0

    /// A pipeline for a peer that keeps `queueLimit` requests as far as is known.
    init(bounds: ClosedRange<Int>, queueLimit: Int) {
        configuredBounds = bounds
        self.bounds = bounds
        depth = 0
        limitDepth(to: queueLimit)
        restart()
    }

    /// Requests, late ones included.
    var count: Int { requests.count }
    /// Requests that the peer is expected to answer.
    var outstanding: Int { requests.count - lateCount }
    subscript(index: Int) -> Request { requests[index] }

    /// How many more requests to send now. Asked for in batches of an eighth of the depth.
    var room: Int {
        let room = depth - outstanding
        return room * 8 >= depth ? room : 0
    }

    /// Bounds the depth by what the peer says it queues (BEP 10 `reqq`).
    mutating func limitDepth(to limit: Int) {
        let limit = max(1, limit)
        bounds =
            min(configuredBounds.lowerBound, limit)...min(configuredBounds.upperBound, limit)
        depth = min(depth, bounds.upperBound)
    }

    mutating func append(piece: Int, block: Int, at now: Instant) {
        requests.append(Request(piece: UInt32(piece), block: UInt32(block), sentAt: now))
    }

    func index(piece: Int, block: Int) -> Int? {
        for index in 0..<requests.count {
            let request = requests[index]
            if request.piece == UInt32(piece), request.block == UInt32(block) { return index }
        }
        return nil
    }

    @discardableResult
    mutating func remove(at index: Int) -> Request {
        let request = requests.remove(at: index)
        if request.isLate { lateCount -= 1 }
        return request
    }

    mutating func removeAll() {
        requests.removeAll()
        lateCount = 0
    }

    mutating func setLate(_ isLate: Bool, at index: Int) {
        guard requests[index].isLate != isLate else { return }
        requests[index].isLate = isLate
        lateCount += isLate ? 1 : -1
    }

    /// When the oldest request that isn't late was sent.
    var oldestSentAt: Instant? {
        if lateCount == 0 { return requests.first?.sentAt }
        for index in 0..<requests.count where !requests[index].isLate {
            return requests[index].sentAt
        }
        return nil
    }

    /// Learns from an answered request: the latency, and with it how deep to go at this rate.
    mutating func answered(
        _ request: Request, at now: Instant, rate: Double, blockLength: Int
    ) {
        latency.add(now.nanoseconds - request.sentAt.nanoseconds)
        if isSlowStart {
            depth = min(depth + 1, bounds.upperBound)
            watchGrowth(request.sentAt, now)
        } else {
            let useful = usefulDepth(rate: rate, blockLength: blockLength)
            depth += (useful - depth).signum()
        }
    }

    /// Ends the slow start after a round that was hardly faster than the one before.
    private mutating func watchGrowth(_ sentAt: Instant, _ now: Instant) {
        if roundBlocks == 0, lastRoundRate == 0 { roundBegin = sentAt }
        roundBlocks += 1
        let elapsed = now.nanoseconds - roundBegin.nanoseconds
        guard elapsed >= max(latency.smoothed, 20_000_000) else { return }
        let rate = Double(roundBlocks) / Double(elapsed)
        if rate < lastRoundRate * 1.25 { isSlowStart = false }
        lastRoundRate = rate
        roundBegin = now
        roundBlocks = 0
    }

    /// Twice the shortest round trip, which holds no queueing, and a quarter of a second for
    /// peers and disks that work in bursts.
    private func usefulDepth(rate: Double, blockLength: Int) -> Int {
        let seconds = Double(latency.shortest) * 2e-9 + 0.25
        let blocks = rate * seconds / Double(blockLength)
        return max(bounds.lowerBound, Int(min(blocks, Double(bounds.upperBound))))
    }

    /// Begins anew after a choke or a silence.
    mutating func restart() {
        depth = min(max(8, bounds.lowerBound), bounds.upperBound)
        isSlowStart = true
        roundBlocks = 0
        lastRoundRate = 0
    }

    /// How long the peer may be without completing a block, by its own history.
    func timeout(in bounds: ClosedRange<Duration>, first: Duration) -> Duration {
        guard let expected = latency.expectedAtMost else { return first }
        return min(max(.nanoseconds(expected), bounds.lowerBound), bounds.upperBound)
    }

    /// From request to whole block, smoothed; 0 before the first.
    var smoothedLatency: Int64 { latency.smoothed }
}

/// The time from a request to its whole block, in nanoseconds, estimated as TCP does round trip
/// times (RFC 6298).
struct LatencyEstimate {
    private(set) var shortest: Int64 = 0
    private(set) var smoothed: Int64 = 0
    private var variation: Int64 = 0

    mutating func add(_ sample: Int64) {
        let sample = max(sample, 1)
        guard smoothed > 0 else {
            shortest = sample
            smoothed = sample
            variation = sample / 2
            return
        }
        shortest = min(shortest, sample)
        variation += (abs(sample - smoothed) - variation) / 4
        smoothed += (sample - smoothed) / 8
    }

    /// What a healthy peer doesn't exceed; nil before the first sample.
    var expectedAtMost: Int64? { smoothed > 0 ? 2 * smoothed + 4 * variation : nil }
}
