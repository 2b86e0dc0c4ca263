/// A range of a piece as `request`, `cancel` and `piece` messages name it (BEP 3).
package struct BlockRequest: Hashable, Sendable, CustomStringConvertible {
    /// The piece's index, from 0.
    package var piece: UInt32
    /// Where the block begins within the piece, in bytes.
    package var begin: UInt32
    /// The block's length in bytes.
    package var length: UInt32

    @inlinable package init(piece: UInt32, begin: UInt32, length: UInt32) {
        self.piece = piece
        self.begin = begin
        self.length = length
    }

    package var description: String { "piece \(piece) at \(begin), \(length) bytes" }
}
