import Testing
import Wire

@testable import Peer

@Suite struct BlockStretchTests {
    private func stretches(_ blocks: [BlockRequest]) -> [[BlockRequest]] {
        var stretches: [[BlockRequest]] = []
        blocks.forEachStretch { stretch in
            stretches.append((0..<stretch.count).map { stretch[$0] })
        }
        return stretches
    }

    private func block(_ piece: UInt32, _ begin: UInt32, _ length: UInt32) -> BlockRequest {
        BlockRequest(piece: piece, begin: begin, length: length)
    }

    @Test func `blocks that follow each other are one stretch`() {
        let blocks = (0..<5).map { block(7, 100 + $0 * 16, 16) }
        #expect(stretches(blocks) == [blocks])
    }

    @Test func `another piece, length or place begins another stretch, and order is kept`() {
        let blocks = [
            block(1, 0, 16), block(1, 16, 16), block(1, 32, 8), block(1, 40, 16), block(2, 56, 16),
            block(2, 40, 16), block(2, 40, 16), block(2, 56, 16),
        ]
        let stretches = stretches(blocks)
        #expect(stretches.map(\.count) == [2, 1, 1, 1, 1, 2])
        #expect(stretches.flatMap { $0 } == blocks)
    }

    @Test func `a block at the end of what can be named is followed by none`() {
        let blocks = [block(0, .max - 15, 16), block(0, 0, 16)]
        #expect(stretches(blocks).map(\.count) == [1, 1])
    }

    @Test func `nothing has no stretch`() {
        #expect(stretches([]).isEmpty)
    }
}
