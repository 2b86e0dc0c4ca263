import PeerCore
import TrackerCore
import Wire

/// Several swarm cores, and a tracker's, unchanged, on a simulated network with simulated clocks
/// and disks: one thread, no waiting, and the same course of events whenever it is begun with the
/// same seed.
package final class SwarmSimulation {
    /// Small, as there are many: what is seldom is elsewhere.
    enum Event {
        case deadline(SimulatedPeer)
        indirect case dialled(SimulatedPeer, Endpoint, life: Int)
        /// The first of an end's segments that are on their way.
        case arrived(SimulatedEnd)
        case arrivedTogether(SimulatedArrivals)
        case received(SimulatedPeer)
        case hangUp(SimulatedEnd)
        case transmit(SimulatedPeer)
        case verified(SimulatedPeer, piece: Int, life: Int)
        case fingerprinted(SimulatedPeer, piece: Int, life: Int)
        case synced(SimulatedPeer, life: Int)
        indirect case datagram(SimulatedDatagram)
        case announceTimeout(SimulatedPeer, transaction: UInt32)
        /// Something that the scenario does.
        case cue(() -> Void)
    }

    package let tracker: SimulatedTracker
    package private(set) var peers: [SimulatedPeer] = []
    package private(set) var now = Instant.zero
    /// Depends on every action of every peer and its time.
    package private(set) var traceHash: UInt64 = 0xcbf2_9ce4_8422_2325
    /// What should never have happened.
    package private(set) var violations: [String] = []
    package private(set) var eventCount = 0
    /// The longest segment that is delivered at once.
    package var maxSegmentLength = 20_000
    package var verifyDelay = Duration.microseconds(500)
    package var datagramFaults = SimulatedDatagramFaults()
    /// Gets a line for every action, where somebody wants to read them.
    package var tracer: ((String) -> Void)?
    /// Which side of a partition a peer is on; all are on side 0 while there is none.
    package internal(set) var sides: [Int: Int] = [:]

    /// A narrow line between sites, on which each direction has this many bytes a second.
    package var siteRate: Int?
    /// When either direction of that line is free again, in nanoseconds, by the site that sends.
    var siteFreeAt: [Int: Int64] = [:]

    let torrent: SimulatedContent
    var events = EventQueue<Event>()
    var random: SeededRandom
    var peersByEndpoint: [Endpoint: SimulatedPeer] = [:]
    let configuration: SwarmConfiguration
    /// Told of every piece, where somebody draws curves.
    package var observer: (any SwarmObserver)?
    /// Where messages are put together again whose blocks weren't carried.
    let scratch: UnsafeMutableRawBufferPointer
    /// The end whose bytes a swarm is being told of.
    var receiving: SimulatedEnd?
    var eventsUntilLook = SwarmSimulation.lookInterval
    /// Bytes that may wait on one connection: what the core hands out before it hears that it was
    /// taken, and messages without blocks, of which there are so many at most.
    let mostPending: Int
    private var spareOutputs: [SwarmOutputs] = []
    var spareArrivals: [SimulatedArrivals] = []

    /// A torrent with random content of `length` bytes, and nobody to share it yet. It belongs to
    /// a group, or to anybody (`isOpen`).
    package init(
        length: Int, pieceLength: Int, configuration: SwarmConfiguration = SwarmConfiguration(),
        detail: SimulatedDetail = .bytes, isOpen: Bool = false, seed: UInt64
    ) throws(MetainfoError) {
        var random = SeededRandom(seed: seed)
        torrent = try SimulatedContent(
            length: length, pieceLength: pieceLength, detail: detail, random: &random)
        self.configuration = configuration
        tracker = SimulatedTracker(
            info: torrent.info, isOpen: isOpen, random: SeededRandom(seed: random.next()))
        mostPending =
            configuration.releasedBytes.upperBound + configuration.maxBlockLength
            + 17 * 3 * configuration.requestQueueLimit + 16 * torrent.info.pieceCount + 1 << 16
        scratch = .allocate(
            byteCount: 2 * configuration.maxBlockLength + 1 << 20, alignment: 16)
        scratch.initializeMemory(as: UInt8.self, repeating: 0)
        self.random = random
    }

    deinit { scratch.deallocate() }

    package var info: Info { torrent.info }
    package var geometry: TorrentGeometry { torrent.geometry }
    /// What is in the file; empty where messages alone are carried.
    package var content: [UInt8] { torrent.bytes }

    /// Adds a peer; it does nothing until `start`.
    @discardableResult
    package func addPeer(_ plan: SimulatedPeerPlan) -> SimulatedPeer {
        let index = peers.count
        let claimsAll = plan.isSeed || plan.behavior == .lying
        // Each in a network of its own, as BEP 6 tells them apart.
        let address = IPAddress(ipv4: 0x0a00_0001 + UInt32(index) << 8)
        let peer = SimulatedPeer(
            index: index, endpoint: Endpoint(address: address, port: 6881), plan: plan,
            swarm: makeSwarm(
                have: claimsAll
                    ? Bitfield(fullOf: info.pieceCount) : Bitfield(bitCount: info.pieceCount),
                wanted: plan.wanted),
            storage: SimulatedStorage(content: torrent, isFull: plan.isSeed))
        peers.append(peer)
        peersByEndpoint[peer.endpoint] = peer
        tracker.admit(peer.index, isMember: !plan.isOutsider)
        return peer
    }

    /// Adds a peer that has all or nothing, and wants all or some pieces.
    @discardableResult
    package func addPeer(
        isSeed: Bool = false, wanted: Bitfield? = nil, behavior: SimulatedBehavior = .honest,
        link: SimulatedLink = SimulatedLink()
    ) -> SimulatedPeer {
        var plan = SimulatedPeerPlan()
        plan.isSeed = isSeed
        plan.wanted = wanted
        plan.behavior = behavior
        plan.link = link
        return addPeer(plan)
    }

    func makeSwarm(have: Bitfield, wanted: Bitfield?) -> Swarm {
        Swarm(
            geometry: geometry, have: have, wanted: wanted, ownID: PeerID(random: &random),
            ownPort: 6881, configuration: configuration, seed: random.next())
    }

    package func start(_ peer: SimulatedPeer) {
        peer.isRunning = true
        handle(.start, at: peer)
        events.schedule(.synced(peer, life: peer.life), at: now.advanced(by: Self.syncInterval))
    }

    package func startAll() {
        for peer in peers { start(peer) }
    }

    /// The peer leaves in an orderly way.
    package func stop(_ peer: SimulatedPeer) {
        handle(.stop, at: peer)
        peer.isRunning = false
    }

    /// Has something done at a moment.
    package func schedule(at instant: Instant, _ body: @escaping () -> Void) {
        events.schedule(.cue(body), at: max(instant, now))
    }

    /// Goes on until `condition` holds, which is asked after every event, or until so much time
    /// has passed. Returns whether it came to hold.
    package func run(for limit: Duration, until condition: () -> Bool) -> Bool {
        let end = now.advanced(by: limit)
        while !condition() {
            guard let next = events.nextInstant, next <= end, let (instant, event) = events.next()
            else {
                now = end
                return condition()
            }
            now = instant
            eventCount += 1
            perform(event)
        }
        return true
    }

    package var isEveryoneComplete: Bool {
        peers.allSatisfy { !$0.isRunning || $0.swarm.isComplete }
    }

    func note(violation: String) {
        guard violations.count < 20 else { return }
        violations.append("\(violation) at \(now.nanoseconds) ns")
    }

    /// A segment's length: random, so that messages are cut everywhere.
    func segmentLength(of available: Int) -> Int {
        min(available, 1 + random.below(maxSegmentLength))
    }

    private func perform(_ event: Event) {
        switch event {
        case .deadline(let peer):
            guard peer.isRunning, peer.scheduledDeadline == now else { return }
            peer.scheduledDeadline = nil
            handle(.deadline, at: peer)
        case .dialled(let peer, let endpoint, let life):
            if peer.life == life { dialled(by: peer, endpoint) }
        case .arrived(let end):
            arrived(at: end)
        case .arrivedTogether(let arrivals):
            arrived(arrivals)
        case .received(let peer):
            receivedNext(peer)
        case .hangUp(let end):
            if end.isOpen { lose(end) }
        case .transmit(let peer):
            transmit(peer)
        case .verified(let peer, let piece, let life):
            if peer.life == life { verified(piece, by: peer) }
        case .fingerprinted(let peer, let piece, let life):
            guard peer.life == life else { return }
            let fingerprints = peer.storage.fingerprints(piece: piece)
            handle(.fingerprinted(piece: piece, fingerprints), at: peer)
        case .synced(let peer, let life):
            synced(peer, life)
        case .datagram(let datagram):
            receive(datagram)
        case .announceTimeout(let peer, let transaction):
            announceTimedOut(peer, transaction)
        case .cue(let body):
            body()
        }
    }

    /// Tells a swarm and does what it wants.
    func handle(_ event: SwarmEvent, at peer: SimulatedPeer, source: UnsafeRawBufferPointer? = nil)
    {
        var outputs = spareOutputs.popLast() ?? SwarmOutputs()
        peer.swarm.receive(event, at: peer.plan.clock.local(now), into: &outputs)
        if !outputs.actions.isEmpty {
            outputs.bytes.withUnsafeBytes { bytes in
                for action in outputs.actions {
                    trace(peer, action, bytes)
                    perform(action, bytes, of: peer, source: source)
                }
            }
            outputs.removeAll()
        }
        spareOutputs.append(outputs)
        schedule(peer)
        flush(peer)
        if torrent.detail == .bytes { check(peer) }
    }

    private func schedule(_ peer: SimulatedPeer) {
        guard peer.isRunning, let deadline = peer.swarm.nextDeadline else { return }
        let moment = max(peer.plan.clock.moment(showing: deadline), now)
        guard moment != peer.scheduledDeadline else { return }
        peer.scheduledDeadline = moment
        events.schedule(.deadline(peer), at: moment)
    }

    private func perform(
        _ action: SwarmAction, _ bytes: UnsafeRawBufferPointer, of peer: SimulatedPeer,
        source: UnsafeRawBufferPointer?
    ) {
        switch action {
        case .send(let id, let range):
            send(UnsafeRawBufferPointer(rebasing: bytes[range]), on: id, of: peer)
        case .sendBlock(let id, let request):
            sendBlock(request, on: id, of: peer)
        case .reportDrained(let id):
            peer.end(id)?.owesDrained = true
        case .store(let piece, let begin, let range):
            guard let source else { return note(violation: "stored without a source") }
            store(UnsafeRawBufferPointer(rebasing: source[range]), piece, begin, peer)
        case .verify(let piece, _):
            events.schedule(
                .verified(peer, piece: piece, life: peer.life), at: now.advanced(by: verifyDelay))
        case .fingerprint(let piece):
            events.schedule(
                .fingerprinted(peer, piece: piece, life: peer.life),
                at: now.advanced(by: verifyDelay))
        case .connect(let endpoint):
            dial(endpoint, by: peer)
        case .close(let id, let reason):
            peer.closeReasons.append(reason)
            hangUp(id, of: peer)
        case .announce(let announcement):
            announce(announcement, of: peer)
        case .pieceCompleted(let piece):
            completed(piece, by: peer)
        case .completed:
            completed(by: peer)
        case .blamed(let endpoint, _):
            blamed(endpoint, by: peer)
        }
    }

    /// FNV-1a over what was decided, when, and by whom.
    private func trace(
        _ peer: SimulatedPeer, _ action: SwarmAction, _ bytes: UnsafeRawBufferPointer
    ) {
        if let tracer {
            for line in action.lines(bytes) { tracer("\(now.nanoseconds) \(peer.index) \(line)") }
        }
        mix(now.nanoseconds)
        mix(Int64(peer.index))
        let numbers = action.numbers
        for index in 0..<numbers.count { mix(numbers[index]) }
        if case .send(_, let range) = action {
            var position = range.lowerBound
            while position + 8 <= range.upperBound {
                mix(bytes.loadUnaligned(fromByteOffset: position, as: Int64.self))
                position += 8
            }
            while position < range.upperBound {
                mix(Int64(bytes[position]))
                position += 1
            }
        }
    }

    private func mix(_ value: Int64) {
        traceHash = (traceHash ^ UInt64(bitPattern: value)) &* 0x100_0000_01b3
        traceHash ^= traceHash >> 29
    }
}
