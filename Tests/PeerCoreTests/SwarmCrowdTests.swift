import Testing
import Wire

@testable import PeerCore

/// Many leechers at one seeder: as many are unchoked as its uplink serves, and nobody is forgotten.
struct SwarmCrowdTests {
    private func received(_ crowd: LeecherCrowd, _ range: Range<Int>? = nil) -> [Int] {
        (range.map { Array(crowd.leechers[$0]) } ?? crowd.leechers).map(\.received).sorted()
    }

    @Test func `on a fast network 2,000 leechers are all unchoked and served alike`() {
        let crowd = LeecherCrowd(uplink: 1_000_000_000)
        crowd.add(2_000)
        crowd.run(for: .seconds(2))
        #expect(crowd.unchokedCount == 2_000)
        let bytes = received(crowd)
        #expect(bytes[0] * 4 >= bytes[1_000])
        #expect(bytes[0] > 0)
        #expect(bytes.reduce(0, +) > 1_600_000_000)
    }

    @Test func `on a slow uplink the slots follow the rate, and everyone has a turn`() {
        let crowd = LeecherCrowd(uplink: 500_000)
        crowd.add(100)
        crowd.run(for: .seconds(120))
        #expect(crowd.swarm.holdingCount <= 24)
        crowd.run(for: .seconds(900))
        #expect(crowd.swarm.holdingCount <= 24)
        let bytes = received(crowd)
        #expect(bytes[0] * 4 >= bytes[50])
        #expect(bytes.reduce(0, +) > 450_000_000)
    }

    @Test func `slow leechers on a fast uplink don't keep others waiting`() {
        let crowd = LeecherCrowd(uplink: 100_000_000)
        crowd.add(200, rate: 5_000)
        crowd.run(for: .seconds(200))
        #expect(crowd.unchokedCount == 200)
        let before = received(crowd).reduce(0, +)
        crowd.run(for: .seconds(30))
        #expect(received(crowd).reduce(0, +) - before > 200 * 5_000 * 25)
    }

    @Test func `leechers that never read don't keep others waiting`() {
        let crowd = LeecherCrowd(uplink: 20_000_000)
        crowd.add(300, rate: 0)
        crowd.run(for: .seconds(30))
        crowd.add(50)
        crowd.run(for: .seconds(120))
        let bytes = received(crowd, 300..<350)
        #expect(bytes[0] * 4 >= bytes[25] && bytes[0] > 0)
        #expect(bytes.reduce(0, +) > 1_500_000_000)
    }

    @Test func `the user's limit bounds the slots`() {
        let crowd = LeecherCrowd(uplink: 1_000_000_000)
        crowd.tell(.setUploadLimit(1 << 20))
        crowd.add(100)
        crowd.run(for: .seconds(2))
        #expect(crowd.unchokedCount == 21)
        crowd.tell(.setUploadLimit(nil))
        crowd.run(for: .seconds(1))
        #expect(crowd.unchokedCount == 100)
        crowd.tell(.setUploadLimit(256 << 10))
        crowd.run(for: .seconds(11))
        #expect(crowd.unchokedCount == 5)
    }

    @Test func `who leaves makes room without a look at everyone for each slot`() {
        let crowd = LeecherCrowd(uplink: 1_000_000) { $0.uploadSlots = 1_000 }
        crowd.add(4_000)
        #expect(crowd.unchokedCount == 1_000)
        for index in 0..<1_000 { crowd.tell(.closed(crowd.leechers[index].id)) }
        let next = crowd.leechers[1_000..<2_000].filter(\.isUnchoked)
        #expect(next.count == 1_000)
        #expect(!crowd.leechers[2_000].isUnchoked)
    }
}
