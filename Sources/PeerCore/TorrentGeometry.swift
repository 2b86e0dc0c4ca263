import Wire

/// How a torrent's bytes are cut: all that a swarm needs to know of the info dictionary (BEP 3).
package struct TorrentGeometry: Equatable, Sendable {
    package let infoHash: InfoHash
    /// Bytes in all; 0 for an empty file, which has no pieces.
    package let length: Int64
    /// Bytes of every piece but the last, which may be shorter.
    package let pieceLength: Int
    package let pieceCount: Int
    /// Bytes of every block that is asked for, but the last of a piece: 16 KiB in BEP 3.
    package let blockLength: Int

    /// `length` isn't negative; `pieceLength` and `blockLength` are positive.
    package init(
        infoHash: InfoHash, length: Int64, pieceLength: Int, blockLength: Int = 16 << 10
    ) {
        precondition(length >= 0 && pieceLength > 0 && blockLength > 0, "impossible geometry")
        self.infoHash = infoHash
        self.length = length
        self.pieceLength = pieceLength
        self.blockLength = min(blockLength, pieceLength)
        pieceCount = Int((length + Int64(pieceLength) - 1) / Int64(pieceLength))
    }

    /// The geometry that an info dictionary describes.
    package init(_ info: Info) {
        self.init(infoHash: info.infoHash, length: info.length, pieceLength: info.pieceLength)
    }

    /// Bytes of the piece at an index in `0..<pieceCount`.
    package func length(ofPiece piece: Int) -> Int {
        guard piece == pieceCount - 1 else { return pieceLength }
        return Int(length - Int64(piece) * Int64(pieceLength))
    }

    /// Bytes of some pieces together.
    package func length(of pieces: Bitfield) -> Int64 {
        guard !pieces.isEmpty else { return 0 }
        let last = pieceCount - 1
        let shortfall = pieces.contains(last) ? pieceLength - length(ofPiece: last) : 0
        return Int64(pieces.setCount) * Int64(pieceLength) - Int64(shortfall)
    }

    /// Blocks of a whole piece.
    package var blocksPerPiece: Int { (pieceLength + blockLength - 1) / blockLength }

    /// Blocks of the piece at an index in `0..<pieceCount`.
    package func blockCount(ofPiece piece: Int) -> Int {
        (length(ofPiece: piece) + blockLength - 1) / blockLength
    }

    /// Bytes of a block of a piece.
    package func length(ofBlock block: Int, inPiece piece: Int) -> Int {
        min(blockLength, length(ofPiece: piece) - block * blockLength)
    }

    /// Whether the range lies inside its piece and isn't empty.
    package func isInside(_ request: BlockRequest) -> Bool {
        let piece = Int(request.piece)
        guard piece < pieceCount, request.length > 0 else { return false }
        return Int(request.begin) + Int(request.length) <= length(ofPiece: piece)
    }
}
