import Wire

/// How many connections there may be in all, and which torrent may have one more.
///
/// While there are plenty, every torrent may. The last tenth is for torrents with less than an equal
/// share, so that those which came first don't shut out the others. Nobody is disconnected for
/// another's sake.
struct ConnectionBudget {
    let limit: Int
    private(set) var count = 0
    /// Of each torrent that has any.
    private var counts: [InfoHash: Int] = [:]

    init(limit: Int) {
        precondition(limit > 0, "a peer has connections")
        self.limit = limit
    }

    var isFull: Bool { count >= limit }

    /// Torrents that have any.
    var torrentCount: Int { counts.count }

    func admits(_ infoHash: InfoHash) -> Bool {
        if count < limit - (limit + 9) / 10 { return true }
        guard !isFull else { return false }
        let own = counts[infoHash] ?? 0
        return own < max(1, limit / (counts.count + (own == 0 ? 1 : 0)))
    }

    mutating func add(_ infoHash: InfoHash) {
        count += 1
        counts[infoHash, default: 0] += 1
    }

    mutating func remove(_ infoHash: InfoHash) {
        guard let own = counts[infoHash] else {
            preconditionFailure("what was added is removed once")
        }
        count -= 1
        counts[infoHash] = own == 1 ? nil : own - 1
    }
}
