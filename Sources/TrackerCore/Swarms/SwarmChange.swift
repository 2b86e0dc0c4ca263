import Wire

/// A change of the swarms that the directory's log doesn't tell of: what others who keep the same
/// swarms have to hear.
package enum SwarmChange: Hashable, Sendable {
    case entered(SwarmEntry)
    /// The peer stopped.
    case left(InfoHash, PeerIdentity)
    /// A session of the user went offline: its peer, which listens on this port, is in no swarm.
    case disconnected(UserIndex, port: UInt16)
}

extension Swarms {
    /// Makes a change that happened elsewhere; whether it is allowed was decided before.
    /// - Parameters:
    ///   - age: how long ago it happened. Who hasn't announced since for its lifetime isn't entered.
    ///   - countsDownloads: false where the counts of downloads are known from elsewhere.
    package mutating func apply(
        _ change: SwarmChange, at now: Instant, age: Duration = .zero, countsDownloads: Bool = true
    ) {
        switch change {
        case .entered(var entry):
            entry.lifetime = min(entry.lifetime, Self.longestLifetime) - max(age, .zero)
            entry.hasCompleted = entry.hasCompleted && countsDownloads
            if entry.lifetime > .zero { enter(entry, at: now) }
        case .left(let infoHash, let identity): _ = stop(identity, of: infoHash)
        case .disconnected(let user, let port): removePeers(of: user, port: port)
        }
    }
}
