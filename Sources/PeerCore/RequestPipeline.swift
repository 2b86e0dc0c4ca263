import Wire

/// The requests one peer has to answer, oldest first, and how many blocks they should name.
///
/// The depth follows rate × latency, so that the peer is never without work. At first it grows
/// by one with each block, which doubles it every round trip, until the rate no longer follows
/// or blocks wait at the peer;
/// from then on it approaches what the rate can use.
struct RequestPipeline {
    /// A run that was asked for. Its blocks come in order, but may come from others meanwhile.
    struct Request: Equatable, Sendable {
        let run: BlockRun
        let sentAt: Instant
        /// The blocks still to come, and those of them that were given up: they may be asked of
        /// others, but are still taken if they come first. Bits count from the run's first block.
        fileprivate(set) var pending: UInt64
        fileprivate(set) var late: UInt64 = 0
        /// Some of it has come from this peer.
        fileprivate(set) var hasBegun = false

        /// Whether nothing of it is expected any more.
        var isLate: Bool { pending & ~late == 0 }
        var pendingCount: Int { pending.nonzeroBitCount }

        func contains(_ piece: Int, _ block: Int) -> Bool {
            piece == run.piece && run.blocks.contains(block) && pending & bit(block) != 0
        }

        func isLate(_ block: Int) -> Bool { late & bit(block) != 0 }

        /// Whether these blocks, which begin in the run, are all expected.
        func expects(_ blocks: BlockRun) -> Bool {
            guard blocks.blocks.upperBound <= run.blocks.upperBound else { return false }
            let mask = blocks.mask << UInt64(blocks.block - run.block)
            return pending & ~late & mask == mask
        }

        fileprivate func bit(_ block: Int) -> UInt64 { 1 << UInt64(block - run.block) }
    }

    private var requests = Queue<Request>()
    /// Blocks that the peer is expected to send.
    private(set) var outstanding = 0
    /// Blocks that were given up and may still come.
    private(set) var lateCount = 0
    /// Blocks that may come, late ones included.
    var blockCount: Int { outstanding + lateCount }
    /// How many blocks should be outstanding.
    private(set) var depth: Int
    private let bounds: ClosedRange<Int>
    /// How many requests the peer keeps (BEP 10 `reqq`).
    private var queueLimit: Int
    private var latency = LatencyEstimate()

    /// Whether the depth still grows with every block.
    private var isSlowStart = true
    /// A round is a round trip, or 20 ms if that is longer: its beginning, and the blocks that
    /// came in it.
    private var roundBegin = Instant.zero
    private var roundBlocks = 0
    /// The most blocks a nanosecond that came in a round, and how many rounds in a row came
    /// nowhere near to more.
    private var bestRoundRate = 0.0
    private var idleRounds = 0

    /// A queue at the peer that ends the slow start, in nanoseconds.
    private static let longestQueue: Int64 = 100_000_000

    /// A pipeline whose depth stays in `bounds`, for a peer that keeps `queueLimit` requests.
    init(bounds: ClosedRange<Int>, queueLimit: Int) {
        self.bounds = bounds
        self.queueLimit = max(1, queueLimit)
        depth = 0
        restart()
    }

    /// Requests, late ones included.
    var count: Int { requests.count }
    subscript(index: Int) -> Request { requests[index] }

    /// How long runs should be: a quarter of the depth, so that a slow peer isn't asked for much
    /// at once, and at most `longest`.
    func runLength(atMost longest: Int) -> Int {
        let length = min(longest, BlockRun.maxCount, depth / 4)
        return length < 2 ? 1 : 1 << (Int.bitWidth - 1 - length.leadingZeroBitCount)
    }

    /// How many more blocks to ask for now, in runs of a length. Asked for in batches of an eighth
    /// of the depth, and whole runs.
    func room(inRunsOf runLength: Int) -> Int {
        let target = min(depth, queueLimit * runLength)
        let room = target - outstanding
        return room >= runLength && room * 8 >= target ? room : 0
    }

    /// How many more requests the peer keeps.
    var requestRoom: Int { max(0, queueLimit - count) }

    mutating func limitQueue(to limit: Int) { queueLimit = max(1, limit) }

    mutating func append(_ run: BlockRun, at now: Instant) {
        requests.append(Request(run: run, sentAt: now, pending: run.mask))
        outstanding += run.count
    }

    /// The request that names a block which hasn't come.
    func index(piece: Int, block: Int) -> Int? {
        for index in 0..<requests.count where requests[index].contains(piece, block) {
            return index
        }
        return nil
    }

    /// The request that names just these blocks.
    func index(of run: BlockRun) -> Int? {
        for index in 0..<requests.count where requests[index].run == run { return index }
        return nil
    }

    /// Notes that the peer begins to answer a request.
    mutating func begin(at index: Int) { requests[index].hasBegun = true }

