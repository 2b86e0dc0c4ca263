import Testing

@testable import Reactor

@Suite struct ReadBudgetTests {
    /// Several connections whose clients send without end to servers that share a budget.
    private struct Readers {
        let budget: ReadBudget
        let pairs: [Pair]

        init(_ count: Int, on loop: EventLoop, rate: Int?) throws {
            let budget = ReadBudget(loop: loop)
            budget.bytesPerSecond = rate
            self.budget = budget
            let bytes = [UInt8](repeating: 7, count: 1 << 20)
            pairs = try (0..<count).map { _ in
                let pair = try Pair(on: loop)
                pair.serverSide.countsOnly = true
                pair.server.readBudget = budget
                pair.client.lowWaterMark = bytes.count
                pair.clientSide.onDrain = { $0.write(bytes) }
                pair.client.write(bytes)
                pair.client.write(bytes)
                return pair
            }
        }

        var counts: [Int] { pairs.map(\.serverSide.receivedCount) }
        var total: Int { counts.reduce(0, +) }
    }

    /// Turns until `isDone`, looked at each millisecond.
    private func turn(_ loop: EventLoop, until isDone: @escaping () -> Bool) {
        func look() {
            if isDone() { return loop.stop() }
            loop.schedule(after: .milliseconds(1), look)
        }
        look()
        run(loop)
    }

    @Test(arguments: [1, 5])
    func `streams read together what the rate allows, and all of it`(count: Int) throws {
        try withLoop { loop in
            let rate = 4 << 20
            // Before the bucket is there, which fills while the connections are made.
            let start = loop.now
            let readers = try Readers(count, on: loop, rate: rate)
            // More than what passes before the first byte is paid for.
            turn(loop) { readers.total >= 1 << 20 }
            let seconds = (loop.now - start) / .seconds(1)
            // The bucket is empty at first, so that there is no burst but one quantum each.
            let most = Double(rate) * seconds + Double(count * rate / 64)
            #expect(Double(readers.total) <= most)
            // Each got its share, to within a few quanta.
            let fair = readers.total / count
            for share in readers.counts { #expect(abs(share - fair) <= 4 * rate / 64) }
        }
    }

    @Test func `a sender that has little to say isn't held up by those that have much`() throws {
        try withLoop { loop in
            let readers = try Readers(4, on: loop, rate: 256 << 10)
            let quiet = try Pair(on: loop)
            quiet.server.readBudget = readers.budget
            turn(loop) { readers.budget.isUsedUp && readers.total >= 64 << 10 }
            let before = readers.total
            quiet.client.write([1, 2, 3])
            turn(loop) { quiet.serverSide.received == [1, 2, 3] }
            // Each of the others had at most two turns meanwhile, of 4 KiB.
            #expect(readers.total - before <= 4 * 2 * (4 << 10))
        }
    }

    @Test func `another rate, and none, hold at once`() throws {
        try withLoop { loop in
            let readers = try Readers(2, on: loop, rate: 2 << 10)
            turn(loop) { readers.budget.isUsedUp }
            #expect(readers.total <= 4 << 10)
            readers.budget.bytesPerSecond = 1 << 20
            turn(loop) { readers.total >= 128 << 10 }
            readers.budget.bytesPerSecond = nil
            #expect(!readers.budget.isUsedUp)
            let before = readers.total
            turn(loop) { readers.total - before >= 64 << 20 }
        }
    }

    @Test func `a stream that closes or is paused while it waits takes no other's turn`() throws {
        try withLoop { loop in
            let readers = try Readers(3, on: loop, rate: 128 << 10)
            turn(loop) { readers.budget.isUsedUp }
            readers.pairs[0].server.close()
            readers.pairs[1].server.pauseReading()
            let before = readers.counts
            turn(loop) { readers.counts[2] >= before[2] + (64 << 10) }
            #expect(readers.counts[0] == before[0] && readers.counts[1] == before[1])
            readers.pairs[1].server.resumeReading()
            turn(loop) { readers.counts[1] > before[1] }
        }
    }
}
