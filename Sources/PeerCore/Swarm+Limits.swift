import Wire

// What a limit of the download means for requests: what was asked for comes as slowly as the limit
// lets it in, from whomever.
extension Swarm {
    /// How long what is asked for takes to come.
    private static let requestedSeconds = 2

    /// Finds out how many more blocks may be asked for. Costs a look at every connection, with a
    /// limit; so it is done before all are refilled, and in between requests are counted down and
    /// blocks up.
    mutating func measureLimitRoom() {
        guard let downloadLimit else { return }
        let requested = connections.entries.reduce(0) { $0 + ($1?.pipeline.outstanding ?? 0) }
        limitRoom = blocksInTime(downloadLimit) - requested
    }

    /// How many blocks may be asked for at a limit.
    private func blocksInTime(_ limit: Int) -> Int {
        max(2, limit * Self.requestedSeconds / geometry.blockLength)
    }

    /// How many more blocks a peer may be asked for. One that isn't asked for anything always may,
    /// lest slow ones keep all of the limit to themselves.
    @inline(__always)
    func limitedRoom(of peer: PeerConnection) -> Int {
        max(limitRoom, peer.pipeline.outstanding == 0 ? 1 : 0)
    }

    /// Whether it is the limit that lets no more come in: then nobody is relieved as too slow.
    @inline(__always)
    func isAtDownloadLimit(_ now: Instant) -> Bool {
        guard let downloadLimit else { return false }
        return downloadMeter.rate(at: now) >= 0.75 * Double(downloadLimit)
    }

    /// How much longer an answer may take than it took before, since what was asked of others comes
    /// in before it.
    @inline(__always)
    var limitDelay: Duration {
        guard let downloadLimit else { return .zero }
        let requested = blocksInTime(downloadLimit) - limitRoom
        let seconds = Double(requested * geometry.blockLength) / Double(downloadLimit)
        return .seconds(2 * max(0, seconds))
    }
}
