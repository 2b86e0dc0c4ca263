import Wire

/// How the piece space of a torrent, all its files laid end to end (BEP 3), lies on disk.
struct ContentLayout: Sendable {
    /// What keeps a part of the piece space.
    enum Place: Hashable, Sendable {
        /// The file of this index in the info dictionary.
        case file(Int)
        /// Nothing: a pad file's zeros (BEP 47).
        case pad
    }

    /// A part of the piece space that lies in one place.
    struct Span: Hashable, Sendable {
        let place: Place
        /// In the file, in bytes.
        let offset: Int64
        let length: Int
    }

    private struct Part {
        let place: Place
        /// In the piece space.
        let start: Int64
    }

    /// Without empty files, which keep nothing; in ascending order.
    private let parts: [Part]
    /// Bytes of the piece space.
    let length: Int64

    init(_ info: Info) {
        length = info.length
        parts = info.files.indices.lazy.filter { info.files[$0].length > 0 }.map { index in
            let file = info.files[index]
            return Part(place: file.isPad ? .pad : .file(index), start: file.offset)
        }
    }

    /// Gives the parts of a range of the piece space, in order; together they are the range.
    func forEachSpan<Failure: Error>(
        of range: Range<Int64>, _ body: (Span) throws(Failure) -> Void
    ) throws(Failure) {
        var index = firstPart(at: range.lowerBound)
        var position = range.lowerBound
        while position < range.upperBound {
            let part = parts[index]
            let partEnd = index + 1 < parts.count ? parts[index + 1].start : length
            let end = min(partEnd, range.upperBound)
            try body(
                Span(
                    place: part.place, offset: position - part.start,
                    length: Int(end - position)))
            position = end
            index += 1
        }
    }

    /// The last part that begins at or before a position, by bisection.
    private func firstPart(at position: Int64) -> Int {
        var (low, high) = (0, parts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if parts[middle].start <= position { low = middle } else { high = middle }
        }
        return low
    }
}
