import Wire

// How connections begin and end.
extension Swarm {
    mutating func connected(
        _ id: ConnectionID, _ endpoint: Endpoint, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        connector.connected(endpoint)
        let peer = insert(id, endpoint, isOutgoing: true, now)
        if let reason = refusal {
            close(peer, reason, now, &outputs)
        } else {
            sendHandshake(to: peer, now, &outputs)
        }
    }

    mutating func accepted(
        _ id: ConnectionID, _ endpoint: Endpoint, _ handshake: Handshake, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        let peer = insert(id, endpoint, isOutgoing: false, now)
        if let reason = refusal {
            close(peer, reason, now, &outputs)
        } else if handshake.peerID == ownID {
            // Answered all the same, so that our other end learns whom it called.
            sendHandshake(to: peer, now, &outputs)
            close(peer, .connectedToSelf, now, &outputs)
        } else {
            begin(peer, handshake, now, &outputs)
        }
    }

    /// Why a connection can't be had at all.
    private var refusal: SwarmCloseReason? {
        if !isStarted { return .stopped }
        return connections.count > configuration.maxConnections ? .tooManyConnections : nil
    }

    private mutating func insert(
        _ id: ConnectionID, _ endpoint: Endpoint, isOutgoing: Bool, _ now: Instant
    ) -> PeerConnection {
        let peer = PeerConnection(
            id: id, endpoint: endpoint, isOutgoing: isOutgoing, geometry: geometry,
            configuration: configuration, record: nobody, now: now)
        connections.insert(peer)
        noteFirstConnection(now)
        return peer
    }

    private mutating func sendHandshake(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        var handshake = Handshake(infoHash: geometry.infoHash, peerID: ownID)
        handshake.supportsExtensionProtocol = true
        handshake.supportsFastExtension = true
        let start = outputs.bytes.count
        handshake.encode(into: &outputs.bytes)
        outputs.send(peer.id, from: start)
        peer.lastSentAt = now
    }

    /// Takes the answer to our handshake from the front of what has arrived. Returns false when
    /// it isn't whole yet or the connection was closed.
    mutating func readHandshake(
        of peer: PeerConnection, _ bytes: UnsafeRawBufferPointer, _ position: inout Int,
        _ now: Instant, _ outputs: inout SwarmOutputs
    ) -> Bool {
        let count = min(Handshake.length - peer.handshakeBytes.count, bytes.count)
        peer.handshakeBytes.append(contentsOf: bytes.prefix(count))
        position = count
        guard peer.handshakeBytes.withUnsafeBytes({ Handshake.isPrefix($0) }) else {
            close(peer, .wrongHandshake, now, &outputs)
            return false
        }
        guard peer.handshakeBytes.count == Handshake.length else { return false }
        guard let handshake = try? Handshake.decode(peer.handshakeBytes) else {
            close(peer, .wrongHandshake, now, &outputs)
            return false
        }
        peer.handshakeBytes = []
        if handshake.peerID == ownID {
            if let endpoint = peer.listenEndpoint { connector.bar(endpoint, at: now) }
            close(peer, .connectedToSelf, now, &outputs)
        } else {
            begin(peer, handshake, now, &outputs)
        }
        return peer.isActive
    }

    /// Both handshakes are known: checks who it is, and says what we have.
    private mutating func begin(
        _ peer: PeerConnection, _ handshake: Handshake, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard handshake.infoHash == geometry.infoHash else {
            return close(peer, .wrongHandshake, now, &outputs)
        }
        // Peer ids are no secret: one that comes from another address is another peer, who can't
        // push the first one out.
        let known = records[handshake.peerID, peer.endpoint.address]
        guard known?.isBanned != true else { return close(peer, .banned, now, &outputs) }
        if let id = known?.connection, let other = connections[id] {
            let loser = duplicate(of: other, peer, now)
            let survivor = loser === peer ? other : peer
            if survivor.listenEndpoint == nil {
                survivor.listenEndpoint = loser.listenEndpoint
                loser.listenEndpoint = nil
            }
            close(loser, .duplicate, now, &outputs)
            guard survivor === peer else { return }
        }
        peer.phase = .active
        activeCount += 1
        peer.record = records.join(
            handshake.peerID, at: peer.listenEndpoint ?? peer.endpoint, on: peer.id)
        if let endpoint = peer.listenEndpoint { peer.record.endpoint = endpoint }
        peer.pieces = emptyBitfield
        peer.speaksFast = handshake.supportsFastExtension
        peer.speaksExtensions = handshake.supportsExtensionProtocol
        peer.choiceAt = now
        if !peer.isOutgoing { sendHandshake(to: peer, now, &outputs) }
        tellPieces(to: peer, now, &outputs)
        peer.toldNews = news.count
        if peer.speaksExtensions { sendExtensionHandshake(to: peer, now, &outputs) }
    }

    /// Which of two connections to the same peer goes; the peer comes to the same decision.
    ///
    /// When each side made one, the one made by the side with the higher peer id stays. When one
    /// side made both, the other decides by not answering the later one, unless the earlier
    /// seems dead.
    private func duplicate(
        of known: PeerConnection, _ new: PeerConnection, _ now: Instant
    ) -> PeerConnection {
        if known.isOutgoing != new.isOutgoing {
            return known.isOutgoing == ownID.outranks(known.record.peerID) ? new : known
        }
        if new.isOutgoing { return known }
        let isDead = known.lastReceivedAt.advanced(by: .seconds(30)) <= now
        return isDead ? known : new
    }

    mutating func close(
        _ peer: PeerConnection, _ reason: SwarmCloseReason, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard peer.phase != .closed else { return }
        outputs.actions.append(.close(peer.id, reason))
        detach(peer, now, &outputs)
    }

    /// Undoes all that a connection has a part in; it is closed already, or about to be.
    mutating func detach(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        let wasActive = peer.isActive
        peer.phase = .closed
        connections.remove(peer)
        if wasActive { retire(peer, now, &outputs) }
        guard let endpoint = peer.listenEndpoint else { return }
        let lasted = peer.connectedAt.advanced(by: .seconds(60)) <= now
        connector.left(
            endpoint, wasUseful: wasActive && (lasted || peer.hasExchanged),
            isSeed: wasActive && peer.pieces.isFull, at: now)
    }

    private mutating func retire(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        activeCount -= 1
        if peer.amInterested { usefulCount -= 1 }
        tally(peer, -1)
        peer.record.pieces = peer.pieces.setCount
        records.leave(peer.record)
        if !isComplete, !peer.isCountedAsSeed { picker.remove(peer.pieces) }
        takeBackSuggestions(of: peer)
        let hadRequests = peer.pipeline.count > 0
        giveUpRequests(of: peer)
        slowest = SlowestPeers(foundAt: .zero)
        guard isStarted else { return }
        if hadRequests { refillAll(now, &outputs) }
        fillSlots(now, &outputs)
    }
}

extension PeerID {
    /// Whether of two connections, one made by either side, the one that this one made stays.
    func outranks(_ other: PeerID) -> Bool { Bytes20.precedes(other.storage, storage) }
}
