import Wire

/// How the piece space of a torrent, all its files laid end to end (BEP 3), lies on disk.
struct ContentLayout: Sendable {
    /// What keeps a part of the piece space.
    enum Place: Hashable, Sendable {
        /// The file of this index in the info dictionary.
        case file(Int)
        /// The parts of files that aren't wanted, where they share pieces with wanted ones: a
        /// sparse file beside the node's state, in which they lie as in the piece space.
        case edges
        /// Nothing: a pad file's zeros (BEP 47).
        case pad
    }

    /// A part of the piece space that lies in one place.
    struct Span: Hashable, Sendable {
        let place: Place
        /// In the place's file, in bytes.
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

    /// - Parameter selection: the files that are wanted; nil for all.
    init(_ info: Info, selection: FileSelection? = nil) {
        length = info.length
        var parts: [Part] = []
        for (index, file) in info.files.enumerated() where file.length > 0 {
            let place: Place =
                if file.isPad {
                    .pad
                } else if let selection, !selection.contains(index) {
                    .edges
                } else {
                    .file(index)
                }
            if place == .edges, parts.last?.place == .edges { continue }
            parts.append(Part(place: place, start: file.offset))
        }
        self.parts = parts
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
            let offset = part.place == .edges ? position : position - part.start
            try body(Span(place: part.place, offset: offset, length: Int(end - position)))
            position = end
            index += 1
        }
    }

    /// A range of the piece space that lies in one place; nil if it lies in several.
    func span(of range: Range<Int64>) -> Span? {
        var found: Span?
        forEachSpan(of: range) { span in found = found ?? span }
        return found?.length == range.count ? found : nil
    }

    /// Bytes of a range that belong to wanted files.
    func contentLength(of range: Range<Int64>) -> Int64 {
        var length: Int64 = 0
        forEachSpan(of: range) { span in
            if case .file = span.place { length += Int64(span.length) }
        }
        return length
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
