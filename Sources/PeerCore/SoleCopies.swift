/// The pieces of which a seeder seems to have the only copy, and which of them it has told somebody
/// to fetch: who tells each peer of others gives every piece away once before it gives any twice.
struct SoleCopies {
    /// Nobody else is known to have these.
    private(set) var pieces: Bitfield
    /// Those of them that nobody fetches, as far as is known.
    private var untold: Bitfield
    /// What somebody was told of or has asked for in this round, and in the one before: time enough
    /// for it to be fetched.
    private var told: Bitfield
    private var toldBefore: Bitfield
    /// The records of those who are getting them, by piece; 0 for nobody, and of no pieces at all
    /// while nobody ever did.
    private var takers: [UInt32] = []
    /// Where the search begins: somewhere else for each seeder.
    private var cursor: Int

    init(_ pieces: Bitfield, cursor: Int = 0) {
        self.pieces = pieces
        untold = pieces
        told = Bitfield(bitCount: pieces.bitCount)
        toldBefore = told
        self.cursor = pieces.bitCount > 0 ? cursor % pieces.bitCount : 0
    }

    var isEmpty: Bool { pieces.isEmpty }

    /// Whether there are pieces that nobody is getting, as far as is known.
    var hasUntold: Bool { !untold.isEmpty }

    func contains(_ piece: Int) -> Bool { !pieces.isEmpty && pieces.contains(piece) }

    /// Somebody else has this piece.
    mutating func remove(_ piece: Int) {
        guard contains(piece) else { return }
        pieces.remove(piece)
        untold.remove(piece)
        if pieces.isEmpty { takers = [] }
    }

    /// Somebody else has these.
    mutating func remove(_ others: Bitfield) {
        guard !pieces.isEmpty, !others.isEmpty else { return }
        pieces = pieces.subtracting(others)
        untold = untold.subtracting(others)
        if pieces.isEmpty { takers = [] }
    }

    /// A peer, which has this record, is fetching this piece. Returns whether it is one of these.
    @discardableResult
    mutating func give(_ piece: Int, to id: UInt32) -> Bool {
        guard contains(piece) else { return false }
        untold.remove(piece)
        told.insert(piece)
        if takers.isEmpty { takers = [UInt32](repeating: 0, count: pieces.bitCount) }
        takers[piece] = id
        return true
    }

    /// Whether others have a piece, or one of them is getting it.
    func isElsewhere(_ piece: Int, than id: UInt32) -> Bool {
        guard contains(piece) else { return true }
        return !untold.contains(piece) && !takers.isEmpty && takers[piece] != id
    }

    /// Whoever was to fetch this piece doesn't.
    mutating func takeBack(_ piece: Int) {
        if contains(piece) { untold.insert(piece) }
    }

    /// The next piece to tell a peer of; nil while all are being fetched.
    mutating func next(for id: UInt32) -> Int? {
        guard !untold.isEmpty else { return nil }
        let piece = untold.firstMember(from: cursor) ?? untold.firstMember(from: 0)
        guard let piece else { return nil }
        give(piece, to: id)
        cursor = piece + 1
        return piece
    }

    /// What was told of before this round and hasn't got anywhere is told of again.
    mutating func endRound() {
        guard !pieces.isEmpty else { return }
        for piece in toldBefore.members where pieces.contains(piece) && !told.contains(piece) {
            untold.insert(piece)
        }
        toldBefore = told
        told = Bitfield(bitCount: pieces.bitCount)
    }
}
