import Testing
import Wire

@testable import Peer

struct ConnectionBudgetTests {
    private func hash(_ byte: UInt8) -> InfoHash { InfoHash([UInt8](repeating: byte, count: 20))! }

    /// Adds what is admitted.
    /// - Returns: how many were.
    private func add(_ count: Int, of byte: UInt8, to budget: inout ConnectionBudget) -> Int {
        var added = 0
        for _ in 0..<count where budget.admits(hash(byte)) {
            budget.add(hash(byte))
            added += 1
        }
        return added
    }

    @Test func `one torrent alone may have all`() {
        for limit in [1, 2, 9, 10, 100, 1000] {
            var budget = ConnectionBudget(limit: limit)
            #expect(add(limit + 5, of: 1, to: &budget) == limit)
            #expect(budget.isFull)
        }
    }

    @Test func `the last tenth is for those with less than an equal share`() {
        var budget = ConnectionBudget(limit: 100)
        #expect(add(200, of: 1, to: &budget) == 100)
        for _ in 0..<10 { budget.remove(hash(1)) }
        #expect(add(1, of: 1, to: &budget) == 1)
        budget.remove(hash(1))
        #expect(add(200, of: 2, to: &budget) == 10)
        // Who has more than a half gets none of what comes free.
        budget.remove(hash(1))
        #expect(!budget.admits(hash(1)))
        #expect(budget.admits(hash(2)) && budget.admits(hash(3)))
    }

    @Test func `what is removed may be had again, and torrents without any aren't counted`() {
        var budget = ConnectionBudget(limit: 4)
        for byte in UInt8(1)...4 { #expect(add(1, of: byte, to: &budget) == 1) }
        #expect(!budget.admits(hash(5)))
        #expect(budget.torrentCount == 4)
        for byte in UInt8(1)...3 { budget.remove(hash(byte)) }
        #expect(budget.torrentCount == 1)
        #expect(add(9, of: 4, to: &budget) == 3)
        #expect(budget.count == 4)
    }
}
