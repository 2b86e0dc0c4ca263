import Wire

/// Fetches the info dictionary that an info-hash names, from peers who have it (BEP 9): events
/// and a `now` in; actions and deadlines out, as of a ``Swarm``.
///
/// The info-hash proves the whole only. So each of a few peers sends a copy of its own, and the
/// first that is right wins; who sends a wrong one is the liar and is never asked again. The
/// memory is bounded by the number of copies.
///
/// Of the events of a swarm, `drained`, `verified` and the user's settings don't come; of its
/// actions, `send`, `connect`, `close`, `announce` and at last `completed` do.
package struct MetadataFetch: ~Copyable {
    package let infoHash: InfoHash
    /// The info dictionary, once `completed` has been given.
    package private(set) var metadata: [UInt8]?
    /// Pieces that have come, from all peers: whether something still happens.
    package private(set) var receivedPieces = 0

    private let ownID: PeerID
    private let ownPort: UInt16
    private let configuration: SwarmConfiguration
    private var peers: [MetadataPeer] = []
    private var connector: Connector
    private var announces: AnnouncePolicy
    private var isStarted = false
    /// Peer ids that sent what isn't the info dictionary, and from where.
    private var liars: [Liar] = []

    private struct Liar: Equatable {
        let peerID: PeerID
        let address: IPAddress
    }

    private static let maxConnections = 30
    private static let enoughConnections = 10
    private static let maxCopies = 3
    private static let maxLiars = 200
    /// Pieces asked of a peer at a time.
    private static let pipelineDepth = 4
    private static let pieceTimeout = Duration.seconds(10)
    private static let messageID: UInt8 = 1

    /// A fetch that isn't started. `endpoints` are tried first; `ownPort` and `seed` as of a
    /// swarm.
    package init(
        infoHash: InfoHash, endpoints: [Endpoint], ownID: PeerID, ownPort: UInt16,
        configuration: SwarmConfiguration = SwarmConfiguration(), seed: UInt64, now: Instant
    ) {
        self.infoHash = infoHash
        self.ownID = ownID
        self.ownPort = ownPort
        self.configuration = configuration
        connector = Connector(
            limit: configuration.maxKnownEndpoints, delay: configuration.reconnectDelay,
            maxDelay: configuration.maxReconnectDelay, seed: seed)
        announces = AnnouncePolicy(interval: configuration.announceInterval)
        for endpoint in endpoints { connector.add(endpoint, at: now) }
    }

    /// Where peers listen that were heard of, for the download that follows.
    package var knownEndpoints: [Endpoint] { connector.usable }

    /// Takes one event and appends what is to be done.
    package mutating func receive(
        _ event: SwarmEvent, at now: Instant, into outputs: inout SwarmOutputs
    ) {
        switch event {
        case .start:
            guard !isStarted else { return }
            isStarted = true
            outputs.actions.append(.announce(announces.start()))
        case .stop:
            stop(&outputs)
            if let last = announces.stop() { outputs.actions.append(.announce(last)) }
        case .connected(let id, let endpoint):
            connector.connected(endpoint)
            join(id, endpoint, isOutgoing: true, now, &outputs)
        case .accepted(let id, let endpoint, let handshake):
            let peer = join(id, endpoint, isOutgoing: false, now, &outputs)
            if let peer { greeted(peer, handshake, now, &outputs) }
        case .received(let id, let bytes):
            guard let peer = peers.first(where: { $0.id == id }) else { return }
            received(bytes, from: peer, now, &outputs)
        case .closed(let id):
            if let peer = peers.first(where: { $0.id == id }) { remove(peer, now) }
        case .connectFailed(let endpoint):
            connector.failed(endpoint, at: now)
        case .announced(let interval, let endpoints):
            announces.answered(interval: interval, at: now)
            for endpoint in endpoints { connector.add(endpoint, at: now) }
        case .announceFailed:
            announces.failed(at: now)
        case .found(let endpoints):
            for endpoint in endpoints { connector.add(endpoint, at: now) }
        case .deadline:
            closeSlow(now, &outputs)
        case .drained, .verified, .fingerprinted, .setSequential, .setUploadLimit,
            .setDownloadLimit:
            break
        }
        pursue(now, &outputs)
    }

    /// When `SwarmEvent.deadline` is wanted next; may change with every event.
    package var nextDeadline: Instant? {
        guard isStarted else { return nil }
        var earliest = announces.deadline(isHungry: true) ?? .distantFuture
        if connectCapacity > 0, let attempt = connector.deadline {
            earliest = min(earliest, attempt)
        }
        for peer in peers {
            if let end = deadline(of: peer) { earliest = min(earliest, end) }
        }
        return earliest == .distantFuture ? nil : earliest
    }

    // MARK: Connections

    private var connectCapacity: Int {
        Self.enoughConnections - peers.count - connector.halfOpenCount
    }

    private mutating func pursue(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard isStarted else { return }
        if let announcement = announces.due(at: now, isHungry: true) {
            outputs.actions.append(.announce(announcement))
        }
        for endpoint in connector.next(connectCapacity, isSeeding: false, at: now) {
            outputs.actions.append(.connect(endpoint))
        }
    }

    @discardableResult
    private mutating func join(
        _ id: ConnectionID, _ endpoint: Endpoint, isOutgoing: Bool, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) -> MetadataPeer? {
        let peer = MetadataPeer(id: id, endpoint: endpoint, isOutgoing: isOutgoing, now: now)
        peers.append(peer)
        guard isStarted, peers.count <= Self.maxConnections else {
            close(peer, isStarted ? .tooManyConnections : .stopped, now, &outputs)
            return nil
        }
        var handshake = Handshake(infoHash: infoHash, peerID: ownID)
        handshake.supportsExtensionProtocol = true
        let start = outputs.bytes.count
        handshake.encode(into: &outputs.bytes)
        outputs.send(id, from: start)
        return peer
    }

    private mutating func stop(_ outputs: inout SwarmOutputs) {
        isStarted = false
        for peer in peers { outputs.actions.append(.close(peer.id, .stopped)) }
        peers = []
    }

    private mutating func close(
        _ peer: MetadataPeer, _ reason: SwarmCloseReason, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        outputs.actions.append(.close(peer.id, reason))
        remove(peer, now)
        askMore(now, &outputs)
    }

    private mutating func remove(_ peer: MetadataPeer, _ now: Instant) {
        peers.removeAll { $0 === peer }
        if let endpoint = peer.listenEndpoint {
            connector.left(endpoint, wasUseful: false, isSeed: false, at: now)
        }
    }

    /// When a peer has taken too long; one that isn't asked may take its time.
    private func deadline(of peer: MetadataPeer) -> Instant? {
        switch peer.phase {
        case .awaitingHandshake, .introduced:
            peer.lastProgressAt.advanced(by: configuration.handshakeTimeout)
        case .sending: peer.lastProgressAt.advanced(by: Self.pieceTimeout)
        case .offering: nil
        }
    }

    private mutating func closeSlow(_ now: Instant, _ outputs: inout SwarmOutputs) {
        for peer in peers {
            guard let end = deadline(of: peer), end <= now else { continue }
            close(peer, peer.isSending ? .idle : .handshakeTimeout, now, &outputs)
        }
    }

    // MARK: Messages

    private mutating func received(
        _ bytes: UnsafeRawBufferPointer, from peer: MetadataPeer, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        var position = 0
        if case .awaitingHandshake = peer.phase {
            let count = min(Handshake.length - peer.handshakeBytes.count, bytes.count)
            peer.handshakeBytes.append(contentsOf: bytes.prefix(count))
            position = count
            guard peer.handshakeBytes.withUnsafeBytes({ Handshake.isPrefix($0) }) else {
                return close(peer, .wrongHandshake, now, &outputs)
            }
            guard peer.handshakeBytes.count == Handshake.length,
                let handshake = try? Handshake.decode(peer.handshakeBytes)
            else { return }
            peer.handshakeBytes = []
            greeted(peer, handshake, now, &outputs)
        }
        do {
            while isPresent(peer), let event = try peer.decoder.next(in: bytes, from: &position) {
                guard case .message(.extended(let id, let payload)) = event else { continue }
                extended(id, payload, from: peer, now, &outputs)
            }
        } catch {
            close(peer, .malformed, now, &outputs)
        }
    }

    private func isPresent(_ peer: MetadataPeer) -> Bool { peers.contains { $0 === peer } }

    /// Both handshakes are known.
    private mutating func greeted(
        _ peer: MetadataPeer, _ handshake: Handshake, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard handshake.infoHash == infoHash else {
            return close(peer, .wrongHandshake, now, &outputs)
        }
        if handshake.peerID == ownID {
            if let endpoint = peer.listenEndpoint { connector.bar(endpoint, at: now) }
            return close(peer, .connectedToSelf, now, &outputs)
        }
        let identity = Liar(peerID: handshake.peerID, address: peer.endpoint.address)
        guard !liars.contains(identity) else { return close(peer, .banned, now, &outputs) }
        let known = peers.first {
            $0.peerID == identity.peerID && $0.endpoint.address == identity.address
        }
        if let known {
            let loser = duplicate(of: known, peer)
            close(loser, .duplicate, now, &outputs)
            guard loser === known else { return }
        }
        guard handshake.supportsExtensionProtocol else {
            return close(peer, .nothingToExchange, now, &outputs)
        }
        peer.peerID = handshake.peerID
        peer.phase = .introduced
        peer.lastProgressAt = now
        let extensions = ExtensionHandshake(
            messageIDs: [MetadataMessage.name: Self.messageID], client: configuration.clientName,
            listenPort: ownPort == 0 ? nil : ownPort, yourIP: peer.endpoint.address)
        outputs.send(peer.id, .extended(id: 0, payload: extensions.encoded()))
    }

    /// Which of two connections to a peer goes; of a swarm's the other side thinks the same.
    private func duplicate(of known: MetadataPeer, _ new: MetadataPeer) -> MetadataPeer {
        guard known.isOutgoing != new.isOutgoing, let peerID = known.peerID else {
            return new.isOutgoing ? known : new
        }
        return known.isOutgoing == ownID.outranks(peerID) ? new : known
    }

    private mutating func extended(
        _ id: UInt8, _ payload: [UInt8], from peer: MetadataPeer, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        switch (peer.phase, id) {
        case (.introduced, 0):
            introduced(peer, payload, now, &outputs)
        case (.offering(let offer), Self.messageID), (.sending(let offer), Self.messageID):
            answered(peer, payload, offer, now, &outputs)
        default: break
        }
    }

    private mutating func introduced(
        _ peer: MetadataPeer, _ payload: [UInt8], _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        let extensions = try? ExtensionHandshake(decoding: payload)
        if let port = extensions?.listenPort, peer.listenEndpoint == nil {
            let endpoint = Endpoint(address: peer.endpoint.address, port: port)
            guard connector.occupy(endpoint, at: now) else {
                return close(peer, .banned, now, &outputs)
            }
            peer.listenEndpoint = endpoint
        }
        guard let size = extensions?.metadataSize, size <= MetadataMessage.maxTotalSize,
            let messageID = extensions?.messageIDs[MetadataMessage.name], messageID != 0
        else { return close(peer, .nothingToExchange, now, &outputs) }
        peer.phase = .offering(MetadataPeer.Offer(messageID: messageID, size: size))
        askMore(now, &outputs)
    }

    // MARK: Copies

    /// Asks those who offer, while there are too few copies under way.
    private mutating func askMore(_ now: Instant, _ outputs: inout SwarmOutputs) {
        var copies = peers.filter(\.isSending).count
        for peer in peers {
            guard copies < Self.maxCopies, case .offering(let offer) = peer.phase else { continue }
            peer.phase = .sending(offer)
            peer.lastProgressAt = now
            request(of: peer, offer, &outputs)
            copies += 1
        }
    }

    private func request(
        of peer: MetadataPeer, _ offer: MetadataPeer.Offer, _ outputs: inout SwarmOutputs
    ) {
        let arrived = peer.completeCount + peer.early.count
        let end = min(arrived + Self.pipelineDepth, offer.pieceCount)
        while peer.nextRequest < end {
            let message = MetadataMessage.request(piece: peer.nextRequest)
            outputs.send(
                peer.id, .extended(id: offer.messageID, payload: message.encoded()))
            peer.nextRequest += 1
        }
    }

    private mutating func answered(
        _ peer: MetadataPeer, _ payload: [UInt8], _ offer: MetadataPeer.Offer, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard let message = try? MetadataMessage(decoding: payload) else {
            return close(peer, .malformed, now, &outputs)
        }
        switch message {
        case .request(let piece):
            let answer = MetadataMessage.reject(piece: piece)
            outputs.send(peer.id, .extended(id: offer.messageID, payload: answer.encoded()))
        case .reject:
            // It has no time for us, or doesn't have it after all.
            close(peer, .nothingToExchange, now, &outputs)
        case .data(let piece, let totalSize, let bytes):
            guard totalSize == offer.size, peer.isSending, peer.take(piece, bytes, of: offer) else {
                return blame(peer, now, &outputs)
            }
            receivedPieces += 1
            peer.lastProgressAt = now
            guard peer.copy.count == offer.size else { return request(of: peer, offer, &outputs) }
            finish(peer, now, &outputs)
        case .unknown: break
        }
    }

    private mutating func finish(
        _ peer: MetadataPeer, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard InfoHash(SHA1Hasher.hash(peer.copy)) == infoHash else {
            return blame(peer, now, &outputs)
        }
        metadata = peer.copy
        // The tracker hears no `stopped`: the download's `started` follows.
        stop(&outputs)
        outputs.actions.append(.completed)
    }

    /// It sent what nobody asked for, or something else than the info dictionary.
    private mutating func blame(
        _ peer: MetadataPeer, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if let peerID = peer.peerID {
            if liars.count == Self.maxLiars { liars.removeFirst() }
            liars.append(Liar(peerID: peerID, address: peer.endpoint.address))
        }
        if let endpoint = peer.listenEndpoint { connector.bar(endpoint, at: now) }
        close(peer, .blamed, now, &outputs)
    }
}
