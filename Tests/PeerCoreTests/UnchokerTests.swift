import Testing
import Wire

@testable import PeerCore

struct UnchokerTests {
    private let unchoker = Unchoker(
        unchokeInterval: .seconds(10), optimisticInterval: .seconds(30))
    private let now = Instant(nanoseconds: 1_000_000_000_000)

    private func ago(_ seconds: Int) -> Instant { now.advanced(by: .seconds(-seconds)) }

    private func indices(
        _ candidates: [Unchoker.Candidate], isSeeding: Bool = false
    ) -> [Int] {
        unchoker.choose(5, among: candidates, isSeeding: isSeeding, at: now).map(\.index).sorted()
    }

    @Test func `everyone is unchoked while there are slots`() {
        let candidates = (0..<5).map { Unchoker.Candidate(index: $0, since: ago($0)) }
        #expect(indices(candidates) == [0, 1, 2, 3, 4])
        #expect(indices(candidates, isSeeding: true) == [0, 1, 2, 3, 4])
    }

    @Test func `the fastest keep their slots and the longest waiting gets a chance`() {
        var candidates = (0..<10).map {
            Unchoker.Candidate(index: $0, rate: Double($0) * 1_000, since: ago(10))
        }
        candidates[2].since = ago(500)
        #expect(indices(candidates) == [2, 6, 7, 8, 9])
        let choices = unchoker.choose(5, among: candidates, isSeeding: false, at: now)
        #expect(choices.filter(\.isOptimistic).map(\.index) == [2])
    }

    @Test func `an optimistic unchoke lasts thirty seconds`() {
        var candidates = (0..<10).map {
            Unchoker.Candidate(index: $0, rate: Double($0) * 1_000, since: ago(100))
        }
        candidates[1].isUnchoked = true
        candidates[1].isOptimistic = true
        candidates[1].since = ago(20)
        #expect(indices(candidates) == [1, 6, 7, 8, 9])
        candidates[1].since = ago(30)
        #expect(indices(candidates) == [0, 6, 7, 8, 9])
    }

    @Test func `who has had much for nothing waits for those who haven't`() {
        var candidates = (0..<10).map {
            Unchoker.Candidate(index: $0, rate: Double($0) * 1_000, since: ago(100))
        }
        candidates[1].balance = -1 << 20
        candidates[2].since = ago(500)
        candidates[2].balance = -2 << 20
        #expect(indices(candidates) == [0, 6, 7, 8, 9])
        candidates[0].isUnchoked = true
        candidates[0].isOptimistic = true
        candidates[0].since = ago(10)
        candidates[0].balance = -70_000
        #expect(indices(candidates) == [3, 6, 7, 8, 9])
    }

    @Test func `who has given much and got nothing back is the next to be tried`() {
        var candidates = (0..<10).map {
            Unchoker.Candidate(index: $0, rate: Double($0) * 1_000, since: ago(100))
        }
        candidates[1].since = ago(500)
        candidates[2].balance = 600_000
        candidates[3].balance = 300_000
        #expect(indices(candidates) == [2, 6, 7, 8, 9])
        candidates[2].balance = 0
        #expect(indices(candidates) == [3, 6, 7, 8, 9])
        // Less than what is lent to anybody counts for nothing.
        candidates[3].balance = 60_000
        #expect(indices(candidates) == [1, 6, 7, 8, 9])
    }

    @Test func `a snubbing peer has no place among the fastest`() {
        var candidates = (0..<10).map {
            Unchoker.Candidate(
                index: $0, rate: Double($0) * 1_000, since: ago(10), isUnchoked: $0 > 5)
        }
        candidates[9].isSnubbed = true
        #expect(!indices(candidates).contains(9))
    }

    @Test func `slots that rate does not fill go to who waits`() {
        let candidates = (0..<8).map {
            Unchoker.Candidate(index: $0, rate: $0 == 7 ? 10 : 0, since: ago($0))
        }
        #expect(indices(candidates) == [3, 4, 5, 6, 7])
    }

    @Test func `a seeder gives everyone a turn`() {
        var candidates = (0..<23).map { Unchoker.Candidate(index: $0, since: ago(0)) }
        var turns = [Int](repeating: 0, count: 23)
        var now = now
        for _ in 0..<60 {
            let chosen = Set(
                unchoker.choose(5, among: candidates, isSeeding: true, at: now).map(\.index))
            #expect(chosen.count == 5)
            for index in candidates.indices {
                let isChosen = chosen.contains(index)
                if candidates[index].isUnchoked != isChosen {
                    candidates[index].isUnchoked = isChosen
                    candidates[index].since = now
                    candidates[index].servedBytes = 0
                }
                if isChosen {
                    candidates[index].servedBytes += 1_000
                    turns[index] += 1
                }
            }
            now = now.advanced(by: .seconds(10))
        }
        #expect(turns.min()! > 0 && turns.max()! <= 2 * turns.min()!)
    }

    @Test func `a seeder first gives back what it owes`() {
        var candidates = (0..<10).map {
            Unchoker.Candidate(
                index: $0, servedBytes: 1_000, since: ago($0 < 5 ? 5 : 100 - $0),
                isUnchoked: $0 < 5)
        }
        #expect(indices(candidates, isSeeding: true) == [0, 1, 2, 3, 4])
        candidates[9].balance = 70_000
        #expect(indices(candidates, isSeeding: true) == [0, 1, 2, 3, 9])
        // It keeps its slot beyond its turn, until it has got it all.
        candidates[9].isUnchoked = true
        candidates[4].isUnchoked = false
        candidates[4].since = ago(200)
        #expect(indices(candidates, isSeeding: true) == [0, 1, 2, 3, 9])
        candidates[9].balance = 60_000
        #expect(indices(candidates, isSeeding: true) == [0, 1, 2, 3, 4])
    }

    @Test func `however many a seeder owes something, a fifth is for everyone in turn`() {
        let candidates = (0..<12).map {
            Unchoker.Candidate(
                index: $0, balance: $0 < 6 ? 0 : 1 << 20, since: ago(100 - $0))
        }
        #expect(indices(candidates, isSeeding: true) == [0, 6, 7, 8, 9])
    }

    @Test func `who got least of those whose turn is over stays longest`() {
        let candidates = (0..<6).map {
            Unchoker.Candidate(
                index: $0, servedBytes: Int64(100 - $0), since: ago(40), isUnchoked: $0 < 5)
        }
        #expect(indices(candidates, isSeeding: true) == [1, 2, 3, 4, 5])
    }
}
