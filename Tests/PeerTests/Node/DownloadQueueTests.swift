import Testing
import Wire

@testable import Peer

struct DownloadQueueTests {
    private func hash(_ number: Int) -> InfoHash {
        var bytes = [UInt8](repeating: 0, count: 20)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return InfoHash(bytes)!
    }

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private func queue(_ count: Int, limit: Int) -> DownloadQueue {
        var queue = DownloadQueue(limit: limit)
        for number in 0..<count { queue.append(hash(number)) }
        return queue
    }

    /// Those whose turn it is, by number.
    private func begin(_ queue: inout DownloadQueue, at seconds: Int64 = 0) -> [InfoHash] {
        var begun: [InfoHash] = []
        while let next = queue.takeNext(at: at(seconds)) { begun.append(next) }
        return begun
    }

    @Test func `downloads begin in the order of asking, a few at a time`() {
        var queue = queue(5, limit: 2)
        #expect(begin(&queue) == [hash(0), hash(1)])
        #expect(queue.hasWaiting)
        queue.remove(hash(0))
        #expect(begin(&queue) == [hash(2)])
        queue.remove(hash(1))
        queue.remove(hash(2))
        #expect(begin(&queue) == [hash(3), hash(4)])
        #expect(!queue.hasWaiting)
    }

    @Test func `one that leaves while it waits is passed over`() {
        var queue = queue(4, limit: 1)
        #expect(begin(&queue) == [hash(0)])
        queue.remove(hash(1))
        queue.remove(hash(3))
        queue.remove(hash(0))
        #expect(begin(&queue) == [hash(2)])
        #expect(!queue.hasWaiting)
    }

    @Test func `one that comes back is at the end, and begins once`() {
        var queue = queue(3, limit: 1)
        #expect(begin(&queue) == [hash(0)])
        queue.remove(hash(1))
        queue.append(hash(1))
        queue.remove(hash(0))
        queue.append(hash(0))
        var order: [InfoHash] = []
        while let next = queue.takeNext(at: at(0)) {
            order.append(next)
            queue.remove(next)
        }
        #expect(order == [hash(2), hash(1), hash(0)])
    }

    @Test func `one without progress for a minute lets the next begin beside it`() {
        var queue = queue(4, limit: 2)
        #expect(begin(&queue) == [hash(0), hash(1)])
        var received: [InfoHash: Int64] = [:]
        for second in stride(from: Int64(5), through: 55, by: 5) {
            received[hash(1), default: 0] += 1
            queue.look(at: at(second)) { received[$0] ?? 0 }
            #expect(begin(&queue, at: second).isEmpty)
        }
        queue.look(at: at(60)) { received[$0] ?? 0 }
        #expect(begin(&queue, at: 60) == [hash(2)])
        // It goes on: it counts again, and nobody is stopped for it.
        received[hash(0)] = 16
        queue.look(at: at(65)) { received[$0] ?? 0 }
        queue.remove(hash(2))
        #expect(begin(&queue, at: 65).isEmpty)
        queue.remove(hash(0))
        #expect(begin(&queue, at: 65) == [hash(3)])
    }

    @Test func `one that is removed while it stalls frees its place once`() {
        var queue = queue(4, limit: 1)
        #expect(begin(&queue) == [hash(0)])
        queue.look(at: at(60)) { _ in 0 }
        #expect(begin(&queue, at: 60) == [hash(1)])
        queue.remove(hash(0))
        #expect(begin(&queue, at: 60).isEmpty)
        queue.remove(hash(1))
        #expect(begin(&queue, at: 60) == [hash(2)])
    }

    @Test func `a long queue drains in the order it was filled`() {
        var queue = queue(10_000, limit: 20)
        var number = 0
        var active = begin(&queue)
        while !active.isEmpty {
            #expect(active.removeFirst() == hash(number))
            queue.remove(hash(number))
            number += 1
            active += begin(&queue)
        }
        #expect(number == 10_000)
    }
}
