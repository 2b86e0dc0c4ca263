/// A moment of a monotonic clock with an arbitrary zero. Arithmetic saturates.
package struct Instant: Comparable, Hashable, Sendable {
    /// Nanoseconds since the clock's zero.
    package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The clock's zero.
    package static let zero = Instant(nanoseconds: 0)

    /// Later than every moment that is reached.
    package static let distantFuture = Instant(nanoseconds: .max)

    /// The moment that is so much later.
    @inlinable package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.nanosecondsSaturating)
        guard overflow else { return Instant(nanoseconds: sum) }
        return Instant(nanoseconds: nanoseconds > 0 ? .max : .min)
    }

    /// How long it is from here to the other moment; negative if that is earlier.
    @inlinable package func duration(to other: Instant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        guard overflow else { return .nanoseconds(difference) }
        return .nanoseconds(other > self ? Int64.max : Int64.min)
    }

    @inlinable package static func < (a: Instant, b: Instant) -> Bool {
        a.nanoseconds < b.nanoseconds
    }

    @inlinable package static func + (instant: Instant, duration: Duration) -> Instant {
        instant.advanced(by: duration)
    }

    @inlinable package static func - (instant: Instant, duration: Duration) -> Instant {
        let count = duration.nanosecondsSaturating
        let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(count)
        guard overflow else { return Instant(nanoseconds: difference) }
        return Instant(nanoseconds: count < 0 ? .max : .min)
    }

    @inlinable package static func - (later: Instant, earlier: Instant) -> Duration {
        earlier.duration(to: later)
    }

    @inlinable package static func += (instant: inout Instant, duration: Duration) {
        instant = instant + duration
    }
}

extension Duration {
    /// The duration in whole nanoseconds, towards zero; the nearest `Int64` where it doesn't fit.
    ///
    /// One division: `components`, which divides numbers of 128 bits, takes ten times as long.
    @inlinable package var nanosecondsSaturating: Int64 {
        let attoseconds = attoseconds
        let magnitude = attoseconds.magnitude
        let high = UInt64(truncatingIfNeeded: magnitude >> 64)
        // From here on it is 2⁶³ nanoseconds and more.
        guard high < 500_000_000 else { return attoseconds < 0 ? .min : .max }
        let low = UInt64(truncatingIfNeeded: magnitude)
        let count = Int64((1_000_000_000 as UInt64).dividingFullWidth((high, low)).quotient)
        return attoseconds < 0 ? -count : count
    }
}
