import PeerCore
import Wire

/// Some of a directory's files, by their indices in the info dictionary.
struct FileSelection: Equatable, Sendable {
    /// A bit for each of the torrent's files.
    let files: Bitfield

    /// - Parameter indices: of files; pads among them don't matter.
    init(_ indices: some Sequence<Int>, of info: Info) {
        var files = Bitfield(bitCount: info.files.count)
        for index in indices where !info.files[index].isPad { files.insert(index) }
        self.files = files
    }

    init(_ files: Bitfield) {
        self.files = files
    }

    func contains(_ index: Int) -> Bool { files.contains(index) }

    /// These files and others; nil where that is all of them.
    func adding(_ others: FileSelection?, of info: Info) -> FileSelection? {
        guard let others else { return nil }
        var union = files
        for index in others.files.members { union.insert(index) }
        let count = info.files.count { !$0.isPad }
        return union.setCount == count ? nil : FileSelection(union)
    }

    /// The pieces that have bytes of these files.
    func pieces(of info: Info) -> Bitfield {
        var pieces = Bitfield(bitCount: info.pieceCount)
        for index in files.members where info.files[index].length > 0 {
            for piece in info.pieces(of: info.files[index].range) { pieces.insert(piece) }
        }
        return pieces
    }

    /// Bytes of these files.
    func contentLength(of info: Info) -> Int64 {
        files.members.reduce(0) { $0 + info.files[$1].length }
    }
}

extension Info {
    /// The pieces that a part of the piece space, which isn't empty, lies in.
    func pieces(of range: Range<Int64>) -> Range<Int> {
        Int(
            range.lowerBound / Int64(pieceLength))..<Int(
                (range.upperBound - 1) / Int64(pieceLength) + 1)
    }

    /// Where a piece lies in the piece space.
    func range(ofPiece piece: Int) -> Range<Int64> {
        let start = offset(ofPiece: piece)
        return start..<start + Int64(length(ofPiece: piece))
    }
}
