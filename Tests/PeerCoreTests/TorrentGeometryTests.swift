import Testing
import Wire

@testable import PeerCore

struct TorrentGeometryTests {
    private func geometry(_ length: Int64, _ pieceLength: Int) -> TorrentGeometry {
        TorrentGeometry(
            infoHash: SwarmScript.infoHash, length: length, pieceLength: pieceLength)
    }

    @Test func `an empty file has no pieces`() {
        #expect(geometry(0, 1 << 20).pieceCount == 0)
    }

    @Test func `the last piece and its last block are shorter`() {
        let geometry = geometry(100_000, 40_000)
        #expect(geometry.pieceCount == 3)
        #expect((0..<3).map(geometry.length(ofPiece:)) == [40_000, 40_000, 20_000])
        #expect((0..<3).map(geometry.blockCount(ofPiece:)) == [3, 3, 2])
        #expect(geometry.length(ofBlock: 2, inPiece: 0) == 40_000 - 2 * 16_384)
        #expect(geometry.length(ofBlock: 1, inPiece: 2) == 20_000 - 16_384)
    }

    @Test func `pieces shorter than a block are one block`() {
        let geometry = geometry(4_000, 1_500)
        #expect((0..<3).map(geometry.blockCount(ofPiece:)) == [1, 1, 1])
        #expect(geometry.length(ofBlock: 0, inPiece: 2) == 1_000)
    }

    @Test func `the last piece counts with its own length`() {
        let geometry = geometry(100_000, 40_000)
        var pieces = Bitfield(bitCount: 3)
        #expect(geometry.length(of: pieces) == 0)
        pieces.insert(1)
        #expect(geometry.length(of: pieces) == 40_000)
        pieces.insert(2)
        #expect(geometry.length(of: pieces) == 60_000)
        #expect(geometry.length(of: Bitfield(fullOf: 3)) == 100_000)
    }

    @Test func `a range must lie inside its piece`() {
        let geometry = geometry(100_000, 40_000)
        let ranges: [(UInt32, UInt32, UInt32, Bool)] = [
            (0, 0, 40_000, true), (0, 39_999, 1, true), (0, 0, 0, false), (0, 1, 40_000, false),
            (2, 0, 20_001, false), (3, 0, 1, false), (.max, 0, 1, false), (0, .max, .max, false),
        ]
        for (piece, begin, length, isInside) in ranges {
            let request = BlockRequest(piece: piece, begin: begin, length: length)
            #expect(geometry.isInside(request) == isInside)
        }
    }
}
