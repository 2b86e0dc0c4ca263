import PeerCore
import Wire

/// What is believed of the pieces of a partial download before anything is hashed.
struct PieceBeliefs {
    enum Belief { case trusted, doubtful, missing }

    private let info: Info
    /// Nil: nothing is recorded, and each piece must be hashed.
    private let recorded: (trusted: [UInt8], doubtful: [UInt8])?
    /// Pieces of which a part is known to be missing.
    private var fresh: Bitfield

    /// - Parameter resume: what was recorded of these files, if anything was.
    /// - Parameter bootID: of the running system. What was written under the same boot is still in
    ///   the page cache or on disk; of an earlier one only what had been synced is trusted.
    init(_ files: PartialFiles, _ info: Info, resume: Resume?, bootID: String) {
        self.info = info
        recorded = resume.map { ($0.trusted(currentBootID: bootID), $0.verified) }
        fresh =
            files.isNew ? Bitfield(fullOf: info.pieceCount) : Bitfield(bitCount: info.pieceCount)
        for range in files.fresh where !range.isEmpty {
            for piece in info.pieces(of: range) { fresh.insert(piece) }
        }
    }

    func belief(in piece: Int) -> Belief {
        if fresh.contains(piece) { return .missing }
        guard let recorded else { return .doubtful }
        if Self.bit(piece, of: recorded.trusted) { return .trusted }
        return Self.bit(piece, of: recorded.doubtful) ? .doubtful : .missing
    }

    /// Bit `piece` of a bitfield, high bit first (BEP 3).
    private static func bit(_ piece: Int, of bytes: [UInt8]) -> Bool {
        piece >> 3 < bytes.count && bytes[piece >> 3] & (0x80 >> UInt8(piece & 7)) != 0
    }
}
