import Testing
import Wire

@testable import PeerCore

struct PiecePickerTests {
    private let geometry = TorrentGeometry(
        infoHash: SwarmScript.infoHash, length: 64 * 64 << 10, pieceLength: 64 << 10)

    private func picker(have: [Int] = [], randomFirstPieces: Int = 0, seed: UInt64 = 1)
        -> PiecePicker
    {
        var wanted = Bitfield(fullOf: geometry.pieceCount)
        for piece in have { wanted.remove(piece) }
        return PiecePicker(
            geometry: geometry, wanted: wanted, randomFirstPieces: randomFirstPieces, seed: seed)
    }

    private func peer(_ id: UInt32, pieces: [Int]? = nil) -> PeerConnection {
        let record = PeerRecord(
            id: id, peerID: SwarmScript.peerID("a"), endpoint: SwarmScript.endpoint("a"))
        record.isProven = true
        let peer = PeerConnection(
            id: ConnectionID(slot: id, generation: 1), endpoint: SwarmScript.endpoint("a"),
            isOutgoing: false, geometry: geometry, configuration: SwarmConfiguration(),
            record: record, now: .zero)
        peer.pieces = Bitfield(fullOf: geometry.pieceCount)
        if let pieces {
            peer.pieces = Bitfield(bitCount: geometry.pieceCount)
            for piece in pieces { peer.pieces.insert(piece) }
        }
        return peer
    }

    private func pick(
        _ count: Int, _ picker: inout PiecePicker, _ peer: PeerConnection, runLength: Int = 1
    ) -> [BlockRun] {
        var picked: [BlockRun] = []
        picker.pick(.init(blocks: count, runLength: runLength), for: peer, into: &picked)
        return picked
    }

    /// All blocks of a piece arrive from one peer.
    private func receive(_ piece: Int, _ picker: inout PiecePicker, _ peer: PeerConnection) {
        for block in 0..<4 {
            let slot = picker.begin(piece: piece, block: block, from: peer, isLate: false)
            let isWhole = picker.complete(slot: slot!, block: block)
            #expect(isWhole == (block == 3))
        }
    }

    @Test func `a piece is asked for block by block before the next`() {
        var picker = picker()
        let picked = pick(6, &picker, peer(1))
        #expect(Set(picked.prefix(4).map(\.piece)).count == 1)
        #expect(picked.map(\.block) == [0, 1, 2, 3, 0, 1])
        #expect(picked[4].piece != picked[0].piece)
    }

    @Test func `the rarest piece comes first`() {
        var picker = picker()
        for rare in [17, 17, 40] {
            picker.add(peer(2, pieces: (0..<64).filter { $0 != rare }).pieces)
        }
        #expect(pick(4, &picker, peer(1)).map(\.piece) == [17, 17, 17, 17])
        #expect(pick(4, &picker, peer(1)).map(\.piece) == [40, 40, 40, 40])
    }

    @Test func `who leaves doesn't count any more`() {
        var picker = picker()
        let others = peer(2, pieces: (0..<64).filter { $0 != 5 })
        picker.add(others.pieces)
        picker.remove(others.pieces)
        #expect(picker.availability.allSatisfy { $0 == 0 })
    }

    @Test func `ties are broken at random and evenly`() {
        var counts = [Int](repeating: 0, count: 64)
        for seed in 0..<6_400 {
            var picker = picker(seed: UInt64(seed))
            counts[pick(1, &picker, peer(1))[0].piece] += 1
        }
        #expect(counts.min()! > 50 && counts.max()! < 170)
    }

    @Test func `the first pieces are picked without regard to rarity`() {
        var pieces: Set<Int> = []
        for seed in 0..<50 {
            var picker = picker(randomFirstPieces: 4, seed: UInt64(seed))
            picker.add(peer(2, pieces: (0..<64).filter { $0 != 5 }).pieces)
            pieces.insert(pick(1, &picker, peer(1))[0].piece)
        }
        #expect(pieces.count > 20)
    }

