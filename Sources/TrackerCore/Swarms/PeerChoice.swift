/// A uniform choice of places out of a range, without repetition, in time that depends on the
/// number chosen only.
enum PeerChoice {
    /// Writes `min(count, range.count)` places to `chosen`, every set of so many equally likely.
    static func choose(
        _ count: Int, from range: Range<Int>, random: inout SmallGenerator,
        into chosen: inout [Int]
    ) {
        chosen.removeAll(keepingCapacity: true)
        if count >= range.count {
            chosen.append(contentsOf: range)
            return
        }
        // Floyd's algorithm: a repeated draw stands for the newest place, which can't be in yet.
        for newest in (range.upperBound - count)..<range.upperBound {
            let drawn = Int.random(in: range.lowerBound...newest, using: &random)
            chosen.append(chosen.contains(drawn) ? newest : drawn)
        }
    }
}
