import PeerCore
import Wire

/// Whose turn it is to download.
///
/// Downloads wait in the order in which they were asked for; a few at a time are active. One that
/// gets nothing for a minute, since nobody who is online has what it lacks, doesn't count any more:
/// it stays active, and the next in the queue begins beside it. It counts again once something
/// comes, and nothing is stopped for it.
struct DownloadQueue {
    private struct Activity {
        /// At the last look.
        var receivedBytes: Int64
        /// When it last got anything, or began.
        var lastProgress: Instant
        var isStalled = false
    }

    /// Downloads that are active at a time, those without progress apart.
    let limit: Int
    /// Without progress for so long, a download doesn't count.
    let patience: Duration

    /// Each with the ticket that it drew; one that left, or left and came back, is passed over.
    private var waiting = Queue<(infoHash: InfoHash, ticket: Int)>()
    private var tickets: [InfoHash: Int] = [:]
    private var lastTicket = 0
    private var active: [InfoHash: Activity] = [:]
    private var stalledCount = 0

    init(limit: Int, patience: Duration = .seconds(60)) {
        precondition(limit > 0, "nothing would ever begin")
        self.limit = limit
        self.patience = patience
    }

    /// Whether any waits for its turn.
    var hasWaiting: Bool { !tickets.isEmpty }

    /// Puts a download that isn't in the queue at its end.
    mutating func append(_ infoHash: InfoHash) {
        precondition(tickets[infoHash] == nil && active[infoHash] == nil, "it is there already")
        lastTicket += 1
        tickets[infoHash] = lastTicket
        waiting.append((infoHash, lastTicket))
    }

    /// Takes one out that is done, stopped, or paused; without effect for one that isn't there.
    mutating func remove(_ infoHash: InfoHash) {
        tickets[infoHash] = nil
        if let activity = active.removeValue(forKey: infoHash), activity.isStalled {
            stalledCount -= 1
        }
    }

    /// The next whose turn it is: from now on it is active.
    mutating func takeNext(at now: Instant) -> InfoHash? {
        guard active.count - stalledCount < limit else { return nil }
        while !waiting.isEmpty {
            let (infoHash, ticket) = waiting.removeFirst()
            guard tickets[infoHash] == ticket else { continue }
            tickets[infoHash] = nil
            active[infoHash] = Activity(receivedBytes: 0, lastProgress: now)
            return infoHash
        }
        return nil
    }

    /// Finds out who got something since the last look, and who hasn't for too long.
    /// - Parameter receivedBytes: of an active one, ever growing.
    mutating func look(at now: Instant, receivedBytes: (InfoHash) -> Int64) {
        for index in active.values.indices {
            let received = receivedBytes(active.keys[index])
            var activity = active.values[index]
            if received != activity.receivedBytes {
                activity.receivedBytes = received
                activity.lastProgress = now
            }
            activity.isStalled = activity.lastProgress.advanced(by: patience) <= now
            active.values[index] = activity
        }
        stalledCount = active.values.count { $0.isStalled }
    }
}
