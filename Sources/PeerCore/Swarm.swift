import Wire

/// One torrent's brain: events and a `now` in; actions and deadlines out. It knows no socket,
/// no clock and no file, and draws randomness from its seed alone.
package struct Swarm: ~Copyable {
    package let geometry: TorrentGeometry
    package let ownID: PeerID
    /// The pieces that have their hash.
    package private(set) var have: Bitfield

    /// A swarm that isn't started. `have` has a bit for each piece that is verified already.
    package init(
        geometry: TorrentGeometry, have: Bitfield, ownID: PeerID, ownPort: UInt16,
        configuration: SwarmConfiguration = SwarmConfiguration(), seed: UInt64
    ) {
        precondition(have.bitCount == geometry.pieceCount, "a bit for each piece")
        self.geometry = geometry
        self.have = have
        self.ownID = ownID
    }

    /// Takes one event and appends what is to be done.
    package mutating func receive(
        _ event: SwarmEvent, at now: Instant, into outputs: inout SwarmOutputs
    ) {
    }

    /// When `SwarmEvent.deadline` is wanted next; may change with every event.
    package var nextDeadline: Instant? { nil }

    /// The state at a moment, in time proportional to the number of connections.
    package func progress(at now: Instant) -> SwarmProgress { SwarmProgress() }

    /// The connected peers, then the remembered ones.
    package func peers(at now: Instant) -> [PeerSnapshot] { [] }
}
