import Testing
import Wire

@testable import PeerCore

struct BlockRunTests {
    private let geometry = TorrentGeometry(
        infoHash: SwarmScript.infoHash, length: 100_000, pieceLength: 40_000)

    @Test func `only whole blocks of the grid are recognized`() {
        for piece in 0..<3 {
            let blockCount = geometry.blockCount(ofPiece: piece)
            for block in 0..<blockCount {
                for count in 1...blockCount - block {
                    let run = BlockRun(piece: piece, block: block, count: count)
                    let request = geometry.request(for: run)
                    #expect(geometry.run(for: request) == run)
                    #expect(geometry.isInside(request))
                }
            }
        }
        let odd: [(UInt32, UInt32, UInt32)] = [
            (0, 1, 16_384), (0, 0, 16_383), (3, 0, 16_384), (2, 16_384, 16_384), (0, 0, 0),
            (0, 16_384, 16_385), (.max, 0, 16_384), (0, .max - 16_383, .max),
        ]
        for (piece, begin, length) in odd {
            let request = BlockRequest(piece: piece, begin: begin, length: length)
            #expect(geometry.run(for: request) == nil)
        }
    }

    @Test func `a run has at most as many blocks as bits count`() {
        let long = TorrentGeometry(
            infoHash: SwarmScript.infoHash, length: 4 << 20, pieceLength: 2 << 20)
        let longest = BlockRequest(piece: 1, begin: 1 << 20, length: 1 << 20)
        #expect(long.run(for: longest) == BlockRun(piece: 1, block: 64, count: 64))
        let longer = BlockRequest(piece: 1, begin: (1 << 20) - 16_384, length: (1 << 20) + 16_384)
        #expect(long.run(for: longer) == nil)
        #expect(BlockRun(piece: 0, block: 3, count: 64).mask == .max)
        #expect(BlockRun(piece: 0, block: 3, count: 1).mask == 1)
    }
}
