import Wire

/// Adjacent blocks of a piece: what one request names and one `piece` message carries.
struct BlockRun: Equatable, Sendable {
    /// The most blocks that a run has.
    static let maxCount = 64

    let piece: Int
    /// The first block.
    let block: Int
    /// From 1 to `maxCount`.
    let count: Int

    init(piece: Int, block: Int, count: Int = 1) {
        self.piece = piece
        self.block = block
        self.count = count
    }

    var blocks: Range<Int> { block..<block + count }

    /// A bit for each block, from the lowest.
    var mask: UInt64 { ~0 >> UInt64(Self.maxCount - count) }
}

extension TorrentGeometry {
    /// What is asked of a peer for some blocks.
    func request(for run: BlockRun) -> BlockRequest {
        let begin = run.block * blockLength
        let end = min(begin + run.count * blockLength, length(ofPiece: run.piece))
        return BlockRequest(
            piece: UInt32(run.piece), begin: UInt32(begin), length: UInt32(end - begin))
    }

    /// The blocks that a message names, if it is one of those that `request(for:)` makes.
    func run(for request: BlockRequest) -> BlockRun? {
        let piece = Int(request.piece)
        let begin = Int(request.begin)
        let end = begin + Int(request.length)
        guard piece < pieceCount, request.length > 0, begin % blockLength == 0 else { return nil }
        let pieceEnd = length(ofPiece: piece)
        guard end <= pieceEnd, end % blockLength == 0 || end == pieceEnd else { return nil }
        let block = begin / blockLength
        let count = (end + blockLength - 1) / blockLength - block
        return count <= BlockRun.maxCount ? BlockRun(piece: piece, block: block, count: count) : nil
    }
}