    @Test func `started pieces come before new ones, for everyone`() {
        var picker = picker()
        let first = pick(1, &picker, peer(1))[0].piece
        let second = pick(3, &picker, peer(2))
        #expect(second.map(\.piece) == [first, first, first])
        #expect(second.map(\.block) == [1, 2, 3])
    }

    @Test func `only what the peer has and we lack is picked`() {
        var picker = picker(have: [1])
        let picked = pick(100, &picker, peer(1, pieces: [1, 2, 9]))
        #expect(picked.count == 8)
        #expect(Set(picked.map(\.piece)) == [2, 9])
    }

    @Test func `returned blocks are picked again, and untouched pieces are new again`() {
        var picker = picker()
        let one = peer(1, pieces: [3, 4])
        let picked = pick(8, &picker, one)
        #expect(picker.wanted.setCount == 62)
        let epoch = picker.epoch
        for block in picked {
            picker.forget(piece: block.piece, block: block.block, by: 1, isLate: false)
        }
        #expect(picker.wanted.setCount == 64)
        #expect(picker.active.count == 0)
        #expect(picker.epoch > epoch)
        #expect(pick(100, &picker, one).count == 8)
    }

    @Test func `a block is stored from whoever begins last, unless given up`() {
        var picker = picker()
        let slow = peer(1, pieces: [3])
        let fast = peer(2)
        _ = pick(4, &picker, slow)
        let slot = picker.begin(piece: 3, block: 0, from: slow, isLate: false)!
        picker.duplicate(slot: slot, block: 0)
        #expect(picker.begin(piece: 3, block: 0, from: fast, isLate: false) == slot)
        #expect(!picker.active.isReceiving(slot: slot, piece: 3, block: 0, from: 1))
        #expect(picker.active.isReceiving(slot: slot, piece: 3, block: 0, from: 2))
        picker.expire(piece: 3, block: 0, by: 1)
        #expect(picker.begin(piece: 3, block: 0, from: slow, isLate: true) == nil)
    }

