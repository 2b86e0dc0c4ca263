import Testing
import Wire

@testable import PeerCore

struct AnnouncePolicyTests {
    private let start = Instant(nanoseconds: 1_000_000_000_000)

    private func later(_ seconds: Int) -> Instant { start.advanced(by: .seconds(seconds)) }

    private func started(interval: Int = 1800) -> AnnouncePolicy {
        var policy = AnnouncePolicy(interval: .seconds(120))
        #expect(policy.start() == .started)
        #expect(policy.deadline(isHungry: true) == nil)
        policy.answered(interval: .seconds(interval), at: start)
        return policy
    }

    @Test func `it follows the tracker's interval`() {
        var policy = started()
        #expect(policy.due(at: later(1799), isHungry: false) == nil)
        #expect(policy.due(at: later(1800), isHungry: false) == .regular)
        #expect(policy.due(at: later(9999), isHungry: false) == nil)
    }

    @Test func `a hungry swarm asks again soon, ever less often`() {
        var policy = started(interval: 30)
        var asked: [Int] = []
        for second in 0..<100 where policy.due(at: later(second), isHungry: true) != nil {
            asked.append(second)
            policy.answered(interval: .seconds(30), at: later(second))
        }
        #expect(asked == [2, 6, 14, 30, 60, 90])
        policy.fed()
        #expect(policy.deadline(isHungry: true) == later(92))
    }

    @Test func `failures are retried with a growing wait, and started is not lost`() {
        var policy = AnnouncePolicy(interval: .seconds(120))
        _ = policy.start()
        var now = start
        var waits: [Int64] = []
        for _ in 0..<8 {
            policy.failed(at: now)
            let next = policy.deadline(isHungry: false)!
            waits.append((next.nanoseconds - now.nanoseconds) / 1_000_000_000)
            now = next
            #expect(policy.due(at: now, isHungry: false) == .started)
        }
        #expect(waits == [2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test func `completion is announced at once, or after the answer awaited`() {
        var policy = started()
        policy.complete(isPartial: false)
        #expect(policy.due(at: later(5), isHungry: false) == .completed)
        policy.answered(interval: .seconds(1800), at: later(5))
        #expect(policy.due(at: later(6), isHungry: false) == nil)

        var busy = AnnouncePolicy(interval: .seconds(120))
        _ = busy.start()
        busy.complete(isPartial: false)
        #expect(busy.due(at: later(5), isHungry: false) == nil)
        busy.failed(at: later(5))
        #expect(busy.due(at: later(7), isHungry: false) == .started)
        busy.answered(interval: .seconds(1800), at: later(8))
        #expect(busy.due(at: later(8), isHungry: false) == .completed)
    }

    @Test func `a partial seed says so at once and with every regular announce`() {
        var policy = started()
        policy.complete(isPartial: true)
        #expect(policy.due(at: later(5), isHungry: false) == .paused)
        policy.answered(interval: .seconds(1800), at: later(5))
        #expect(policy.due(at: later(1804), isHungry: false) == nil)
        #expect(policy.due(at: later(1805), isHungry: false) == .paused)

        var fromTheBeginning = AnnouncePolicy(interval: .seconds(120), isPartialSeed: true)
        #expect(fromTheBeginning.start() == .started)
        fromTheBeginning.answered(interval: .seconds(1800), at: start)
        #expect(fromTheBeginning.due(at: start, isHungry: false) == .paused)
        fromTheBeginning.answered(interval: .seconds(1800), at: start)
        #expect(fromTheBeginning.due(at: later(1799), isHungry: false) == nil)
        #expect(fromTheBeginning.due(at: later(1800), isHungry: false) == .paused)
    }

    @Test func `only what was started is stopped, once`() {
        var policy = AnnouncePolicy(interval: .seconds(120))
        #expect(policy.stop() == nil)
        _ = policy.start()
        #expect(policy.stop() == .stopped)
        #expect(policy.stop() == nil)
        policy.answered(interval: .seconds(5), at: start)
        #expect(policy.deadline(isHungry: true) == nil)
    }

    @Test func `an absurd interval is bounded`() {
        var policy = started(interval: 0)
        #expect(policy.deadline(isHungry: false) == later(1))
        #expect(policy.due(at: later(1), isHungry: false) == .regular)
        policy.answered(interval: .seconds(1_000_000), at: start)
        #expect(policy.deadline(isHungry: false) == later(3600))
    }
}
