import Wire

/// What a driver is to do, in this order. Trivial: an array of these costs no reference counts.
package enum SwarmAction: Equatable, Sendable {
    /// Write this range of `SwarmOutputs.bytes`.
    case send(ConnectionID, Range<Int>)
    /// Write a `piece` message: its 13-byte header, then the range of the file.
    case sendBlock(ConnectionID, BlockRequest)
    /// Report `drained` once what was written before has left the program, or most of it: as after
    /// a `sendBlock`.
    case reportDrained(ConnectionID)
    /// Put a range of the buffer of the `received` event being handled into a piece, `begin` bytes
    /// after its beginning. Never into a piece that is being verified or fingerprinted, or is
    /// verified.
    case store(piece: Int, begin: Int, source: Range<Int>)
    /// Every block of the piece is stored: hash it and answer with `SwarmEvent.verified`; at once
    /// where it is urgent, since it comes from somebody of whom no piece was right yet.
    case verify(piece: Int, isUrgent: Bool)
    /// Hash each block (`TorrentGeometry.blockLength`) of the stored piece by itself and answer with
    /// `SwarmEvent.fingerprinted`: the first eight bytes of SHA-1, big-endian, tell them apart.
    case fingerprint(piece: Int)
    /// Connect; answer with `connected` or `connectFailed`.
    case connect(Endpoint)
    /// Close, after what was sent before has been written. No `closed` is expected.
    case close(ConnectionID, SwarmCloseReason)
    /// Announce; answer with `announced` or `announceFailed`, but for `stopped`.
    case announce(SwarmAnnouncement)
    /// The piece has its hash: it may be recorded and is served from now on.
    case pieceCompleted(Int)
    /// The last wanted piece has come. Not given to a swarm that began complete.
    case completed
    /// This peer sent a piece that hasn't its hash; it is banned, its connection is closed.
    case blamed(Endpoint, piece: Int)
}

/// Why a swarm closes a connection.
package enum SwarmCloseReason: UInt8, Sendable, Equatable {
    /// The swarm was stopped.
    case stopped
    /// No whole handshake within `handshakeTimeout`.
    case handshakeTimeout
    /// The peer answered with another info-hash or not with a handshake.
    case wrongHandshake
    /// The peer is this peer.
    case connectedToSelf
    /// Another connection to the same peer is kept.
    case duplicate
    case tooManyConnections
    /// Sent corrupt data before.
    case banned
    /// Sent corrupt data now.
    case blamed
    /// Nothing was heard for `idleTimeout`.
    case idle
    /// Neither side has anything the other one lacks.
    case nothingToExchange
    /// Bytes that aren't the peer wire protocol, or a frame over its limit.
    case malformed
    /// A message of an extension that the two haven't agreed on.
    case notNegotiated
    /// A bitfield of wrong size or with spare bits; a piece index out of range.
    case invalidHave
    /// A request outside its piece or longer than allowed.
    case invalidRequest
    /// Far more requests than were advertised as acceptable.
    case requestFlood
    /// Changes its mind about choking or interest, or introduces itself, again and again.
    case messageFlood
    /// Far more data than was asked for.
    case dataFlood
}

/// Where a swarm appends what is to be done. Reused: one for a whole loop is enough.
package struct SwarmOutputs {
    package var actions: [SwarmAction] = []
    /// The bytes that `SwarmAction.send` refers to.
    package var bytes: [UInt8] = []

    package init() {}

    /// Forgets what has been done; keeps the memory.
    package mutating func removeAll() {
        actions.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Stores a range of the received buffer, joined to a `store` just before it.
    mutating func store(piece: Int, begin: Int, source: Range<Int>) {
        if case .store(piece: piece, begin: let start, source: let range)? = actions.last,
            range.upperBound == source.lowerBound, start + range.count == begin
        {
            actions[actions.count - 1] = .store(
                piece: piece, begin: start, source: range.lowerBound..<source.upperBound)
        } else {
            actions.append(.store(piece: piece, begin: begin, source: source))
        }
    }

    /// Sends what `bytes` got since it had `start` bytes, joined to a `send` just before it.
    mutating func send(_ connection: ConnectionID, from start: Int) {
        if case .send(connection, let range)? = actions.last, range.upperBound == start {
            actions[actions.count - 1] = .send(connection, range.lowerBound..<bytes.count)
        } else {
            actions.append(.send(connection, start..<bytes.count))
        }
    }

    mutating func send(_ connection: ConnectionID, _ message: PeerMessage) {
        let start = bytes.count
        message.encode(into: &bytes)
        send(connection, from: start)
    }
}