    @Test func `a complete block is never stored again`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        _ = pick(4, &picker, one)
        let slot = picker.begin(piece: 3, block: 0, from: one, isLate: false)!
        _ = picker.complete(slot: slot, block: 0)
        #expect(picker.begin(piece: 3, block: 0, from: peer(2), isLate: false) == nil)
    }

    @Test func `a piece being verified takes nothing`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        _ = pick(4, &picker, one)
        receive(3, &picker, one)
        #expect(picker.begin(piece: 3, block: 0, from: one, isLate: false) == nil)
        #expect(picker.sendersOfVerifying(3) == [1, 1, 1, 1])
        picker.succeeded(3)
        #expect(picker.sendersOfVerifying(3) == nil)
        #expect(picker.begin(piece: 3, block: 0, from: one, isLate: true) == nil)
        #expect(pick(1, &picker, one) == [])
    }

    @Test func `what failed with several senders is fetched from one alone`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        let two = peer(2, pieces: [3])
        _ = pick(2, &picker, one)
        _ = pick(2, &picker, two)
        for block in 0..<4 {
            let slot = picker.begin(
                piece: 3, block: block, from: block < 2 ? one : two, isLate: false)
            _ = picker.complete(slot: slot!, block: block)
        }
        #expect(picker.sendersOfVerifying(3) == [1, 1, 2, 2])
        picker.failed(3, isExamined: true)
        #expect(pick(1, &picker, two) == [])
        #expect(picker.sendersOfVerifying(3) == nil)
        let isExamined = [picker.examined(3), picker.examined(3)]
        #expect(isExamined == [true, false])
        #expect(pick(1, &picker, two).count == 1)
        #expect(pick(4, &picker, one) == [])
        #expect(pick(4, &picker, two).count == 3)
        let slot = picker.begin(piece: 3, block: 0, from: two, isLate: false)!
        _ = picker.complete(slot: slot, block: 0)
        for block in 1..<4 { picker.forget(piece: 3, block: block, by: 2, isLate: false) }
        #expect(pick(4, &picker, one) == [])
        let epoch = picker.epoch
        picker.disown(2)
        #expect(picker.epoch > epoch)
        #expect(pick(4, &picker, one).map(\.block) == [1, 2, 3])
    }

    @Test func `what failed comes before anything else`() {
        var picker = picker()
        let one = peer(1)
        let two = peer(2)
        let piece = pick(1, &picker, one)[0].piece
        _ = pick(3, &picker, two)
        for block in 0..<4 {
            let sender = block == 0 ? one : two
            let slot = picker.begin(piece: piece, block: block, from: sender, isLate: false)
            _ = picker.complete(slot: slot!, block: block)
        }
        picker.failed(piece, isExamined: true)
        _ = picker.examined(piece)
        #expect(pick(4, &picker, one).map(\.piece) == [piece, piece, piece, piece])
    }

    @Test func `whole runs of adjacent blocks are asked for`() {
        var picker = picker()
        let picked = pick(10, &picker, peer(1, pieces: [0, 1, 2]), runLength: 4)
        #expect(picked.map(\.blocks) == [0..<4, 0..<4])
        _ = pick(1, &picker, peer(2, pieces: [63]))
        let rest = pick(8, &picker, peer(3, pieces: [62, 63]), runLength: 2)
        // The last block isn't worth a run; there is a piece of two of them besides.
        #expect(rest.map(\.piece) == [63, 63, 62, 62])
        #expect(rest.map(\.blocks) == [1..<3, 3..<4, 0..<2, 2..<4])
    }

    @Test func `runs go around what the peer has given late`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        for run in pick(4, &picker, one) {
            one.pipeline.append(run, at: .zero)
            picker.expire(piece: 3, block: run.block, by: 1)
        }
        one.pipeline.setLate(at: 1)
        for block in [0, 2, 3] {
            one.pipeline.remove(at: one.pipeline.index(piece: 3, block: block)!)
        }
        #expect(pick(12, &picker, one, runLength: 4).map(\.blocks) == [0..<1, 2..<4])
        #expect(pick(4, &picker, one, runLength: 4) == [])
        #expect(pick(4, &picker, peer(2, pieces: [3]), runLength: 4).map(\.blocks) == [1..<2])
    }

    @Test func `no more requests are made than the peer keeps`() {
        var picker = picker()
        var picked: [BlockRun] = []
        picker.pick(.init(blocks: 100, requests: 3, runLength: 4), for: peer(1), into: &picked)
        #expect(picked.count == 3)
    }

    @Test func `a choking peer is asked for what it allows`() {
        var picker = picker()
        _ = pick(1, &picker, peer(2, pieces: [5]))
        let one = peer(1, pieces: [5, 6, 7])
        one.allowedFast = [5, 6, 8]
        var picked: [BlockRun] = []
        picker.pickAllowed(.init(blocks: 100), for: one, into: &picked)
        #expect(picked.map(\.piece) == [5, 5, 5, 6, 6, 6, 6])
    }

    @Test func `of equally rare pieces a suggested one comes first`() {
        var picker = picker()
        picker.add(peer(2, pieces: (0..<64).filter { $0 != 40 && $0 != 9 }).pieces)
        let one = peer(1)
        one.suggested = [17, 40]
        #expect(pick(12, &picker, one).map(\.piece) == [40, 9, 17].flatMap { [$0, $0, $0, $0] })
    }

    @Test func `late blocks aren't asked for again of the same peer`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        for block in pick(4, &picker, one) {
            one.pipeline.append(block, at: .zero)
        }
        one.pipeline.setLate(at: 0)
        picker.expire(piece: 3, block: 0, by: 1)
        #expect(pick(4, &picker, one) == [])
        #expect(pick(1, &picker, peer(2)) == [BlockRun(piece: 3, block: 0)])
    }

    @Test func `a late block starts a piece again that was given up`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        for block in pick(4, &picker, one) {
            picker.expire(piece: 3, block: block.block, by: 1)
        }
        #expect(picker.active.count == 0)
        let slot = picker.begin(piece: 3, block: 2, from: one, isLate: true)
        #expect(slot != nil)
        _ = picker.complete(slot: slot!, block: 2)
        #expect(pick(9, &picker, peer(2, pieces: [3])).map(\.block) == [0, 1, 3])
        #expect(picker.adopt(piece: 3, block: 2, by: one) == false)
    }

    @Test func `in sequence the lowest piece comes first, started or not`() {
        var picker = picker()
        picker.isSequential = true
        #expect(pick(6, &picker, peer(1)).map(\.piece) == [0, 0, 0, 0, 1, 1])
        #expect(pick(2, &picker, peer(2, pieces: [9, 40])).map(\.piece) == [9, 9])
        #expect(pick(5, &picker, peer(1)).map(\.piece) == [1, 1, 9, 9, 2])
    }

    @Test func `what a peer refuses isn't asked of it`() {
        var picker = picker()
        let one = peer(1, pieces: [3, 4])
        one.refusedPieces = [3]
        #expect(Set(pick(9, &picker, one).map(\.piece)) == [4])
        picker.isSequential = true
        #expect(pick(9, &picker, one) == [])
        _ = pick(1, &picker, peer(2, pieces: [3]))
        #expect(pick(9, &picker, one) == [])
    }

    @Test func `what is expected of live pieces waits for its verification`() {
        var picker = picker()
        let one = peer(1, pieces: [3])
        #expect(picker.active.unverifiedCount == 0)
        _ = pick(4, &picker, one)
        #expect(picker.active.unverifiedCount == 4)
        let slot = picker.begin(piece: 3, block: 0, from: one, isLate: false)!
        _ = picker.complete(slot: slot, block: 0)
        for block in 1..<3 { picker.forget(piece: 3, block: block, by: 1, isLate: false) }
        #expect(picker.active.unverifiedCount == 2)
        // One block is stored, and nobody is asked for the rest.
        picker.forget(piece: 3, block: 3, by: 1, isLate: false)
        #expect(picker.active.unverifiedCount == 0)
        _ = pick(1, &picker, one)
        #expect(picker.active.unverifiedCount == 2)
        _ = pick(2, &picker, one)
        for block in 1..<4 {
            _ = picker.begin(piece: 3, block: block, from: one, isLate: false)
            _ = picker.complete(slot: slot, block: block)
        }
        #expect(picker.active.unverifiedCount == 4)
        picker.succeeded(3)
        #expect(picker.active.unverifiedCount == 0)
    }

    @Test func `endgame begins when everything is asked for`() {
        var picker = picker(have: Array(0..<63))
        #expect(!picker.isEndgame)
        _ = pick(4, &picker, peer(1))
        #expect(picker.isEndgame)
    }

    @Test func `hundreds of thousands of tiny pieces are picked quickly`() {
        let tiny = TorrentGeometry(
            infoHash: SwarmScript.infoHash, length: 700_000 * 1_500, pieceLength: 1_500)
        var picker = PiecePicker(
            geometry: tiny, wanted: Bitfield(fullOf: tiny.pieceCount), randomFirstPieces: 4,
            seed: 1)
        let seed = peer(1)
        seed.pieces = Bitfield(fullOf: tiny.pieceCount)
        var seen = Bitfield(bitCount: tiny.pieceCount)
        for _ in 0..<40 {
            for block in pick(500, &picker, seed) { seen.insert(block.piece) }
        }
        #expect(seen.setCount == 20_000)
        #expect(picker.active.count == 20_000)
    }
}
