import Wire

/// The hash of a piece as its segments come, one after the other. Used by one worker at a time.
final class PieceHash: @unchecked Sendable {
    private var hasher = SHA1Hasher()

    func update(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }

    /// Goes on with what is stored; blocks.
    func update(
        with range: Range<Int64>, of content: some Content
    ) throws(CommandError) {
        try content.update(&hasher, with: range)
    }

    func finalize() -> SHA1Digest { hasher.finalize() }
}

extension DownloadContent {
    /// Stores segments of a piece and goes on with its hash while their bytes are in the cache. What
    /// turns out to be wrong is stored as well: its blocks are examined there.
    /// A piece that has its hash is recorded.
    /// - Returns: whether the piece has its hash, once its last segment is among these; else nil.
    func take(
        _ parcels: [StagedPiece.Parcel], of piece: Int, _ hash: PieceHash
    ) throws(CommandError) -> Bool? {
        guard try storeAndHash(parcels, of: piece, hash) else { return nil }
        let isRight = hash.finalize() == info.pieceHash(piece)
        if isRight { try record.note(piece, .verified) }
        return isRight
    }

    /// Stores a piece that is a single segment, of which the digest is known; records it if it has
    /// its hash.
    func take(
        _ parcel: StagedPiece.Parcel, of piece: Int, _ digest: SHA1Digest
    ) throws(CommandError) -> Bool {
        try store(parcel, of: piece)
        let isRight = digest == info.pieceHash(piece)
        if isRight { try record.note(piece, .verified) }
        return isRight
    }

    /// - Returns: whether the last segment was among these.
    private func storeAndHash(
        _ parcels: [StagedPiece.Parcel], of piece: Int, _ hash: PieceHash
    ) throws(CommandError) -> Bool {
        let start = info.offset(ofPiece: piece)
        let length = info.length(ofPiece: piece)
        for parcel in parcels {
            if let buffer = parcel.buffer, parcel.isWhole {
                hash.update(UnsafeRawBufferPointer(buffer))
                try store(parcel, of: piece)
            } else {
                try store(parcel, of: piece)
                let begin = start + Int64(parcel.begin)
                try hash.update(with: begin..<begin + Int64(parcel.length), of: self)
            }
        }
        return parcels.last.map { $0.begin + $0.length == length } ?? false
    }

    /// Stores what a segment has in memory.
    func store(_ parcel: StagedPiece.Parcel, of piece: Int) throws(CommandError) {
        guard let buffer = parcel.buffer else { return }
        let begin = info.offset(ofPiece: piece) + Int64(parcel.begin)
        for range in parcel.filled.ranges {
            try write(
                UnsafeRawBufferPointer(rebasing: buffer[range]), at: begin + Int64(range.lowerBound)
            )
        }
    }
}
