import Wire

/// What the swarms keep of an announce: the peer is in the swarm as it is said here.
package struct SwarmEntry: Hashable, Sendable {
    package var infoHash: InfoHash
    package var identity: PeerIdentity
    /// Whose passkey it came with; nil in an open swarm.
    package var user: UserIndex?
    package var endpoint: Endpoint
    package var isSeeder: Bool
    /// A leecher that has what it wants, `event=paused` (BEP 21).
    package var isPaused: Bool
    /// The download ended just now.
    package var hasCompleted: Bool
    /// How long the peer counts without announcing again, in steps of 8 s; two days at most.
    package var lifetime: Duration

    package init(
        infoHash: InfoHash, identity: PeerIdentity, user: UserIndex?, endpoint: Endpoint,
        isSeeder: Bool, isPaused: Bool = false, hasCompleted: Bool = false, lifetime: Duration
    ) {
        self.infoHash = infoHash
        self.identity = identity
        self.user = user
        self.endpoint = endpoint
        self.isSeeder = isSeeder
        self.isPaused = isPaused
        self.hasCompleted = hasCompleted
        self.lifetime = lifetime
    }
}
