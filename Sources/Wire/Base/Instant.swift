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
    @inlinable package var nanosecondsSaturating: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds > 0 ? .max : .min }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !carry else { return seconds > 0 ? .max : .min }
        return sum
    }
}
