import PeerCore
import Wire

/// Looks at what goes through one end of a connection, and notes where its peer breaks a rule of
/// BEP 3, 6 or 10: what it sends has to fit what it has been told.
final class WireMonitor {
    private struct Asked {
        let request: BlockRequest
        var isCancelled = false
    }

    private let peer: SimulatedPeer
    private let limit: Int
    private var sending: PeerMessageDecoder
    private var receiving: PeerMessageDecoder
    private var unsentHandshake = Handshake.length
    private var unreadHandshake = Handshake.length
    private var hasToldPieces = false
    /// Bytes came, or went, that are no messages.
    private var isBlind = false

    private var amChoking = true
    private var amInterested = false
    private var isChoked = true
    private var remotePieces: Bitfield
    private var allowed: Set<UInt32> = []
    private var granted: Set<UInt32> = []
    /// What it has asked for and not got, and what it was asked for and hasn't answered.
    private var asked: [Asked] = []
    private var wanted: [BlockRequest] = []
    /// The blocks that are in the last bytes; nil for those that it hadn't asked for.
    private var arriving: [BlockRequest?] = []

    init(of peer: SimulatedPeer, configuration: SwarmConfiguration) {
        self.peer = peer
        limit = configuration.requestQueueLimit
        remotePieces = Bitfield(bitCount: peer.swarm.geometry.pieceCount)
        sending = PeerMessageDecoder(
            maxFrameLength: 1 << 20, maxBlockLength: configuration.maxBlockLength)
        receiving = sending
    }

    /// Whether a block that it asked for here covers this.
    func expects(_ piece: Int, _ begin: Int, _ count: Int) -> Bool {
        isBlind
            || arriving.contains {
                guard let request = $0 else { return false }
                return Int(request.piece) == piece && Int(request.begin) <= begin
                    && begin + count <= Int(request.begin) + Int(request.length)
            }
    }

    // MARK: What it reads

    func received(_ bytes: UnsafeRawBufferPointer, at simulation: SwarmSimulation) {
        if arriving.count > 1 { arriving.removeFirst(arriving.count - 1) }
        read(bytes, &unreadHandshake, &receiving) { event in
            switch event {
            case .message(let message): learn(message)
            case .blockFragment(let request, 0, _):
                arriving.append(answered(request) ? request : nil)
            case .blockFragment: break
            }
        }
    }

    private func learn(_ message: PeerMessage) {
        let count = remotePieces.bitCount
        switch message {
        // A choke voids nothing where every request is answered or rejected (BEP 6), as here.
        case .choke: isChoked = true
        case .unchoke: isChoked = false
        case .have(let piece): if Int(piece) < count { remotePieces.insert(Int(piece)) }
        case .bitfield(let bytes):
            remotePieces = Bitfield(wireBytes: bytes, bitCount: count) ?? remotePieces
        case .haveAll: remotePieces = Bitfield(fullOf: count)
        case .allowedFast(let piece): allowed.insert(piece)
        case .request(let request): wanted.append(request)
        case .reject(let request): _ = answered(request)
        case .keepAlive, .interested, .notInterested, .cancel, .port, .suggest, .haveNone,
            .extended, .unknown:
            break
        }
    }

    private func answered(_ request: BlockRequest) -> Bool {
        guard let index = asked.firstIndex(where: { $0.request == request }) else { return false }
        asked.remove(at: index)
        return true
    }

    // MARK: What it sends

    func sent(_ bytes: UnsafeRawBufferPointer, at simulation: SwarmSimulation) {
        guard peer.behavior.isHonest else { return }
        func check(_ isKept: Bool, _ rule: String) {
            if !isKept { simulation.note(violation: "peer \(peer.index): \(rule)") }
        }
        read(bytes, &unsentHandshake, &sending) { event in
            switch event {
            case .message(let message): judge(message, check)
            case .blockFragment(let request, 0, _):
                check(take(request), "sent a block that wasn't asked for")
                check(
                    !amChoking || granted.contains(request.piece), "sent a block while choking")
            case .blockFragment: break
            }
        }
        check(!isBlind || peer.behavior != .honest, "sent what is no message")
    }

    private func judge(_ message: PeerMessage, _ check: (Bool, String) -> Void) {
        if !hasToldPieces {
            hasToldPieces = true
            return judgeFirst(message, check)
        }
        switch message {
        case .choke: amChoking = true
        case .unchoke: amChoking = false
        case .interested: amInterested = true
        case .notInterested: amInterested = false
        case .have(let piece):
            check(peer.storage.recorded.contains(Int(piece)), "said it has what it hasn't")
        case .request(let request): judge(request, check)
        case .cancel(let request):
            let index = asked.firstIndex { $0.request == request && !$0.isCancelled }
            check(index != nil, "cancelled what it hadn't asked for")
            if let index { asked[index].isCancelled = true }
        case .reject(let request):
            check(take(request), "rejected what it wasn't asked for")
        case .allowedFast(let piece): granted.insert(piece)
        case .bitfield, .haveAll, .haveNone:
            check(false, "told its pieces twice")
        case .keepAlive, .port, .suggest, .extended, .unknown:
            break
        }
    }

    private func judgeFirst(_ message: PeerMessage, _ check: (Bool, String) -> Void) {
        let recorded = peer.storage.recorded
        switch message {
        case .bitfield(let bytes):
            let told = Bitfield(wireBytes: bytes, bitCount: recorded.bitCount)
            check(told?.subtracting(recorded).isEmpty == true, "said it has what it hasn't")
        case .haveAll: check(recorded.isFull, "said it has everything")
        case .haveNone: break
        default: check(false, "didn't tell its pieces first")
        }
    }

    private func judge(_ request: BlockRequest, _ check: (Bool, String) -> Void) {
        let piece = Int(request.piece)
        check(amInterested, "asked without interest")
        check(!isChoked || allowed.contains(request.piece), "asked while choked")
        check(remotePieces.contains(piece), "asked for what the other hasn't")
        check(!peer.storage.recorded.contains(piece), "asked for what it has")
        check(
            !asked.contains { $0.request == request && !$0.isCancelled }, "asked for a block twice")
        asked.append(Asked(request: request))
        check(asked.count <= limit, "asked for more than the other keeps")
    }

    /// Whether it was asked for this; it is answered then.
    private func take(_ request: BlockRequest) -> Bool {
        guard let index = wanted.firstIndex(of: request) else { return false }
        wanted.remove(at: index)
        return true
    }

    // MARK: Reading

    private func read(
        _ bytes: UnsafeRawBufferPointer, _ handshake: inout Int,
        _ decoder: inout PeerMessageDecoder,
        _ body: (PeerMessageDecoder.Event) -> Void
    ) {
        guard !isBlind else { return }
        let skipped = min(handshake, bytes.count)
        handshake -= skipped
        let messages = UnsafeRawBufferPointer(rebasing: bytes[skipped...])
        var position = 0
        do {
            while let event = try decoder.next(in: messages, from: &position) { body(event) }
        } catch {
            isBlind = true
        }
    }
}

extension SwarmSimulation {
    func monitor(_ ends: SimulatedEnd...) {
        for end in ends { end.monitor = WireMonitor(of: end.peer, configuration: configuration) }
    }
}
