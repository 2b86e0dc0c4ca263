import PeerCore
import Wire

/// Several swarm cores, unchanged, on a simulated network with a simulated clock: one thread, no
/// waiting, and the same course of events whenever it is begun with the same seed.
package final class SwarmSimulation {
    enum Event {
        case deadline(SimulatedPeer, Instant)
        case dialled(SimulatedPeer, Endpoint)
        case deliver(SimulatedEnd, [UInt8])
        case hangUp(SimulatedEnd)
        case transmit(SimulatedPeer)
        case verified(SimulatedPeer, piece: Int, ok: Bool)
        case fingerprinted(SimulatedPeer, piece: Int, [UInt64])
        case announced(SimulatedPeer)
    }

    package let info: Info
    package let content: [UInt8]
    package private(set) var peers: [SimulatedPeer] = []
    package private(set) var now = Instant.zero
    /// Depends on every action of every peer and its time.
    package private(set) var traceHash: UInt64 = 0xcbf2_9ce4_8422_2325
    /// What should never have happened.
    package private(set) var violations: [String] = []
    /// The longest segment that is delivered at once.
    package var maxSegmentLength = 20_000
    package var verifyDelay = Duration.microseconds(500)
    package var announceInterval = Duration.seconds(60)

    var events = EventQueue<Event>()
    private var random: SeededRandom
    /// Whom the tracker knows, in order of their first announce.
    private var announcedEndpoints: [Endpoint] = []
    private let configuration: SwarmConfiguration

    /// A torrent with random content of `length` bytes, and nobody to share it yet.
    package init(
        length: Int, pieceLength: Int, configuration: SwarmConfiguration = SwarmConfiguration(),
        seed: UInt64
    ) throws(MetainfoError) {
        var random = SeededRandom(seed: seed)
        content = Self.randomBytes(length, &random)
        var pieces: [UInt8] = []
        for begin in stride(from: 0, to: length, by: pieceLength) {
            let piece = [UInt8](content[begin..<min(begin + pieceLength, length)])
            pieces += SHA1Hasher.hash(piece).bytes
        }
        info = try Info(
            name: "simulated", length: Int64(length), pieceLength: pieceLength, pieces: pieces,
            isPrivate: true, sha1: nil, source: nil)
        self.configuration = configuration
        self.random = random
    }

    private static func randomBytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count + 7) { buffer, initializedCount in
            var offset = 0
            while offset < count {
                UnsafeMutableRawBufferPointer(buffer).storeBytes(
                    of: random.next(), toByteOffset: offset, as: UInt64.self)
                offset += 8
            }
            initializedCount = count
        }
    }

    /// Adds a peer that has all or nothing, and wants all or some pieces; it does nothing until
    /// `start`.
    @discardableResult
    package func addPeer(
        isSeed: Bool = false, wanted: Bitfield? = nil, behavior: SimulatedBehavior = .honest,
        link: SimulatedLink = SimulatedLink()
    ) -> SimulatedPeer {
        let index = peers.count
        let geometry = TorrentGeometry(info)
        let swarm = Swarm(
            geometry: geometry,
            have: isSeed
                ? Bitfield(fullOf: info.pieceCount) : Bitfield(bitCount: info.pieceCount),
            wanted: wanted, ownID: PeerID(random: &random), ownPort: 6881,
            configuration: configuration,
            seed: random.next())
        let address = IPAddress(ipv4: 0x0a00_0001 + UInt32(index))
        let peer = SimulatedPeer(
            index: index, endpoint: Endpoint(address: address, port: 6881), behavior: behavior,
            link: link, swarm: swarm,
            storage: SimulatedStorage(info: info, content: isSeed ? content : nil))
        peers.append(peer)
        return peer
    }

    package func start(_ peer: SimulatedPeer) {
        peer.isRunning = true
        handle(.start, at: peer)
    }

    package func startAll() {
        for peer in peers { start(peer) }
    }

    /// The peer leaves in an orderly way.
    package func stop(_ peer: SimulatedPeer) {
        handle(.stop, at: peer)
        peer.isRunning = false
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
            perform(event)
        }
        return true
    }

    package var isEveryoneComplete: Bool {
        peers.allSatisfy { !$0.isRunning || $0.swarm.isComplete }
    }

    func note(violation: String) {
        violations.append("\(violation) at \(now.nanoseconds) ns")
    }

    /// A segment's length: random, so that messages are cut everywhere.
    func segmentLength(of available: Int) -> Int {
        min(available, 1 + random.below(maxSegmentLength))
    }

    private func perform(_ event: Event) {
        switch event {
        case .deadline(let peer, let instant):
            guard peer.isRunning, peer.scheduledDeadline == instant else { return }
            peer.scheduledDeadline = nil
            handle(.deadline, at: peer)
        case .dialled(let peer, let endpoint):
            dialled(by: peer, endpoint)
        case .deliver(let end, let bytes):
            deliver(bytes, to: end)
        case .hangUp(let end):
            guard end.peer.ends[end.id] === end else { return }
            end.peer.remove(end)
            handle(.closed(end.id), at: end.peer)
        case .transmit(let peer):
            transmit(peer)
        case .verified(let peer, let piece, let ok):
            handle(.verified(piece: piece, ok: ok), at: peer)
        case .fingerprinted(let peer, let piece, let fingerprints):
            handle(.fingerprinted(piece: piece, fingerprints), at: peer)
        case .announced(let peer):
            let others = announcedEndpoints.filter { $0 != peer.endpoint }
            handle(.announced(interval: announceInterval, peers: others), at: peer)
        }
    }

    /// Tells a swarm and does what it wants.
    func handle(_ event: SwarmEvent, at peer: SimulatedPeer, source: UnsafeRawBufferPointer? = nil)
    {
        var outputs = SwarmOutputs()
        peer.swarm.receive(event, at: now, into: &outputs)
        for action in outputs.actions {
            trace(peer, action, outputs)
            perform(action, outputs, of: peer, source: source)
        }
        schedule(peer)
        transmitIfIdle(peer)
    }

    private func schedule(_ peer: SimulatedPeer) {
        guard peer.isRunning, let deadline = peer.swarm.nextDeadline,
            deadline != peer.scheduledDeadline
        else { return }
        peer.scheduledDeadline = deadline
        events.schedule(.deadline(peer, deadline), at: max(deadline, now))
    }

    private func perform(
        _ action: SwarmAction, _ outputs: SwarmOutputs, of peer: SimulatedPeer,
        source: UnsafeRawBufferPointer?
    ) {
        switch action {
        case .send(let id, let range):
            enqueue(outputs.bytes[range], on: id, of: peer)
        case .sendBlock(let id, let request):
            sendBlock(request, on: id, of: peer)
        case .reportDrained(let id):
            peer.ends[id]?.owesDrained = true
        case .store(let piece, let begin, let range):
            if peer.swarm.have.contains(piece) { note(violation: "stored into a verified piece") }
            guard let source else { return note(violation: "stored without a source") }
            peer.storage.store(
                UnsafeRawBufferPointer(rebasing: source[range]), piece: piece, begin: begin)
        case .verify(let piece, _):
            let ok = peer.storage.isGood(piece: piece)
            events.schedule(
                .verified(peer, piece: piece, ok: ok), at: now.advanced(by: verifyDelay))
        case .fingerprint(let piece):
            let fingerprints = peer.storage.fingerprints(
                piece: piece, blockLength: peer.swarm.geometry.blockLength)
            events.schedule(
                .fingerprinted(peer, piece: piece, fingerprints), at: now.advanced(by: verifyDelay))
        case .connect(let endpoint):
            let arrival = now.advanced(by: peer.link.latency * 2)
            events.schedule(.dialled(peer, endpoint), at: arrival)
        case .close(let id, let reason):
            peer.closeReasons.append(reason)
            hangUp(id, of: peer)
        case .announce(let announcement):
            announce(announcement, of: peer)
        case .pieceCompleted(let piece):
            if !peer.storage.isGood(piece: piece) { note(violation: "completed a bad piece") }
        case .completed:
            peer.completedAt = now
        case .blamed(let endpoint, _):
            peer.blamed.append(endpoint)
        }
    }

    private func announce(_ announcement: SwarmAnnouncement, of peer: SimulatedPeer) {
        if announcement == .stopped {
            announcedEndpoints.removeAll { $0 == peer.endpoint }
            return
        }
        if !announcedEndpoints.contains(peer.endpoint) { announcedEndpoints.append(peer.endpoint) }
        events.schedule(.announced(peer), at: now.advanced(by: peer.link.latency * 2))
    }

    /// FNV-1a over what was decided, when, and by whom.
    private func trace(_ peer: SimulatedPeer, _ action: SwarmAction, _ outputs: SwarmOutputs) {
        func mix(_ value: Int) {
            traceHash = (traceHash ^ UInt64(truncatingIfNeeded: value)) &* 0x100_0000_01b3
        }
        mix(Int(now.nanoseconds))
        mix(peer.index)
        for byte in String(describing: action).utf8 { mix(Int(byte)) }
        if case .send(_, let range) = action {
            for byte in outputs.bytes[range] { mix(Int(byte)) }
        }
    }
}
