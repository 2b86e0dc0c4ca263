import PeerCore
import Testing

@testable import Simulation

struct ByteQueueTests {
    @Test func `bytes come out in the order in which they went in`() {
        var random = SeededRandom(seed: 7)
        var queue = ByteQueue()
        var expected: [UInt8] = []
        var next: UInt8 = 0
        for _ in 0..<5_000 {
            let added = (0..<random.below(300)).map { _ in
                next &+= 1
                return next
            }
            added.withUnsafeBytes { queue.append($0) }
            expected += added
            let taken = random.below(min(expected.count, 400) + 1)
            var target = [UInt8](repeating: 0, count: 400)
            target.withUnsafeMutableBytes { queue.take(taken, into: $0) }
            #expect(target.prefix(taken) == expected.prefix(taken))
            expected.removeFirst(taken)
            #expect(queue.count == expected.count)
        }
    }
}
