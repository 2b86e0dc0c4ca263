import Testing
import Wire

@testable import PeerCore

struct ConnectionTableTests {
    private let nobody = PeerRecord(
        id: 0, peerID: SwarmScript.peerID("m"), endpoint: SwarmScript.endpoint("m"))

    private func peer(_ slot: UInt32, _ generation: UInt32) -> PeerConnection {
        let geometry = TorrentGeometry(
            infoHash: SwarmScript.infoHash, length: 1, pieceLength: 1)
        return PeerConnection(
            id: ConnectionID(slot: slot, generation: generation),
            endpoint: SwarmScript.endpoint("a"), isOutgoing: false, geometry: geometry,
            configuration: SwarmConfiguration(), record: nobody, now: .zero)
    }

    @Test func `an id of an earlier generation finds nothing`() {
        var table = ConnectionTable()
        let first = peer(5, 1)
        table.insert(first)
        #expect(table[first.id] === first)
        table.remove(first)
        table.insert(peer(5, 2))
        #expect(table[first.id] == nil)
    }

    @Test func `it finds what a dictionary finds`() {
        var random = SeededRandom(seed: 2)
        var table = ConnectionTable()
        var model: [UInt32: PeerConnection] = [:]
        for generation in 0..<4_000 {
            let slot = UInt32(random.below(300))
            if let known = model[slot] {
                table.remove(known)
                model[slot] = nil
            } else {
                let new = peer(slot, UInt32(generation))
                table.insert(new)
                model[slot] = new
            }
            #expect(table.count == model.count)
        }
        for slot in UInt32(0)..<300 {
            let known = model[slot]
            let id = known?.id ?? ConnectionID(slot: slot, generation: 0)
            #expect(table[id] === known)
        }
        #expect(table.entries.compactMap { $0 }.count == model.count)
        #expect(table.entries.count <= 300)
    }
}
