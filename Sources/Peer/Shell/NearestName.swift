/// The known name that a mistyped one most likely meant.
package enum NearestName {
    /// The nearest of `candidates` to `name`, or nil where none is near: at most a third of the
    /// longer name may differ, except that a candidate beginning with `name` always counts.
    /// Of equally near ones the first is taken.
    package static func find(_ name: String, among candidates: [String]) -> String? {
        let typed = Array(name.lowercased().unicodeScalars.prefix(64))
        guard !typed.isEmpty else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let known = Array(candidate.lowercased().unicodeScalars)
            let found = distance(typed, known)
            let isNear = found * 3 <= max(typed.count, known.count)
            guard isNear || known.starts(with: typed) else { continue }
            if found < best?.distance ?? .max { best = (candidate, found) }
        }
        return best?.name
    }

    /// How many single insertions, deletions, replacements and swaps of neighbours lead from one
    /// to the other (optimal string alignment).
    static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for (j, right) in b.enumerated() {
                var cost = min(previous[j + 1] + 1, row[j] + 1)
                cost = min(cost, previous[j] + (left == right ? 0 : 1))
                if i > 0, j > 0, left == b[j - 1], a[i - 1] == right {
                    cost = min(cost, beforePrevious[j - 1] + 1)
                }
                row.append(cost)
            }
            beforePrevious = previous
            previous = row
        }
        return previous[b.count]
    }
}
