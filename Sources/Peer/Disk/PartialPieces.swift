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
        _ files: PartialFiles, _ target: DownloadTarget, resume: Resume?, bootID: String
    ) -> [Resume.Mark] {
        let info = target.info
        let unknown = files.isNew ? Resume.Mark.missing : .doubtful
        var marks = [Resume.Mark](repeating: unknown, count: info.pieceCount)
        if let resume, !files.isNew {
            for piece in marks.indices {
                let mark = resume.mark(piece, currentBootID: bootID)
                marks[piece] = mark == .synced ? .verified : mark
            }
        }
        // All pieces of what is in place were verified once. Those that files have a part in which
        // are stored now had that in the edges.
        let placed = FileSelection(target.inPlace.keys, of: info).pieces(of: info)
        let stored = FileSelection(target.storedFiles, of: info).pieces(of: info)
        for piece in placed.members where !stored.contains(piece) { marks[piece] = .verified }
        let hasEdges = DiskFile.exists(target.edgesPath)
        for index in files.missing {
            for piece in target.pieces(of: index) {
                let wasThere = marks[piece] != .missing || placed.contains(piece)
                marks[piece] = hasEdges && wasThere ? .doubtful : .missing
            }
        }
        // What lay in files that aren't wanted any more isn't in the edges.
        for index in hasEdges ? files.unwanted : unselected(target) {
            for piece in target.pieces(of: index) { marks[piece] = .missing }
        }
        return marks
    }

    /// The file of the edges is made with the first bytes that belong there.
    private static func unselected(_ target: DownloadTarget) -> [Int] {
        guard let selection = target.selection else { return [] }
        return target.info.files.indices.filter { index in
            !target.info.files[index].isPad && !selection.contains(index)
        }
    }
}
