/// Which bytes of a stretch are there: ranges in ascending order that don't touch each other. They
/// are few, since what arrives mostly goes on where something ended.
struct FilledRanges: Equatable, Sendable {
    private(set) var ranges: [Range<Int>] = []

    var isEmpty: Bool { ranges.isEmpty }

    /// Whether all of `0..<count` is there.
    func isFull(_ count: Int) -> Bool { ranges.first == 0..<count }

    mutating func insert(_ range: Range<Int>) {
        if range.isEmpty { return }
        // The usual case first: it goes on at the end of the last.
        if let last = ranges.last, last.upperBound == range.lowerBound {
            ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
            return
        }
        let first = ranges.firstIndex { $0.upperBound >= range.lowerBound } ?? ranges.count
        var merged = range
        var end = first
        while end < ranges.count, ranges[end].lowerBound <= merged.upperBound {
            merged =
                min(
                    merged.lowerBound, ranges[end].lowerBound)..<max(
                    merged.upperBound, ranges[end].upperBound)
            end += 1
        }
        ranges.replaceSubrange(first..<end, with: CollectionOfOne(merged))
    }
}
