import Testing
import Wire

@testable import PeerCore

struct PeerRecordsTests {
    @Test func `a peer that returns finds its record`() {
        var records = PeerRecords(limit: 10)
        let first = records.join(SwarmScript.peerID("a"), at: SwarmScript.endpoint("a"))
        first.bytesFrom = 5
        records.leave(first)
        let again = records.join(SwarmScript.peerID("a"), at: SwarmScript.endpoint("a"))
        #expect(again === first)
        #expect(records[first.id] === first)
    }

    @Test func `the same id at another address is somebody else`() {
        var records = PeerRecords(limit: 10)
        let one = records.join(SwarmScript.peerID("a"), at: SwarmScript.endpoint("a"))
        let other = records.join(SwarmScript.peerID("a"), at: SwarmScript.endpoint("b"))
        one.isBanned = true
        #expect(one !== other)
        #expect(records.isBanned(SwarmScript.peerID("a"), at: one.address))
        #expect(!records.isBanned(SwarmScript.peerID("a"), at: other.address))
    }

    @Test func `the oldest of too many is forgotten, a banned one last`() {
        var records = PeerRecords(limit: 2)
        let all = ["a", "b", "c", "d"].map {
            records.join(SwarmScript.peerID($0), at: SwarmScript.endpoint($0))
        }
        all[0].isBanned = true
        for record in all.prefix(3) { records.leave(record) }
        #expect(records.all.map(\.id) == [1, 3, 4])
        #expect(records.isBanned(all[0].peerID, at: all[0].address))
    }
}