    /// Notes that blocks of a request, all pending, are no longer to come; the request goes with
    /// the last one.
    mutating func resolve(_ blocks: BlockRun, at index: Int) {
        var request = requests[index]
        let mask = blocks.mask << UInt64(blocks.block - request.run.block)
        let late = (request.late & mask).nonzeroBitCount
        lateCount -= late
        outstanding -= blocks.count - late
        request.pending &= ~mask
        request.late &= ~mask
        request.hasBegun = true
        if request.pending == 0 {
            _ = requests.remove(at: index)
        } else {
            requests[index] = request
        }
    }

    /// Forgets a request.
    @discardableResult
    mutating func remove(at index: Int) -> Request {
        let request = requests.remove(at: index)
        lateCount -= request.late.nonzeroBitCount
        outstanding -= (request.pending & ~request.late).nonzeroBitCount
        return request
    }

    mutating func removeAll() {
        requests.removeAll()
        outstanding = 0
        lateCount = 0
    }

    /// Gives up what isn't given up yet of a request.
    mutating func setLate(at index: Int) {
        let count = (requests[index].pending & ~requests[index].late).nonzeroBitCount
        requests[index].late = requests[index].pending
        outstanding -= count
        lateCount += count
    }

    /// Expects a late block of a request after all.
    mutating func adopt(_ block: Int, at index: Int) {
        requests[index].late &= ~requests[index].bit(block)
        outstanding += 1
        lateCount -= 1
    }

    /// When the oldest request that isn't late was sent.
    var oldestSentAt: Instant? {
        guard outstanding > 0 else { return nil }
        for index in 0..<requests.count where !requests[index].isLate {
            return requests[index].sentAt
        }
        return nil
    }

    /// What is known when blocks have come that were asked for.
    struct Answer {
        var count = 1
        /// When the last one was asked for.
        var sentAt: Instant
        /// Bytes a second that come from the peer.
        var rate: Double
        var blockLength: Int
        /// Blocks that a peer nearby may have to answer, for those who work in bursts.
        var slack: Int
    }

    /// Learns from blocks the latency, and with it how deep to go at this rate.
    mutating func learn(from answer: Answer, at now: Instant) {
        let sample = now.nanoseconds - answer.sentAt.nanoseconds
        latency.add(sample)
        // What waits at the peer doesn't come any sooner for being asked for.
        if sample > 2 * latency.shortest + Self.longestQueue { isSlowStart = false }
        if isSlowStart {
            let onTheWay = 2 * bestRoundRate * Double(latency.shortest)
            let limit = min(bounds.upperBound, answer.slack + Int(onTheWay))
            depth = max(depth, min(depth + answer.count, limit))
            watchGrowth(answer, now)
        } else {
            let useful = usefulDepth(answer)
            depth += useful > depth ? min(useful - depth, answer.count) : (useful - depth - 7) / 8
        }
    }

    /// Ends the slow start after three rounds that were hardly faster than those before: one may
    /// fall between the bursts in which blocks come.
    private mutating func watchGrowth(_ answer: Answer, _ now: Instant) {
        if roundBlocks == 0, bestRoundRate == 0 { roundBegin = answer.sentAt }
        roundBlocks += answer.count
        let elapsed = now.nanoseconds - roundBegin.nanoseconds
        guard elapsed >= max(latency.smoothed, 20_000_000) else { return }
        let rate = Double(roundBlocks) / Double(elapsed)
        idleRounds = rate < bestRoundRate * 1.25 ? idleRounds + 1 : 0
        if idleRounds == 3 { isSlowStart = false }
        bestRoundRate = max(bestRoundRate, rate)
        roundBegin = now
        roundBlocks = 0
    }

    /// Twice the shortest round trip, which holds no queueing, and a quarter of a second, as far
    /// as there is slack, for peers and disks that work in bursts.
    private func usefulDepth(_ answer: Answer) -> Int {
        let rate = answer.rate / Double(answer.blockLength)
        let onTheWay = rate * Double(latency.shortest) * 2e-9
        let blocks = onTheWay + min(rate * 0.25, Double(answer.slack))
        return max(bounds.lowerBound, Int(min(blocks, Double(bounds.upperBound))))
    }

    /// The peer has become slow all at once.
    mutating func reduceDepth(to limit: Int) {
        depth = max(bounds.lowerBound, min(depth, limit))
        isSlowStart = false
    }

    /// Begins anew after a choke or a silence.
    mutating func restart() {
        depth = bounds.lowerBound
        isSlowStart = true
        roundBlocks = 0
        bestRoundRate = 0
        idleRounds = 0
    }

    /// How long the peer may be without completing a block, by its own history.
    func timeout(in bounds: ClosedRange<Duration>, first: Duration) -> Duration {
        guard let expected = latency.expectedAtMost else { return first }
        return min(max(.nanoseconds(expected), bounds.lowerBound), bounds.upperBound)
    }

    /// From request to whole block, smoothed; 0 before the first.
    var smoothedLatency: Int64 { latency.smoothed }
}
