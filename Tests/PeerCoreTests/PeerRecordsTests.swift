import Testing
import Wire

@testable import PeerCore

struct PeerRecordsTests {
    private let connection = ConnectionID(slot: 0, generation: 0)

    private func join(
        _ name: String, at place: String? = nil, _ records: inout PeerRecords
    ) -> PeerRecord {
        records.join(
            SwarmScript.peerID(name), at: SwarmScript.endpoint(place ?? name), on: connection)
    }

    @Test func `a peer that returns finds its record`() {
        var records = PeerRecords(limit: 10)
        let first = join("a", &records)
        first.bytesFrom = 5
        #expect(first.isConnected)
        records.leave(first)
        #expect(!first.isConnected)
        let again = join("a", &records)
        #expect(again === first && again.isConnected)
        #expect(records[first.id] === first)
        #expect(records[first.peerID, first.address] === first)
    }

    @Test func `the same id at another address is somebody else`() {
        var records = PeerRecords(limit: 10)
        let one = join("a", &records)
        let other = join("a", at: "b", &records)
        #expect(one !== other)
        #expect(records[one.peerID, other.address] === other)
    }

    @Test func `the first to leave of too many is forgotten`() {
        var records = PeerRecords(limit: 2)
        let all = ["a", "b", "c", "d"].map { join($0, &records) }
        records.leave(all[0])
        records.leave(all[1])
        _ = join("a", &records)
        records.leave(all[2])
        records.leave(all[0])
        #expect(records.all.map(\.id) == [1, 3, 4])
    }

    @Test func `banned ones are remembered as long as there aren't too many of them`() {
        var records = PeerRecords(limit: 2)
        for name in ["a", "b", "c"] {
            let record = join(name, &records)
            record.isBanned = true
            records.leave(record)
        }
        for name in ["d", "e", "f", "g"] { records.leave(join(name, &records)) }
        #expect(records.all.map(\.id) == [2, 3, 6, 7])
    }

    @Test func `coming and going without end takes no memory`() {
        var records = PeerRecords(limit: 2)
        for _ in 0..<10_000 { records.leave(join("a", &records)) }
        #expect(records.all.count == 1)
        #expect(records.departedEntryCount <= 105)
    }
}
