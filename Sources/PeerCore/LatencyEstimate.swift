/// The time from a request to its whole block, in nanoseconds, estimated as TCP does round trip
/// times (RFC 6298).
struct LatencyEstimate {
    private(set) var shortest: Int64 = 0
    private(set) var smoothed: Int64 = 0
    private var variation: Int64 = 0

    mutating func add(_ sample: Int64) {
        let sample = max(sample, 1)
        guard smoothed > 0 else {
            shortest = sample
            smoothed = sample
            variation = sample / 2
            return
        }
        shortest = min(shortest, sample)
        variation += (abs(sample - smoothed) - variation) / 4
        smoothed += (sample - smoothed) / 8
    }

    /// What a healthy peer doesn't exceed; nil before the first sample.
    var expectedAtMost: Int64? { smoothed > 0 ? 2 * smoothed + 4 * variation : nil }
}
