import Wire

/// Decides whom to upload to, every ten seconds (BEP 3, "Choking").
///
/// While downloading, those who send the fastest (tit for tat), and a fifth of the slots for those
/// whom we owe the most, and among those alike who have waited the longest (optimistic), who keep
/// theirs for thirty seconds, or until they have had so much for nothing. So who gives to many that
/// have no slot for it gets it back from each, and those who only take get what is left. While
/// seeding, all but a fifth for those whom we still owe something, and the others for everyone in
/// turn: whoever has had a slot for two rounds makes room for who has waited the longest, those that
/// got the least staying the longest. So nobody who is interested is ever forgotten, and everyone
/// is unchoked while there are slots for all.
struct Unchoker {
    /// An interested peer.
    struct Candidate: Sendable {
        /// The peer's place in the connection table.
        var index: Int
        /// What it sends us, in bytes a second.
        var rate: Double
        /// What it got since it was unchoked, in bytes.
        var servedBytes: Int64
        /// What it has given us more than we have given it, in bytes.
        var balance: Int64
        /// Since when it waits, or has its slot.
        var since: Instant
        var isUnchoked: Bool
        var isOptimistic: Bool
        /// It owes us blocks: no tit for its tat.
        var isSnubbed: Bool

        init(
            index: Int, rate: Double = 0, servedBytes: Int64 = 0, balance: Int64 = 0,
            since: Instant,
            isUnchoked: Bool = false, isOptimistic: Bool = false, isSnubbed: Bool = false
        ) {
            self.index = index
            self.rate = rate
            self.servedBytes = servedBytes
            self.balance = balance
            self.since = since
            self.isUnchoked = isUnchoked
            self.isOptimistic = isOptimistic
            self.isSnubbed = isSnubbed
        }
    }

    /// One who gets a slot.
    struct Choice: Equatable, Sendable {
        var index: Int
        var isOptimistic: Bool

        init(index: Int, isOptimistic: Bool = false) {
            self.index = index
            self.isOptimistic = isOptimistic
        }
    }

    let optimisticInterval: Duration
    let quantum: Duration

    init(unchokeInterval: Duration, optimisticInterval: Duration) {
        self.optimisticInterval = optimisticInterval
        quantum = unchokeInterval * 2
    }

    /// The peers to be unchoked from now on, at most `slots` of them.
    func choose(
        _ slots: Int, among candidates: [Candidate], isSeeding: Bool, at now: Instant
    ) -> [Choice] {
        guard candidates.count > slots else {
            return candidates.map { Choice(index: $0.index) }
        }
        return isSeeding
            ? takeTurns(slots, candidates, now) : titForTat(slots, candidates, now)
    }

    private func titForTat(
        _ slots: Int, _ candidates: [Candidate], _ now: Instant
    ) -> [Choice] {
        let optimisticSlots = max(1, slots / 5)
        let ranked = candidates.filter { !$0.isSnubbed && $0.rate > 0 }.sorted {
            ($1.rate, $0.since, $0.index) < ($0.rate, $1.since, $1.index)
        }
        var choices = ranked.prefix(slots - optimisticSlots).map { Choice(index: $0.index) }
        let chosen = Set(choices.map(\.index))
        // Those whose trial is not over, then those who wait, those first whom we owe the most; last
        // those whose trial is over.
        let trials = candidates.filter { !chosen.contains($0.index) }.sorted {
            (trialOrder($0, now), -claim($0), $0.since, $0.index)
                < (trialOrder($1, now), -claim($1), $1.since, $1.index)
        }
        for trial in trials.prefix(slots - choices.count) {
            choices.append(Choice(index: trial.index, isOptimistic: true))
        }
        return choices
    }

    /// Whether one that was unchoked for the chance has had it.
    private func isTried(_ candidate: Candidate, _ now: Instant) -> Bool {
        candidate.since.advanced(by: optimisticInterval) <= now
            || -candidate.balance > Self.claimUnit
    }

    /// What it has given us more than it got back, roughly; negative for who has had more. Of those
    /// who are alike in that, who has waited the longest comes first.
    private func claim(_ candidate: Candidate) -> Int64 { candidate.balance / Self.claimUnit }

    /// In bytes. With less, who only takes gets less, and with more, those who give are left behind
    /// by more: four times as much had the slowest of them take half as long again as the mean.
    private static let claimUnit: Int64 = 64 << 10

    private func trialOrder(_ candidate: Candidate, _ now: Instant) -> Int {
        guard candidate.isUnchoked else { return 1 }
        return candidate.isOptimistic && !isTried(candidate, now) ? 0 : 2
    }

    private func takeTurns(
        _ slots: Int, _ candidates: [Candidate], _ now: Instant
    ) -> [Choice] {
        let owed = candidates.filter { claim($0) > 0 }.sorted {
            ($0.isUnchoked ? 0 : 1, $0.since, $0.index)
                < ($1.isUnchoked ? 0 : 1, $1.since, $1.index)
        }
        let repaid = owed.prefix(slots - max(1, slots / 5))
        let chosen = Set(repaid.map(\.index))
        let ranked = candidates.filter { !chosen.contains($0.index) }.sorted {
            turnOrder($0, now) < turnOrder($1, now)
        }
        return (repaid + ranked.prefix(slots - repaid.count)).map { Choice(index: $0.index) }
    }

    private func turnOrder(_ candidate: Candidate, _ now: Instant) -> (Int, Int64, Int) {
        guard candidate.isUnchoked else {
            return (1, candidate.since.nanoseconds, candidate.index)
        }
        let isOver = candidate.since.advanced(by: quantum) <= now
        return (isOver ? 2 : 0, candidate.servedBytes, candidate.index)
    }
}
