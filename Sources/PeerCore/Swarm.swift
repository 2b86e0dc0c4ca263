import Wire

/// One torrent's brain: events and a `now` in; actions and deadlines out. It knows no socket,
/// no clock and no file, and draws randomness from its seed alone.
///
/// Methods on the way of every message are `mutating` or inlined where they only look, too: a call
/// that borrows so large a structure copies it.
package struct Swarm: ~Copyable {
    package let geometry: TorrentGeometry
    package let ownID: PeerID
    /// The pieces that have their hash.
    package internal(set) var have: Bitfield
    /// The pieces that are wanted and haven't their hash yet.
    var missing: Bitfield
    /// Between `start` and `stop`.
    package internal(set) var isStarted = false
    /// When `SwarmEvent.deadline` is wanted next; may change with every event.
    package private(set) var nextDeadline: Instant?

    let ownPort: UInt16
    /// The info dictionary, for those who have a magnet link only; empty for private torrents.
    let metadata: [UInt8]
    let configuration: SwarmConfiguration
    var connections = ConnectionTable()
    var records: PeerRecords
    var connector: Connector
    var announces: AnnouncePolicy
    let unchoker: Unchoker
    var slots: UploadSlots
    /// Those who became interested while choked, the longest waiting first; some have changed
    /// their minds since.
    var waiting = Queue<WaitingPeer>()
    var blame = Blame()
    /// Empty while something is missing, and once every piece is known to be elsewhere.
    var soleCopies = SoleCopies(Bitfield(bitCount: 0))
    /// Of no pieces at all once complete: a seeder needs none of its memory.
    var picker: PiecePicker

    /// Connections past their handshake, and those of them that have something for us.
    var activeCount = 0
    var usefulCount = 0
    /// Those that hold a slot, those of these that aren't interested any more, and those that
    /// are interested and choked.
    var holdingCount = 0
    var spareCount = 0
    var waitingCount = 0
    var nextTick = Instant.zero
    var nextRound = Instant.zero
    /// The pieces that have come, in that order, while something is missing, and when everyone is
    /// told of them next.
    var news: [UInt32] = []
    var nextNews = Instant.zero

    var totals = SwarmProgress()
    var downloadMeter = RateMeter()
    var uploadMeter = RateMeter()
    /// What peers took, by `drained`; bytes in this choking round.
    var takenMeter = RateMeter()
    var takenInRound = 0

    /// Reused by `refill`.
    var picked: [BlockRun] = []
    /// Bytes a second that the user allows this torrent to download.
    var downloadLimit: Int?
    /// How many more blocks may be asked for at that rate; known while peers are refilled.
    var limitRoom = Int.max
    var slowest = SlowestPeers(foundAt: .zero)
    /// Somebody was asked for less than it can send because of `maxUnverifiedBytes` or
    /// `maxVerifyingBytes`.
    var isHeldBack = false
    /// Blocks may be asked of others since a peer has rejected them.
    var hasFreedBlocks = false
    /// What a peer has that has all, or nothing; these share their memory.
    let fullBitfield: Bitfield
    let emptyBitfield: Bitfield
    /// What a connection has for a record before its handshake.
    let nobody: PeerRecord

    /// A swarm that isn't started. `have` has a bit for each piece that is verified already,
    /// `wanted` for each that is to be fetched (nil: all); `ownPort` is where this peer listens,
    /// which it tells the others; `metadata` is the info dictionary where it may be passed on
    /// (BEP 9, BEP 27), else nil; `seed` decides all that is left to chance.
    package init(
        geometry: TorrentGeometry, have: Bitfield, wanted: Bitfield? = nil,
        metadata: [UInt8]? = nil, ownID: PeerID, ownPort: UInt16,
        configuration: SwarmConfiguration = SwarmConfiguration(), seed: UInt64
    ) {
        let wanted = wanted ?? Bitfield(fullOf: geometry.pieceCount)
        precondition(have.bitCount == geometry.pieceCount, "a bit for each piece")
        precondition(wanted.bitCount == geometry.pieceCount, "a bit for each piece")
        var random = SeededRandom(seed: seed)
        self.geometry = geometry
        self.have = have
        missing = wanted.subtracting(have)
        self.ownID = ownID
        self.ownPort = ownPort
        let isTooLong = (metadata?.count ?? 0) > MetadataMessage.maxTotalSize
        self.metadata = isTooLong ? [] : metadata ?? []
        self.configuration = configuration
        records = PeerRecords(limit: configuration.maxRememberedPeers)
        connector = Connector(
            limit: configuration.maxKnownEndpoints, delay: configuration.reconnectDelay,
            maxDelay: configuration.maxReconnectDelay, seed: random.next())
        announces = AnnouncePolicy(
            interval: configuration.announceInterval,
            isPartialSeed: missing.isEmpty && !have.isFull)
        unchoker = Unchoker(
            unchokeInterval: configuration.unchokeInterval,
            optimisticInterval: configuration.optimisticInterval)
        slots = UploadSlots(configuration)
        picker =
            missing.isEmpty
            ? .ofNothing(geometry)
            : PiecePicker(
                geometry: geometry, wanted: missing,
                randomFirstPieces: max(0, configuration.randomFirstPieces - have.setCount),
                seed: random.next())
        fullBitfield = Bitfield(fullOf: geometry.pieceCount)
        emptyBitfield = Bitfield(bitCount: geometry.pieceCount)
        nobody = PeerRecord(
            id: 0, peerID: ownID, endpoint: Endpoint(address: IPAddress(ipv4: 0), port: 0))
        totals.pieceCount = geometry.pieceCount
        totals.totalBytes = geometry.length
        totals.verifiedPieces = have.setCount
        totals.verifiedBytes = geometry.length(of: have)
        totals.wantedPieces = wanted.setCount
        totals.wantedBytes = geometry.length(of: wanted)
        totals.missingPieces = missing.setCount
        totals.missingBytes = geometry.length(of: missing)
        if missing.isEmpty { findSoleCopies() }
    }

    /// Whether every wanted piece has its hash; an empty file is complete from the beginning.
    /// It is then a seed, or a partial seed (BEP 21) where not all pieces were wanted.
    package var isComplete: Bool { missing.isEmpty }

    /// Whether every piece has its hash, wanted or not.
    package var isSeed: Bool { have.isFull }

    /// Whether every missing piece is asked for as a whole.
    package var isAllRequested: Bool { picker.isEndgame }

    /// Takes one event and appends what is to be done.
    package mutating func receive(
        _ event: SwarmEvent, at now: Instant, into outputs: inout SwarmOutputs
    ) {
        take(event, now, &outputs)
        nextDeadline = isStarted ? earliestDeadline : nil
    }

    private mutating func take(
        _ event: SwarmEvent, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        switch event {
        case .received(let id, let bytes):
            if let peer = connections[id] { received(bytes, from: peer, now, &outputs) }
            return
        case .drained(let id):
            if let peer = connections[id] { drained(peer, now, &outputs) }
            return
        case .start:
            start(now, &outputs)
        case .stop:
            stop(now, &outputs)
        case .connected(let id, let endpoint):
            connected(id, endpoint, now, &outputs)
        case .accepted(let id, let endpoint, let handshake):
            accepted(id, endpoint, handshake, now, &outputs)
        case .closed(let id):
            if let peer = connections[id] { detach(peer, now, &outputs) }
        case .connectFailed(let endpoint):
            connector.failed(endpoint, at: now)
        case .verified(let piece, let ok):
            verified(piece, ok, now, &outputs)
        case .fingerprinted(let piece, let fingerprints):
            fingerprinted(piece, fingerprints, now, &outputs)
        case .announced(let interval, let endpoints):
            announces.answered(interval: interval, at: now)
            if isStarted {
                for endpoint in endpoints { connector.add(endpoint, at: now) }
            }
        case .announceFailed:
            announces.failed(at: now)
        case .found(let endpoints):
            for endpoint in endpoints { connector.add(endpoint, at: now) }
        case .setSequential(let isSequential):
            picker.isSequential = isSequential
        case .setUploadLimit(let bytesPerSecond):
            slots.setLimit(bytesPerSecond)
        case .setDownloadLimit(let bytesPerSecond):
            downloadLimit = bytesPerSecond
            refillAll(now, &outputs)
        case .deadline:
            if connections.count > 0, nextTick <= now { tick(now, &outputs) }
        }
        pursue(now, &outputs)
    }

    @inline(__always)
    private var earliestDeadline: Instant? {
        var earliest = announces.deadline(isHungry: isHungry) ?? .distantFuture
        if connections.count > 0 { earliest = min(earliest, nextTick) }
        if connectCapacity > 0, let attempt = connector.deadline {
            earliest = min(earliest, attempt)
        }
        return earliest == .distantFuture ? nil : earliest
    }

    /// Downloading, and nobody connected has anything for us.
    var isHungry: Bool { !isComplete && usefulCount == 0 }

    private mutating func start(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard !isStarted else { return }
        isStarted = true
        connector.restart(at: now)
        outputs.actions.append(.announce(announces.start()))
    }

    private mutating func stop(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard isStarted else { return }
        isStarted = false
        for index in connections.entries.indices {
            if let peer = connections.entries[index] { close(peer, .stopped, now, &outputs) }
        }
        if let last = announces.stop() { outputs.actions.append(.announce(last)) }
    }

    /// Announces and connects as far as it is time.
    private mutating func pursue(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard isStarted else { return }
        if let announcement = announces.due(at: now, isHungry: isHungry) {
            outputs.actions.append(.announce(announcement))
        }
        for endpoint in connector.next(connectCapacity, isSeeding: isComplete, at: now) {
            outputs.actions.append(.connect(endpoint))
        }
    }

    /// How many more connections may be begun now.
    private var connectCapacity: Int {
        let room = configuration.enoughConnections - connections.count - connector.halfOpenCount
        let handshaking = connections.count - activeCount
        return min(room, configuration.maxHalfOpen - connector.halfOpenCount - handshaking)
    }

    /// What has to be looked at now and then, for every connection.
    private mutating func tick(_ now: Instant, _ outputs: inout SwarmOutputs) {
        nextTick = now.advanced(by: isAtRest ? .seconds(1) : Self.lookInterval)
        let keepAlive = now.advanced(by: .zero - configuration.keepAliveInterval)
        let idle = now.advanced(by: .zero - configuration.idleTimeout)
        let handshake = now.advanced(by: .zero - configuration.handshakeTimeout)
        for index in connections.entries.indices {
            guard let peer = connections.entries[index] else { continue }
            if peer.phase == .awaitingHandshake {
                if peer.connectedAt <= handshake { close(peer, .handshakeTimeout, now, &outputs) }
                continue
            }
            peer.stateMessages = 0
            if peer.lastReceivedAt <= idle {
                close(peer, .idle, now, &outputs)
                continue
            }
            if peer.lastSentAt <= keepAlive { send(.keepAlive, to: peer, now, &outputs) }
            guard !isComplete else { continue }
            forgetRefusals(of: peer, now)
            checkTimeout(of: peer, now, &outputs)
        }
        if nextRound <= now {
            nextRound = now.advanced(by: configuration.unchokeInterval)
            chooseUnchoked(now, &outputs)
        } else if waitingCount > 0 {
            growSlots(now, &outputs)
        }
        tellWaiting(now, &outputs)
        // Whoever has nothing left may take over what is late elsewhere.
        if !isComplete { refillAll(now, &outputs) }
    }

    /// Whether nothing has to be looked at soon.
    private var isAtRest: Bool { isComplete && waitingCount == 0 }

    static let lookInterval = Duration.milliseconds(250)

    /// The time a new connection needs to be looked at.
    mutating func noteFirstConnection(_ now: Instant) {
        guard connections.count == 1 else { return }
        nextTick = now.advanced(by: Self.lookInterval)
        if nextRound <= now { nextRound = now.advanced(by: configuration.unchokeInterval) }
    }

    mutating func send(
        _ message: PeerMessage, to peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        outputs.send(peer.id, message)
        peer.lastSentAt = now
    }
}
