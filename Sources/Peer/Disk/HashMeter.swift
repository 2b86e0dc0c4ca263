import Synchronization

/// Turns the steps of a hash into reports, at most five a second.
final class HashMeter: Sendable {
    private let total: Int64
    private let report: @Sendable (HashProgress) -> Void
    private let started = ContinuousClock.now
    private let lastReport: Mutex<ContinuousClock.Instant>

    init(total: Int64, report: @escaping @Sendable (HashProgress) -> Void) {
        self.total = total
        self.report = report
        lastReport = Mutex(started)
    }

    func advance(to hashed: Int64) {
        let now = ContinuousClock.now
        let isDue = lastReport.withLock { last in
            guard now - last >= .milliseconds(200) || hashed == total else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let seconds = (now - started) / .seconds(1)
        report(
            HashProgress(
                hashed: hashed, total: total,
                bytesPerSecond: seconds > 0 ? Double(hashed) / seconds : 0))
    }
}
