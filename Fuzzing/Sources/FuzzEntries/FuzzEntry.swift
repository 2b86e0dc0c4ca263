import Wire

/// A place where strangers' bytes come in. Each takes any bytes at all; what is wrong with the
/// program traps.
package enum FuzzEntry: String, CaseIterable, Sendable {
    /// A connection to the tracker: requests, announces, scrapes, the API's bodies.
    case http
    /// A datagram to the tracker.
    case udp
    /// A connection to a peer's port: the handshake, then messages to a swarm.
    case peer
    /// The same to a peer that fetches an info dictionary.
    case metadata
    /// A connection to a peer's port whose first byte is TLS's: all of it, from a stranger.
    case tls
    /// The same from a member of a sealed group: what it says within.
    case sealed
    case torrent, mtorrent, bencode, magnet

    package func run(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .http: TrackerInput.connection(bytes)
        case .udp: TrackerInput.datagram(bytes)
        case .peer: PeerInput.swarm(bytes)
        case .metadata: PeerInput.metadataFetch(bytes)
        case .tls: SealedInput.handshake(bytes)
        case .sealed: SealedInput.member(bytes)
        case .torrent: FileInput.torrent(bytes)
        case .mtorrent: FileInput.mtorrent(bytes)
        case .bencode: FileInput.bencode(bytes)
        case .magnet: FileInput.magnet(bytes)
        }
    }
}
