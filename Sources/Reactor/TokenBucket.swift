/// How many bytes may pass at a rate. A quarter of a second's worth gathers while nobody takes any.
///
/// The level may fall below zero: who finds it at zero or above takes what it needs as a whole, and
/// all wait until the debt is paid. So a unit larger than what can gather passes too, and the
/// average is exact whatever the units are.
package struct TokenBucket: Sendable {
    package private(set) var bytesPerSecond: Int
    /// Bytes at `filledAt`; negative: owed.
    private var level = 0.0
    private var filledAt: MonotonicTime

    private static let gatheredSeconds = 0.25

    /// An empty bucket: the first unit may pass at once.
    package init(bytesPerSecond: Int, at now: MonotonicTime) {
        precondition(bytesPerSecond > 0, "no rate is no bucket")
        self.bytesPerSecond = bytesPerSecond
        filledAt = now
    }

    /// Another rate from `now` on. What is owed stays owed, and is paid at the new rate.
    package mutating func setRate(_ bytesPerSecond: Int, at now: MonotonicTime) {
        precondition(bytesPerSecond > 0, "no rate is no bucket")
        fill(at: now)
        self.bytesPerSecond = bytesPerSecond
        level = min(level, capacity)
    }

    /// Bytes that may pass now; any unit may where it isn't negative.
    package mutating func available(at now: MonotonicTime) -> Int {
        fill(at: now)
        return Int(level.rounded(.down))
    }

    /// Counts bytes that have passed, whether there were any to take or not.
    package mutating func take(_ count: Int, at now: MonotonicTime) {
        fill(at: now)
        level -= Double(count)
    }

    /// When the next unit may pass, should nothing be taken until then.
    package func nextTime(after now: MonotonicTime) -> MonotonicTime {
        let now = max(now, filledAt)
        let level = level(at: now)
        if level >= 0 { return now }
        let nanoseconds = (-level / Double(bytesPerSecond) * 1e9).rounded(.up)
        return now + .nanoseconds(Int64(min(nanoseconds, 1e18)))
    }

    private var capacity: Double { Double(bytesPerSecond) * Self.gatheredSeconds }

    private func level(at now: MonotonicTime) -> Double {
        let elapsed = Double(max(0, now.nanoseconds - filledAt.nanoseconds))
        return min(level + elapsed * 1e-9 * Double(bytesPerSecond), capacity)
    }

    private mutating func fill(at now: MonotonicTime) {
        level = level(at: now)
        filledAt = max(filledAt, now)
    }
}
