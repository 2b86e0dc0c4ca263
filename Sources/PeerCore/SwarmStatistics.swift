import Wire

/// A swarm's state for people and trackers. Rates are in bytes a second over about two seconds.
package struct SwarmProgress: Equatable, Sendable {
    package var pieceCount = 0
    package var verifiedPieces = 0
    package var totalBytes: Int64 = 0
    /// Bytes of pieces that have their hash.
    package var verifiedBytes: Int64 = 0
    /// The pieces that are to be fetched, those that were there already included.
    package var wantedPieces = 0
    package var wantedBytes: Int64 = 0
    /// Those of them that haven't their hash yet.
    package var missingPieces = 0
    package var missingBytes: Int64 = 0
    /// Bytes that have been asked for and haven't come.
    package var inFlightBytes: Int64 = 0
    package var downloadRate = 0.0
    package var uploadRate = 0.0
    /// Time until every wanted piece is there at the present rate; nil when nothing comes.
    package var eta: Duration?
    /// Connections past their handshake, and those of them with every piece.
    package var connectedPeers = 0
    package var connectedSeeds = 0
    /// Connections being made or shaking hands.
    package var connectingPeers = 0
    /// Block data that came and was of use, also what later failed its hash.
    package var downloadedBytes: Int64 = 0
    /// Block data handed out for sending.
    package var uploadedBytes: Int64 = 0
    /// Block data that came and was of no use: unasked, or there already.
    package var wastedBytes: Int64 = 0
    /// Bytes of pieces that failed their hash.
    package var corruptBytes: Int64 = 0

    package init() {}

    /// Bytes that aren't here, wanted or not, as announces report it (BEP 3; BEP 21 for partial
    /// seeds).
    package var left: Int64 { totalBytes - verifiedBytes }
    /// Bytes of wanted pieces that have their hash.
    package var verifiedWantedBytes: Int64 { wantedBytes - missingBytes }
    /// Whether every wanted piece has its hash.
    package var isComplete: Bool { missingPieces == 0 }
}

/// One peer of a swarm, connected or remembered.
package struct PeerSnapshot: Equatable, Sendable {
    /// Nil once it has left.
    package var connection: ConnectionID?
    /// Where it listens, as far as known, else where it connected from.
    package var endpoint: Endpoint
    package var peerID: PeerID
    /// What it calls itself (BEP 10 `v`), as it came: escape before showing. Empty if unknown.
    package var client: String
    /// Bytes a second over about two seconds; 0 once it has left.
    package var downloadRate: Double
    package var uploadRate: Double
    /// Block data that came from it and was of use, and that was handed out for it, over all of
    /// its connections.
    package var bytesFrom: Int64
    package var bytesTo: Int64
    /// Pieces it had when last heard of.
    package var pieces: Int
    package var amInterested: Bool
    package var amChoking: Bool
    package var peerIsInterested: Bool
    package var peerIsChoking: Bool
    package var isSnubbed: Bool
}
