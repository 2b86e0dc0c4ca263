import Wire

// What peers say.
extension Swarm {
    mutating func received(
        _ bytes: UnsafeRawBufferPointer, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        peer.lastReceivedAt = now
        var position = 0
        if peer.phase == .awaitingHandshake {
            guard readHandshake(of: peer, bytes, &position, now, &outputs) else { return }
        }
        if peer.decoder.isBetweenMessages { takeUsual(bytes, &position, from: peer, now, &outputs) }
        if position < bytes.count { decode(bytes, &position, from: peer, now, &outputs) }
        settle(peer, now)
        guard peer.isActive else { return }
        serve(peer, now, &outputs)
        if hasFreedBlocks { refillAll(now, &outputs) } else { refill(peer, now, &outputs) }
    }

    /// Takes the `have`s and requests that come next, of which there are far more than of all
    /// others: they are read where they lie.
    private mutating func takeUsual(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, from peer: PeerConnection,
        _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        var start = -1
        while position > start, peer.isActive {
            start = position
            queueRequests(in: bytes, from: &position, of: peer, now, &outputs)
            while peer.isActive, let piece = PeerMessage.have(in: bytes, at: position) {
                position += PeerMessage.haveLength
                peer.mayStillSendBitfield = false
                announced(Int(piece), by: peer, now, &outputs)
            }
        }
    }

    private mutating func decode(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int, from peer: PeerConnection,
        _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        // In a local variable, access to it needs no check for exclusivity each time.
        var decoder = peer.decoder
        do {
            while peer.isActive {
                if decoder.isBetweenMessages {
                    takeUsual(bytes, &position, from: peer, now, &outputs)
                }
                guard peer.isActive, let event = try decoder.next(in: bytes, from: &position) else {
                    break
                }
                switch event {
                case .blockFragment(let request, let offset, let payload):
                    if offset == 0, !peer.withdrawn.isEmpty {
                        answered(request, by: peer, now, &outputs)
                    }
                    fragment(of: request, offset, payload, from: peer, now, &outputs)
                case .message(let message):
                    handle(message, from: peer, now, &outputs)
                }
            }
        } catch {
            close(peer, .malformed, now, &outputs)
        }
        decoder.maxBlockLength = peer.maxRequestLength
        peer.decoder = decoder
    }

    private mutating func handle(
        _ message: PeerMessage, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        noteKind(of: message, peer)
        guard peer.stateMessages <= configuration.maxStateMessages else {
            return close(peer, .messageFlood, now, &outputs)
        }
        switch message {
        case .request(let request):
            requested(request, by: peer, now, &outputs)
        case .have(let piece):
            announced(Int(piece), by: peer, now, &outputs)
        case .bitfield(let bytes):
            announced(bytes, by: peer, now, &outputs)
        case .choke:
            choked(by: peer, now, &outputs)
        case .unchoke:
            unchoked(by: peer)
        case .interested:
            becameInterested(peer, now, &outputs)
        case .notInterested:
            lostInterest(peer, now, &outputs)
        case .cancel(let request):
            cancelled(request, by: peer, now, &outputs)
        case .extended(let id, let payload):
            extended(id, payload, from: peer, now, &outputs)
        case .suggest, .haveAll, .haveNone, .reject, .allowedFast:
            handleFast(message, from: peer, now, &outputs)
        case .keepAlive, .port, .unknown:
            break
        }
    }

    private mutating func noteKind(of message: PeerMessage, _ peer: PeerConnection) {
        switch message {
        case .keepAlive, .port, .unknown, .bitfield, .haveAll, .haveNone, .extended: break
        case .have, .request, .cancel, .suggest, .reject, .allowedFast:
            peer.mayStillSendBitfield = false
        case .choke, .unchoke, .interested, .notInterested:
            peer.mayStillSendBitfield = false
            peer.stateMessages += 1
        }
    }

    private mutating func announced(
        _ piece: Int, by peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard piece < geometry.pieceCount else {
            return close(peer, .invalidHave, now, &outputs)
        }
        guard peer.pieces.insert(piece) else { return }
        if peer.pieces.isFull { peer.pieces = fullBitfield }
        if isComplete {
            soleCopies.remove(piece)
            tookUp(UInt32(piece), peer, now, &outputs)
        } else if !peer.isCountedAsSeed {
            picker.add(piece)
        }
        if missing.contains(piece) {
            peer.usefulPieces += 1
            if picker.hasUnrequested(piece) { peer.dryEpoch = 0 }
        }
        reconsider(peer, now, &outputs)
    }

    private mutating func announced(
        _ bytes: [UInt8], by peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard let pieces = Bitfield(wireBytes: bytes, bitCount: geometry.pieceCount) else {
            return close(peer, .invalidHave, now, &outputs)
        }
        learned(pieces, of: peer, now, &outputs)
    }

    /// The peer says in one message which pieces it has.
    mutating func learned(
        _ pieces: Bitfield, of peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard peer.mayStillSendBitfield else {
            // BEP 3 has it first and once; aria2 repeats it. What is new in it counts as `have`s.
            peer.stateMessages += 1
            for piece in pieces.members where !peer.pieces.contains(piece) && peer.isActive {
                announced(piece, by: peer, now, &outputs)
            }
            return
        }
        peer.mayStillSendBitfield = false
        // Equal ones share their memory: seeds, and those who begin, are many.
        peer.pieces = pieces.isFull ? fullBitfield : pieces
        peer.isCountedAsSeed = pieces.isFull
        if isComplete {
            soleCopies.remove(pieces)
        } else if !peer.isCountedAsSeed {
            picker.add(pieces)
        }
        peer.usefulPieces = pieces.count(sharedWith: missing)
        reconsider(peer, now, &outputs)
        if peer.isActive { grantFastPieces(to: peer, now, &outputs) }
    }

    /// After what it has, or what we have, changed: whether we are interested, and whether the
    /// connection is of use to either side.
    mutating func reconsider(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if isComplete, peer.pieces.isFull || peer.isUploadOnly {
            return close(peer, .nothingToExchange, now, &outputs)
        }
        let isInteresting = peer.usefulPieces > 0
        guard isInteresting != peer.amInterested else { return }
        peer.amInterested = isInteresting
        usefulCount += isInteresting ? 1 : -1
        if isInteresting { announces.fed() }
        send(isInteresting ? .interested : .notInterested, to: peer, now, &outputs)
    }
}
