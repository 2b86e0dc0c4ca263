/// The pieces of which a seeder seems to have the only copy, and which of them it has told somebody
/// to fetch: who tells each peer of others gives every piece away once before it gives any twice.
struct SoleCopies {
    /// Nobody else is known to have these.
    private(set) var pieces: Bitfield
    /// Those of them that nobody was told of since all were.
    private var untold: Bitfield
    /// Where the search begins: somewhere else for each seeder.
    private var cursor: Int

    init(_ pieces: Bitfield, cursor: Int = 0) {
        self.pieces = pieces
        untold = pieces
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
        if !untold.isEmpty { untold.remove(piece) }
    }

    /// Whoever was told of this piece has left.
    mutating func takeBack(_ piece: Int) {
        if contains(piece) { untold.insert(piece) }
    }

    /// The next piece to tell somebody of.
    mutating func next() -> Int? {
        guard !pieces.isEmpty else { return nil }
        if untold.isEmpty { untold = pieces }
        let piece = untold.firstMember(from: cursor) ?? untold.firstMember(from: 0)
        guard let piece else { return nil }
        untold.remove(piece)
        cursor = piece + 1
        return piece
    }
}
