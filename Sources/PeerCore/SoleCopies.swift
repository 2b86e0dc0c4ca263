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

    func contains(_ piece: Int) -> Bool { !pieces.isEmpty && pieces.contains(piece) }

    /// Somebody else has this piece.
    mutating func remove(_ piece: Int) {
        if contains(piece), pieces.remove(piece) { untold.remove(piece) }
    }

    /// Somebody else has these.
    mutating func remove(_ others: Bitfield) {
        guard !pieces.isEmpty, !others.isEmpty else { return }
        pieces = pieces.subtracting(others)
        untold = untold.subtracting(others)
    }

    /// Somebody is fetching this piece.
    mutating func give(_ piece: Int) {
        guard contains(piece) else { return }
        untold.remove(piece)
        told.insert(piece)
    }

    /// Whoever was to fetch this piece doesn't.
    mutating func takeBack(_ piece: Int) {
        if contains(piece) { untold.insert(piece) }
    }

    /// The next piece to tell somebody of; nil while all are being fetched.
    mutating func next() -> Int? {
        guard !untold.isEmpty else { return nil }
        let piece = untold.firstMember(from: cursor) ?? untold.firstMember(from: 0)
        guard let piece else { return nil }
        give(piece)
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
