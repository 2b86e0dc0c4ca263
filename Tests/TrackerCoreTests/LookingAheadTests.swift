import Testing
import Wire

@testable import TrackerCore

@Suite struct LookingAheadTests {
    private func entry(_ swarm: Int, _ peer: Int) -> SwarmEntry {
        SwarmEntry(
            infoHash: hash("swarm \(swarm)"), identity: PeerIdentity(peer), user: nil,
            endpoint: Endpoint(address: IPAddress(ipv4: UInt32(peer + 1)), port: 6881),
            isSeeder: peer.isMultiple(of: 3), lifetime: .seconds(100))
    }

    @Test func `whoever looks ahead answers the same`() {
        var plain = Swarms()
        var looking = Swarms()
        var (plainRandom, lookingRandom) = (SmallGenerator(seed: 3), SmallGenerator(seed: 3))
        var (one, other) = (Swarms.Chosen(), Swarms.Chosen())
        var generator = SmallGenerator(seed: 4)
        for round in 0..<200 {
            // Small swarms, some with an index, some that nobody knows yet.
            let entries = (0..<20).map { _ in
                let swarm = Int.random(in: 0...round, using: &generator)
                return entry(swarm, Int.random(in: 0..<(swarm < 3 ? 2_000 : 4), using: &generator))
            }
            looking.lookAhead(
                to: entries.map { Swarms.Key(infoHash: $0.infoHash, identity: $0.identity) })
            for entry in entries {
                let announce = Swarms.Announce(entry: entry, wanted: 30)
                let expected = plain.announce(
                    announce, at: .zero, random: &plainRandom, into: &one)
                let counts = looking.announce(
                    announce, at: .zero, random: &lookingRandom, into: &other)
                #expect(counts == expected && other == one)
            }
        }
        #expect(looking.peerCount == plain.peerCount && looking.swarmCount == plain.swarmCount)
    }
}
