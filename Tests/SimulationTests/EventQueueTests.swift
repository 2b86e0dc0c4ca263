import PeerCore
import Simulation
import Testing
import Wire

struct EventQueueTests {
    @Test func `events come in order of time, then of scheduling`() {
        var random = SeededRandom(seed: 1)
        var queue = EventQueue<Int>()
        var expected: [(Int64, Int)] = []
        for number in 0..<2_000 {
            let instant = Int64(random.below(50))
            queue.schedule(number, at: Instant(nanoseconds: instant))
            expected.append((instant, number))
        }
        expected.sort { $0 < $1 }
        var found: [(Int64, Int)] = []
        while let (instant, number) = queue.next() { found.append((instant.nanoseconds, number)) }
        #expect(found.map(\.0) == expected.map(\.0))
        #expect(found.map(\.1) == expected.map(\.1))
    }
}
