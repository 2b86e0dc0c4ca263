/// The limits and times of a swarm. Sizes in bytes.
package struct SwarmConfiguration: Sendable {
    /// Connections in all, incoming ones included.
    package var maxConnections = 4_000
    /// Connections beyond which no further ones are sought; incoming ones still come.
    package var enoughConnections = 100
    /// Connections being made at a time.
    package var maxHalfOpen = 50
    /// Endpoints remembered.
    package var maxKnownEndpoints = 2_000
    /// Peers whose transferred bytes are remembered after they left.
    package var maxRememberedPeers = 500
    /// The wait after the first failed connection; doubles with each further one, with jitter.
    package var reconnectDelay = Duration.seconds(2)
    package var maxReconnectDelay = Duration.seconds(600)

    package var handshakeTimeout = Duration.seconds(20)
    /// A keep-alive is sent after so much silence of ours (BEP 3: before two minutes).
    package var keepAliveInterval = Duration.seconds(100)
    /// A peer that is silent for so long is left.
    package var idleTimeout = Duration.seconds(180)
    /// The longest message other than `bitfield` and `piece`.
    package var maxFrameLength = 64 << 10

    /// Chokes, unchokes, changes of interest and extension messages that a peer may send between
    /// two looks at it, which are a second apart at most: each of them costs us more than it.
    package var maxStateMessages = 500

    /// The longest block that a peer may ask for.
    package var maxRequestLength = 128 << 10
    /// The same for a peer that knows `mt_maxblock`, which this is the value of.
    package var maxBlockLength = 1 << 20
    /// Requests a peer may have queued here, advertised as `reqq` (BEP 10).
    package var requestQueueLimit = 500
    /// The same in bytes of blocks: no less than `requestQueueLimit` of `maxRequestLength`.
    package var maxQueuedBytes = 64 << 20
    /// Pieces that a peer may ask for while choked, as long as it has fewer, and their bytes in
    /// all (BEP 6).
    package var allowedFastCount = 10
    package var allowedFastBytes = 4 << 20
    /// Pieces that another peer may allow us so.
    package var maxAllowedFast = 64
    /// Pieces that another peer may suggest, the last ones counting (BEP 6).
    package var maxSuggested = 8
    /// Blocks handed to the driver for one connection before `drained`, by how fast it takes them.
    package var releasedBytes = 16 << 10...1 << 20
    /// What a connection takes at once, however slow it is.
    package var socketBufferBytes = 64 << 10
    /// Data nobody asked for that a peer may send before it is left.
    package var maxUnrequestedBytes = 32 << 20

    /// Peers unchoked at a time; nil for as many as the uplink serves.
    package var uploadSlots: Int?
    /// The number of slots before anything is known of the uplink, and at the least.
    package var initialSlots = 32
    package var minimumSlots = 4
    /// Bytes a second for which a peer is worth a slot.
    package var slotRate = 48 << 10
    package var unchokeInterval = Duration.seconds(10)
    package var optimisticInterval = Duration.seconds(30)

    /// Blocks asked of one peer at a time. It begins with the least: as much as TCP sends at once
    /// then, and what is asked of a slow peer isn't asked of others.
    package var pipelineDepth = 2...4096
    /// Bytes asked of a peer beyond what is on its way, so that neither side waits for the other;
    /// a peer's share of an eighth of `maxUnverifiedBytes` between these two.
    package var pipelineSlack = 128 << 10...8 << 20
    /// Bytes that are asked for or stored and not verified, beyond which no more is asked for:
    /// what a slow disk may have to catch up with. Two pieces at least. Parts of pieces that
    /// nobody is asked for count only again when somebody is.
    package var maxUnverifiedBytes = 128 << 20
    /// Bytes of whole pieces whose verdict is awaited, at which no more is asked for: those who
    /// verify are behind, and what still comes takes the time they need. Two pieces at least.
    package var maxVerifyingBytes = 48 << 20
    /// Requests that a peer keeps which doesn't say how many (BEP 10 `reqq`).
    package var assumedRequestQueue = 250
    /// A request is given to another peer between these two, by that peer's history.
    package var requestTimeout = Duration.seconds(4)...Duration.seconds(60)
    /// The same for a peer without a history.
    package var firstRequestTimeout = Duration.seconds(10)
    /// Pieces that are picked at random before the rarest come first.
    package var randomFirstPieces = 4
    /// Peers a block is asked of at the same time in the endgame.
    package var endgameDuplicates = 3

    /// Until the tracker says another interval, and while it can't be reached.
    package var announceInterval = Duration.seconds(120)
    /// The `v` of our extension handshake (BEP 10).
    package var clientName = "mTorrent 0.1.0"

    package init() {}
}
