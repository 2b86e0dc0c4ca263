/// How long things took: counts by upper bounds, as Prometheus histograms have them.
struct Histogram {
    /// Seconds, growing. What took longer than the last counts in the total alone.
    static let bounds: [Double] = [
        0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
        0.25, 0.5, 1, 2.5, 5,
    ]

    private static let nanosecondBounds = bounds.map { Int64($0 * 1e9) }

    /// Not cumulative; the last is of what is over every bound.
    private var counts = [UInt64](repeating: 0, count: Histogram.bounds.count + 1)
    private var nanosecondSum: Int64 = 0

    mutating func observe(nanoseconds: Int64) {
        let bounds = Self.nanosecondBounds
        var bucket = 0
        while bucket < bounds.count, nanoseconds > bounds[bucket] { bucket += 1 }
        counts[bucket] += 1
        nanosecondSum += nanoseconds
    }

    mutating func add(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        nanosecondSum += other.nanosecondSum
    }

    /// Seconds in all.
    var sum: Double { Double(nanosecondSum) / 1e9 }

    /// How many took up to each bound.
    var cumulativeCounts: [UInt64] {
        var total: UInt64 = 0
        return counts.dropLast().map { count in
            total += count
            return total
        }
    }

    var count: UInt64 { counts.reduce(0, +) }
}
