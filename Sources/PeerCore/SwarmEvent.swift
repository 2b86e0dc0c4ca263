import Wire

/// Names a connection of a swarm. The driver makes them up: `slot` is a small number that is
/// reused, `generation` tells its users apart, so that what comes late for a closed connection
/// is recognized and ignored.
package struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    package let slot: UInt32
    package let generation: UInt32

    package init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    package var description: String { "#\(slot).\(generation)" }
}

/// What a driver tells a swarm.
package enum SwarmEvent {
    /// Begin: announce, connect, accept. Also begins again after `stop`.
    case start
    /// Close every connection and announce `stopped`. What is verified stays known.
    case stop
    /// A connection asked for by `SwarmAction.connect` is up; no byte has been read or written.
    case connected(ConnectionID, Endpoint)
    /// A stranger has connected from this endpoint and sent this handshake, which names this
    /// swarm's info-hash; the swarm answers it. Bytes behind the handshake follow as `received`.
    case accepted(ConnectionID, Endpoint, Handshake)
    /// Bytes have arrived; they need be valid during the call only.
    case received(ConnectionID, UnsafeRawBufferPointer)
    /// What was handed out by `send` and `sendBlock` has left the program, or so much of it that
    /// more is welcome. The driver must report it after each batch of actions with a
    /// `sendBlock` once the connection's queue is low, also when it never was high: until then
    /// at most `SwarmConfiguration.releasedBytes` of blocks are handed out, and one more.
    case drained(ConnectionID)
    /// The connection has ended by itself. Not reported after `SwarmAction.close`.
    case closed(ConnectionID)
    /// A connection asked for by `SwarmAction.connect` could not be made.
    case connectFailed(Endpoint)
    /// The answer to `SwarmAction.verify`: whether the stored piece has its hash.
    case verified(piece: Int, ok: Bool)
    /// The answer to `SwarmAction.fingerprint`, a number for each block of the piece.
    case fingerprinted(piece: Int, [UInt64])
    /// The tracker's answer to `SwarmAction.announce`.
    case announced(interval: Duration, peers: [Endpoint])
    /// The tracker could not be asked.
    case announceFailed
    /// Peers of whom something else than the tracker told: a magnet link, or those who gave the
    /// info dictionary.
    case found([Endpoint])
    /// Whether pieces are asked for in the order of the file, for who reads while it arrives;
    /// else the rarest come first, as at the beginning.
    case setSequential(Bool)
    /// The user's limit of uploads, of all torrents together, in bytes a second; nil for none.
    /// It decides how many peers are unchoked; the driver sees that it is kept.
    case setUploadLimit(Int?)
    /// What this torrent may count on of the user's limit of downloads, in bytes a second; nil for
    /// no limit. No more is asked for than comes in a few seconds at that rate, and nobody is taken
    /// for slow because of it; the driver sees that it is kept.
    case setDownloadLimit(Int?)
    /// `Swarm.nextDeadline` has come.
    case deadline
}

/// What an announce tells the tracker (BEP 3).
package enum SwarmAnnouncement: Sendable, Equatable {
    case started
    /// No event: one of the regular announces, or one for more peers.
    case regular
    case completed
    /// Has all that it wants, which isn't all there is (BEP 21, partial seeds).
    case paused
    /// The last one; its answer may be dropped.
    case stopped
}
