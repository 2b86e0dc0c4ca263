/// Who is at fault for pieces that failed their hash.
///
/// Who sent all of a piece is. Where it came from several, its blocks are remembered by their
/// fingerprints and their senders until the piece has its hash: whoever sent another block than
/// the right one is at fault. The piece is fetched next, from one peer alone as long as that is
/// fast enough, so that either it is right, or its sender is convicted.
struct Blame {
    /// A piece as it was when it failed.
    struct Failure {
        let piece: Int
        /// The id of the `PeerRecord` of each block's sender.
        let senders: [UInt32]
        /// Of each block; empty until they are known.
        var fingerprints: [UInt64] = []
    }

    /// More of them are told by a few failures as well; each takes 12 bytes a block.
    static let maxFailures = 64

    /// In order of time.
    private(set) var failures: [Failure] = []

    /// A piece has failed: returns its only sender, who is convicted, or nil when it came from
    /// several and its blocks are to be examined.
    mutating func convict(piece: Int, senders: [UInt32]) -> UInt32? {
        if senders.allSatisfy({ $0 == senders[0] }) { return senders[0] }
        if failures.count == Self.maxFailures { failures.removeFirst() }
        failures.append(Failure(piece: piece, senders: senders))
        return nil
    }

    /// Whether the blocks of a piece that has its hash are to be examined.
    func isSuspect(_ piece: Int) -> Bool { failures.contains { $0.piece == piece } }

    /// The fingerprints of a piece as it last failed.
    mutating func learn(_ fingerprints: [UInt64], ofFailed piece: Int) {
        guard let last = failures.lastIndex(where: { $0.piece == piece }) else { return }
        failures[last].fingerprints = fingerprints
    }

    /// The fingerprints of a piece that has its hash. Returns who sent anything else, in order of
    /// the blocks.
    mutating func convict(piece: Int, right fingerprints: [UInt64]) -> [UInt32] {
        var culprits: [UInt32] = []
        for failure in failures where failure.piece == piece {
            for (block, sender) in failure.senders.enumerated()
            where block < failure.fingerprints.count && block < fingerprints.count {
                let isRight = failure.fingerprints[block] == fingerprints[block]
                if !isRight, !culprits.contains(sender) { culprits.append(sender) }
            }
        }
        failures.removeAll { $0.piece == piece }
        return culprits
    }
}
