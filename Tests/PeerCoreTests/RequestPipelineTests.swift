import Testing
import Wire

@testable import PeerCore

struct RequestPipelineTests {
    private let start = Instant(nanoseconds: 1_000_000_000)

    /// A peer that answers every request after `latency`, or at `rate` if that is slower;
    /// returns the depth after so many blocks.
    private func depth(latency: Double, rate: Double, blocks: Int) -> Int {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        var meter = RateMeter()
        var now = 1.0
        var lastArrival = 0.0
        var arrivals: [Double] = []
        meter.expect(at: Instant(nanoseconds: Int64(now * 1e9)))
        for block in 0..<blocks {
            while pipeline.outstanding < pipeline.depth {
                let instant = Instant(nanoseconds: Int64(now * 1e9))
                pipeline.append(piece: 0, block: block + pipeline.count, at: instant)
                lastArrival = max(now + latency, lastArrival) + 16_384 / rate
                arrivals.append(lastArrival)
            }
            now = arrivals.removeFirst()
            let instant = Instant(nanoseconds: Int64(now * 1e9))
            let request = pipeline.remove(at: 0)
            meter.add(16_384, at: instant)
            pipeline.answered(
                request, at: instant, rate: meter.rate(at: instant), blockLength: 16_384)
        }
        return pipeline.depth
    }

    @Test func `a fast peer nearby gets the deepest pipeline`() {
        #expect(depth(latency: 0.00005, rate: 2e9, blocks: 2_000) == 512)
    }

    @Test func `a slow peer gets the shallowest`() {
        #expect(depth(latency: 0.001, rate: 50_000, blocks: 200) == 4)
    }

    @Test func `latency is filled`() {
        // 10 MB/s over 200 ms: 122 blocks are on their way at any time.
        let depth = depth(latency: 0.2, rate: 10e6, blocks: 4_000)
        #expect((150...450).contains(depth))
    }

    @Test func `it doubles every round trip at first`() {
        #expect(depth(latency: 0.3, rate: 1e9, blocks: 8 + 16 + 32 + 64) >= 120)
    }

    @Test func `the peer's own limit is kept`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        pipeline.limitDepth(to: 2)
        #expect(pipeline.room == 2)
        pipeline.limitDepth(to: -5)
        #expect(pipeline.room == 1)
    }

    @Test func `requests are sent in batches of an eighth`() {
        var pipeline = RequestPipeline(bounds: 80...80, queueLimit: 1_000)
        for block in 0..<75 { pipeline.append(piece: 0, block: block, at: start) }
        #expect(pipeline.room == 0)
        for _ in 0..<5 { pipeline.remove(at: 0) }
        #expect(pipeline.room == 10)
    }

    @Test func `late requests leave room but are found`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        for block in 0..<8 { pipeline.append(piece: 3, block: block, at: start) }
        for index in 0..<8 { pipeline.setLate(true, at: index) }
        #expect(pipeline.outstanding == 0)
        #expect(pipeline.oldestSentAt == nil)
        #expect(pipeline.index(piece: 3, block: 5) == 5)
        #expect(pipeline.index(piece: 2, block: 5) == nil)
        pipeline.append(piece: 4, block: 0, at: start.advanced(by: .seconds(1)))
        #expect(pipeline.oldestSentAt == start.advanced(by: .seconds(1)))
        pipeline.remove(at: 0)
        #expect(pipeline.lateCount == 7)
    }

    @Test func `the time-out follows the peer's history within bounds`() {
        var pipeline = RequestPipeline(bounds: 4...512, queueLimit: 1_000)
        let bounds = Duration.seconds(4)...Duration.seconds(60)
        #expect(pipeline.timeout(in: bounds, first: .seconds(10)) == .seconds(10))
        func answer(after latency: Duration) {
            pipeline.append(piece: 0, block: 0, at: start)
            let request = pipeline.remove(at: 0)
            pipeline.answered(
                request, at: start.advanced(by: latency), rate: 1e6, blockLength: 16_384)
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
