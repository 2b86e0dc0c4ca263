import Wire

/// Bytes a second over the last two seconds or so, or since the first ones when that is less.
///
/// Eight counters of 2²⁸ ns (0.27 s) each are kept; adding costs a shift and an addition.
struct RateMeter: Sendable {
    private var buckets = InlineArray<8, Int64>(repeating: 0)
    private var sum: Int64 = 0
    /// The number of the latest bucket, counted from the clock's zero.
    private var latest: Int64 = .min
    /// Since when bytes could come, in nanoseconds; counts where it is inside the window.
    private var begin: Int64 = .min

    private static let bucketShift: Int64 = 28
    private static let bucketCount: Int64 = 8

    init() {}

    /// Says that bytes may come from `now` on, so that the wait for the first ones counts.
    /// Without effect while there are bytes in the window.
    mutating func expect(at now: Instant) {
        advance(to: now)
        if sum == 0 { begin = now.nanoseconds }
    }

    mutating func add(_ count: Int, at now: Instant) {
        advance(to: now)
        buckets[Int(latest & (Self.bucketCount - 1))] += Int64(count)
        sum += Int64(count)
    }

    /// Bytes a second at a moment not before the last one given.
    func rate(at now: Instant) -> Double {
        var meter = self
        meter.advance(to: now)
        guard meter.sum > 0 else { return 0 }
        let windowBegin = (meter.latest - Self.bucketCount + 1) << Self.bucketShift
        let elapsed = now.nanoseconds - max(windowBegin, begin)
        // A millisecond is as short as makes sense for a rate.
        return Double(meter.sum) * 1e9 / Double(max(elapsed, 1_000_000))
    }

    private mutating func advance(to now: Instant) {
        let bucket = now.nanoseconds >> Self.bucketShift
        guard bucket > latest else { return }
        guard sum > 0, bucket - latest < Self.bucketCount else {
            if sum > 0 { buckets = InlineArray(repeating: 0) }
            sum = 0
            latest = bucket
            return
        }
        while latest < bucket {
            latest += 1
            let index = Int(latest & (Self.bucketCount - 1))
            sum -= buckets[index]
            buckets[index] = 0
        }
    }
}
