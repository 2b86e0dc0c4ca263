import Testing
import Wire

@testable import PeerCore

struct RateMeterTests {
    private func instant(_ seconds: Double) -> Instant {
        Instant(nanoseconds: Int64(seconds * 1e9))
    }

    @Test func `a steady flow has its rate`() {
        var meter = RateMeter()
        for step in 0..<1_000 { meter.add(10_000, at: instant(Double(step) / 100)) }
        let rate = meter.rate(at: instant(10))
        #expect(abs(rate - 1_000_000) < 30_000)
    }

    @Test func `it is forgotten after two seconds`() {
        var meter = RateMeter()
        meter.add(1_000_000, at: instant(5))
        #expect(meter.rate(at: instant(6)) > 0)
        #expect(meter.rate(at: instant(8)) == 0)
        #expect(RateMeter().rate(at: instant(1)) == 0)
    }

    @Test func `the first bytes count from when they were expected`() {
        var meter = RateMeter()
        meter.expect(at: instant(100))
        meter.add(50_000, at: instant(100.5))
        #expect(abs(meter.rate(at: instant(100.5)) - 100_000) < 1)
    }

    @Test func `one expected early and often is not faster for it`() {
        var meter = RateMeter()
        meter.add(1_000, at: instant(10))
        meter.expect(at: instant(10.1))
        #expect(meter.rate(at: instant(10.1)) < 1_000)
    }

    @Test func `a burst without a beginning is spread over the window`() {
        var meter = RateMeter()
        meter.add(2_000_000, at: instant(50))
        #expect(meter.rate(at: instant(50)) < 1_200_000)
    }
}
