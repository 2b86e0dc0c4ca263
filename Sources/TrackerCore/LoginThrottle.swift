import Wire

/// Slows down log-ins to a user after wrong passwords, whether there is such a user or not, and
/// leaves all others alone.
///
/// The first failures cost nothing; from then on each doubles the time until the next attempt is
/// looked at. Attempts wait their turn one after another; when the line is too long, further
/// ones are turned away.
package struct LoginThrottle: Sendable {
    package struct Policy: Sendable {
        /// Failures that don't slow down yet.
        package var freeFailures = 3
        /// After the first that counts; it doubles from there.
        package var firstDelay = Duration.milliseconds(500)
        package var longestDelay = Duration.seconds(8)
        /// An attempt that would wait longer is turned away.
        package var longestWait = Duration.seconds(24)
        /// Failures are forgotten after that long without another.
        package var memory = Duration.seconds(900)

        package init() {}
    }

    package enum Verdict: Hashable, Sendable {
        /// Look at the password after so long.
        case after(Duration)
        /// Turn the attempt away; the next may be made after so long.
        case tooMany(retryAfter: Duration)
    }

    private struct Record {
        /// Attempts that didn't succeed, or haven't ended.
        var failures = 0
        var lastAttempt: Instant
        /// No attempt is looked at before.
        var nextTurn: Instant
    }

    /// Names remembered at a time; looking for the oldest among so many is little beside the
    /// password's hash.
    package static let recordLimit = 10_000

    private let policy: Policy
    private var records: [String: Record] = [:]
    private var nextPurge: Instant?

    package init(policy: Policy = Policy()) { self.policy = policy }

    /// Takes a place in line for an attempt, which counts as a failure until it succeeds: many
    /// attempts at once gain nothing.
    package mutating func admit(_ user: String, at now: Instant) -> Verdict {
        purge(at: now)
        if records[user] == nil, records.count >= Self.recordLimit { forgetOldest() }
        var record = records[user] ?? Record(lastAttempt: now, nextTurn: now)
        if record.lastAttempt.advanced(by: policy.memory) <= now { record.failures = 0 }
        let turn = max(now, record.nextTurn)
        let wait = now.duration(to: turn)
        guard wait <= policy.longestWait else {
            return .tooMany(retryAfter: policy.longestDelay)
        }
        record.failures += 1
        record.lastAttempt = now
        record.nextTurn = turn.advanced(by: delay(after: record.failures))
        records[user] = record
        return .after(wait)
    }

    /// The password was right: what failed before is forgotten.
    package mutating func succeeded(_ user: String) {
        records[user] = nil
    }

    /// The attempt ended without a look at the password: it doesn't count.
    package mutating func withdrew(_ user: String) {
        guard let failures = records[user]?.failures, failures > 0 else { return }
        records[user]?.failures = failures - 1
    }

    /// Users with failures that aren't forgotten.
    package var recordCount: Int { records.count }

    private func delay(after failures: Int) -> Duration {
        let counted = failures - policy.freeFailures
        guard counted > 0 else { return .zero }
        // Doubling beyond the longest delay would overflow in the end.
        return min(policy.longestDelay, policy.firstDelay * (1 << min(counted - 1, 30)))
    }

    /// Many names tried once push each other out, and cost no more memory than this.
    private mutating func forgetOldest() {
        guard let oldest = records.min(by: { $0.value.lastAttempt < $1.value.lastAttempt })
        else { return }
        records[oldest.key] = nil
    }

    /// Names that were tried once would otherwise stay for ever.
    private mutating func purge(at now: Instant) {
        guard let due = nextPurge else {
            nextPurge = now.advanced(by: policy.memory)
            return
        }
        guard now >= due else { return }
        records = records.filter { $0.value.lastAttempt.advanced(by: policy.memory) > now }
        nextPurge = now.advanced(by: policy.memory)
    }
}
