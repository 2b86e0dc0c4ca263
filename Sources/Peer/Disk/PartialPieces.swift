import PeerCore
import Wire

/// What is known of the pieces of a partial download before anything is hashed.
enum PartialPieces {
    /// The mark of each piece. Nothing counts as synced: that is made sure of anew.
    /// - Parameter resume: what was recorded of these files; nil: nothing, and each piece must be
    ///   hashed.
    /// - Parameter bootID: of the running system. What was written under the same boot is still in
    ///   the page cache or on disk; of an earlier one only what had been synced is trusted.
    static func marks(
        _ files: PartialFiles, _ info: Info, resume: Resume?, bootID: String
    ) -> [Resume.Mark] {
        let unknown = files.isNew ? Resume.Mark.missing : .doubtful
        var marks = [Resume.Mark](repeating: unknown, count: info.pieceCount)
        if let resume, !files.isNew {
            for piece in marks.indices {
                let mark = resume.mark(piece, currentBootID: bootID)
                marks[piece] = mark == .synced ? .verified : mark
            }
        }
        // What holds zeros, in part at least.
        for range in files.fresh where !range.isEmpty {
            for piece in info.pieces(of: range) { marks[piece] = .missing }
        }
        return marks
    }
}
