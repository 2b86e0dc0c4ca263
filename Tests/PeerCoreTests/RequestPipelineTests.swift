import Testing
import Wire

@testable import PeerCore

struct RequestPipelineTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func learn(
        _ pipeline: inout RequestPipeline, _ sentAt: Instant, _ now: Instant, rate: Double
    ) {
        let answer = RequestPipeline.Answer(
            sentAt: sentAt, rate: rate, blockLength: 16_384, slack: 512)
        pipeline.learn(from: answer, at: now)
    }

    /// A peer that answers every request after `latency`, or at `rate` if that is slower;
    /// returns the depth after so many blocks.
    private func depth(latency: Double, rate: Double, blocks: Int) -> Int {
        var pipeline = RequestPipeline(bounds: 4...2_048, queueLimit: 5_000)
        var meter = RateMeter()
        var now = 1.0
        var lastArrival = 0.0
        var arrivals: [Double] = []
        meter.expect(at: Instant(nanoseconds: Int64(now * 1e9)))
        for block in 0..<blocks {
            while pipeline.outstanding < pipeline.depth {
                let instant = Instant(nanoseconds: Int64(now * 1e9))
                pipeline.append(BlockRun(piece: 0, block: block + pipeline.count), at: instant)
                lastArrival = max(now + latency, lastArrival) + 16_384 / rate
                arrivals.append(lastArrival)
            }
            now = arrivals.removeFirst()
            let instant = Instant(nanoseconds: Int64(now * 1e9))
            let request = pipeline.remove(at: 0)
            meter.add(16_384, at: instant)
            learn(&pipeline, request.sentAt, instant, rate: meter.rate(at: instant))
        }
        return pipeline.depth
    }

    @Test func `a fast peer nearby gets as much as there is slack`() {
        #expect((512...530).contains(depth(latency: 0.00005, rate: 2e9, blocks: 4_000)))
    }

    @Test func `a slow peer gets the shallowest`() {
        #expect(depth(latency: 0.001, rate: 50_000, blocks: 200) == 4)
    }

    @Test func `latency is filled`() {
        // 10 MB/s over 200 ms: 122 blocks are on their way at any time.
        let depth = depth(latency: 0.2, rate: 10e6, blocks: 4_000)
        #expect((150...450).contains(depth))
    }

    @Test func `more than the slack is asked for when it is on its way`() {
        // 60 MB/s over 300 ms: 1,099 blocks are on their way at any time.
        #expect(depth(latency: 0.3, rate: 60e6, blocks: 20_000) > 1_200)
    }

    @Test func `it doubles every round trip at first`() {
        #expect(depth(latency: 0.3, rate: 1e9, blocks: 8 + 16 + 32 + 64) >= 120)
    }

    private func room(_ pipeline: RequestPipeline, runs: Int = 1) -> [Int] {
        [pipeline.room(inRunsOf: runs), pipeline.requestRoom]
    }

    @Test func `the peer's own limit is kept`() {
        var pipeline = RequestPipeline(bounds: 8...512, queueLimit: 1_000)
        #expect(room(pipeline) == [8, 1_000])
        pipeline.limitQueue(to: 2)
        #expect(room(pipeline) == [2, 2])
        #expect(room(pipeline, runs: 4) == [8, 2])
        pipeline.limitQueue(to: -5)
        #expect(room(pipeline) == [1, 1])
    }

    @Test func `requests are sent in batches of an eighth, and of whole runs`() {
        var pipeline = RequestPipeline(bounds: 80...80, queueLimit: 1_000)
        #expect(pipeline.runLength(atMost: 64) == 16)
        #expect(pipeline.runLength(atMost: 9) == 8)
        #expect(pipeline.runLength(atMost: 1) == 1)
        for block in 0..<75 { pipeline.append(BlockRun(piece: 0, block: block), at: start) }
        #expect(pipeline.room(inRunsOf: 1) == 0)
        for _ in 0..<5 { pipeline.remove(at: 0) }
        #expect(pipeline.room(inRunsOf: 1) == 10)
        #expect(pipeline.room(inRunsOf: 16) == 0)
        for _ in 0..<6 { pipeline.remove(at: 0) }
        #expect(pipeline.room(inRunsOf: 16) == 16)
    }

    @Test func `runs are short until it is known what the peer can do`() {
        let pipeline = RequestPipeline(bounds: 8...512, queueLimit: 1_000)
        #expect(pipeline.runLength(atMost: 64) == 2)
    }

    @Test func `the blocks of a run come one by one`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        pipeline.append(BlockRun(piece: 3, block: 8, count: 3), at: start)
        pipeline.append(BlockRun(piece: 3, block: 11, count: 64), at: start)
        #expect(pipeline.outstanding == 67)
        #expect(pipeline.index(of: BlockRun(piece: 3, block: 8, count: 3)) == 0)
        #expect(pipeline.index(of: BlockRun(piece: 3, block: 8, count: 2)) == nil)
        #expect(pipeline.index(piece: 3, block: 74) == 1)
        #expect(pipeline.index(piece: 3, block: 75) == nil)
        pipeline.resolve(BlockRun(piece: 3, block: 9), at: 0)
        #expect(pipeline.index(piece: 3, block: 9) == nil)
        pipeline.resolve(BlockRun(piece: 3, block: 8), at: 0)
        #expect(pipeline.count == 2 && pipeline.outstanding == 65)
        #expect(pipeline[0].hasBegun && !pipeline[1].hasBegun)
        pipeline.resolve(BlockRun(piece: 3, block: 10), at: 0)
        #expect(pipeline.count == 1 && pipeline.outstanding == 64)
        #expect(pipeline.index(piece: 3, block: 74) == 0)
        #expect(pipeline[0].expects(BlockRun(piece: 3, block: 11, count: 64)))
        #expect(!pipeline[0].expects(BlockRun(piece: 3, block: 12, count: 64)))
        pipeline.resolve(BlockRun(piece: 3, block: 20, count: 55), at: 0)
        #expect(pipeline.outstanding == 9)
        #expect(!pipeline[0].expects(BlockRun(piece: 3, block: 19, count: 2)))
        pipeline.resolve(BlockRun(piece: 3, block: 11, count: 9), at: 0)
        #expect(pipeline.count == 0 && pipeline.outstanding == 0)
    }

    @Test func `late blocks leave room but are found`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        for block in [0, 4] {
            pipeline.append(BlockRun(piece: 3, block: block, count: 4), at: start)
        }
        pipeline.resolve(BlockRun(piece: 3, block: 0), at: 0)
        for index in 0..<2 { pipeline.setLate(at: index) }
        #expect(pipeline.outstanding == 0 && pipeline.lateCount == 7)
        #expect(pipeline.oldestSentAt == nil)
        #expect(pipeline.index(piece: 3, block: 5) == 1)
        pipeline.append(BlockRun(piece: 4, block: 0), at: start.advanced(by: .seconds(1)))
        #expect(pipeline.oldestSentAt == start.advanced(by: .seconds(1)))
        pipeline.adopt(2, at: 0)
        #expect(pipeline.oldestSentAt == start)
        #expect(pipeline.outstanding == 2 && pipeline.lateCount == 6)
        #expect(!pipeline[0].isLate(2) && pipeline[0].isLate(3) && !pipeline[0].isLate)
        pipeline.remove(at: 0)
        #expect(pipeline.outstanding == 1 && pipeline.lateCount == 4)
        pipeline.setLate(at: 0)
        pipeline.resolve(BlockRun(piece: 3, block: 4), at: 0)
        #expect(pipeline.lateCount == 3)
    }

    @Test func `a peer that has become slow is asked for less at once`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        for _ in 0..<10 { learn(&pipeline, start, start, rate: 1e9) }
        #expect(pipeline.depth == 14)
        pipeline.reduceDepth(to: 6)
        #expect(pipeline.depth == 6)
        pipeline.reduceDepth(to: 1)
        #expect(pipeline.depth == 4)
    }

    @Test func `the time-out follows the peer's history within bounds`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        let bounds = Duration.seconds(4)...Duration.seconds(60)
        #expect(pipeline.timeout(in: bounds, first: .seconds(10)) == .seconds(10))
        func answer(after latency: Duration) {
            learn(&pipeline, start, start.advanced(by: latency), rate: 1e6)
        }
        answer(after: .milliseconds(1))
        #expect(pipeline.timeout(in: bounds, first: .seconds(10)) == .seconds(4))
        for _ in 0..<100 { answer(after: .seconds(5)) }
        let patient = pipeline.timeout(in: bounds, first: .seconds(10))
        #expect(patient > .seconds(9) && patient < .seconds(20))
        for _ in 0..<100 { answer(after: .seconds(500)) }
        #expect(pipeline.timeout(in: bounds, first: .seconds(10)) == .seconds(60))
    }
}
