import Testing

@testable import Reactor

@Suite struct TimerHeapTests {
    private func time(_ nanoseconds: Int64) -> MonotonicTime { .init(nanoseconds: nanoseconds) }

    /// Runs what is due, oldest deadline first.
    private func fire(_ heap: inout TimerHeap, at now: Int64) {
        while let body = heap.popDue(at: time(now), below: .max) { body() }
    }

    @Test func `timers come in order of deadline, then of making`() {
        var heap = TimerHeap()
        var fired: [Int] = []
        for (index, deadline) in [30, 10, 20, 10, 30, 10].enumerated() {
            _ = heap.insert(at: time(Int64(deadline))) { fired.append(index) }
        }
        #expect(heap.firstDeadline == time(10))
        fire(&heap, at: 29)
        #expect(fired == [1, 3, 5, 2])
        fire(&heap, at: 30)
        #expect(fired == [1, 3, 5, 2, 0, 4])
        #expect(heap.count == 0)
    }

    @Test func `thousands of timers, made and cancelled at random, agree with a sorted list`() {
        var heap = TimerHeap()
        var expected: [(deadline: Int64, index: Int, timer: TimerID)] = []
        var fired: [Int] = []
        for index in 0..<20_000 {
            let deadline = Int64.random(in: 0..<5_000)
            let timer = heap.insert(at: time(deadline)) { fired.append(index) }
            expected.append((deadline, index, timer))
            if index % 3 == 0 {
                let victim = expected.remove(at: Int.random(in: 0..<expected.count))
                if heap.cancel(victim.timer) == nil { Issue.record("a timer was lost") }
                if heap.cancel(victim.timer) != nil { Issue.record("a timer was found twice") }
            }
        }
        #expect(heap.count == expected.count)
        fire(&heap, at: 5_000)
        let order = expected.sorted { ($0.deadline, $0.index) < ($1.deadline, $1.index) }
        let isOrdered = fired == order.map(\.index)
        #expect(isOrdered)
    }

    @Test func `an old timer's name doesn't cancel a new timer`() {
        var heap = TimerHeap()
        let old = heap.insert(at: time(1)) {}
        fire(&heap, at: 1)
        let new = heap.insert(at: time(2)) {}
        #expect(old != new)
        #expect(heap.cancel(old) == nil)
        #expect(heap.count == 1)
    }

    @Test func `a timer younger than the limit isn't taken`() {
        var heap = TimerHeap()
        _ = heap.insert(at: time(1)) {}
        let limit = heap.nextSequence
        _ = heap.insert(at: time(1)) {}
        #expect(heap.popDue(at: time(1), below: limit) != nil)
        #expect(heap.popDue(at: time(1), below: limit) == nil)
        #expect(heap.count == 1)
    }

    @Test func `times and durations saturate instead of overflowing`() {
        let now = MonotonicTime.current
        #expect(now + .seconds(Int64.max) == time(.max))
        #expect(now + .seconds(-Int64.max) < now)
        #expect(now + .milliseconds(3) - now == .milliseconds(3))
        #expect(time(1) + .nanoseconds(-3) == time(-2))
    }
}
