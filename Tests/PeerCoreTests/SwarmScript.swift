import Wire

@testable import PeerCore

/// A swarm with peers of one letter, driven by hand. What it does comes back as lines:
/// `a < unchoke` is a message to peer a, `store 0@0+16384` a range of piece 0.
final class SwarmScript {
    let geometry: TorrentGeometry
    var swarm: Swarm
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// Pieces that were to be verified at once.
    private(set) var urgentPieces: Set<Int> = []
    private var names: [ConnectionID: String] = [:]
    private var ids: [String: ConnectionID] = [:]
    private var lastID: UInt32 = 0

    static let infoHash = InfoHash(repeatElement(7, count: 20))!
    static let block = 16 << 10

    /// Peers called m are this one; others have higher or lower ids, by their letter.
    init(
        pieces: Int = 4, pieceLength: Int = 32 << 10, have: [Int] = [],
        wanted: [Int]? = nil, metadata: [UInt8]? = nil,
        _ configure: (inout SwarmConfiguration) -> Void = { _ in }
    ) {
        geometry = TorrentGeometry(
            infoHash: Self.infoHash, length: Int64(pieces * pieceLength), pieceLength: pieceLength)
        func bitfield(_ members: [Int]) -> Bitfield {
            var bitfield = Bitfield(bitCount: pieces)
            for piece in members { bitfield.insert(piece) }
            return bitfield
        }
        var configuration = SwarmConfiguration()
        // Enough for a few pieces at once.
        configuration.pipelineDepth = 8...4096
        configure(&configuration)
        swarm = Swarm(
            geometry: geometry, have: bitfield(have), wanted: wanted.map(bitfield),
            metadata: metadata, ownID: Self.peerID("m"), ownPort: 6881,
            configuration: configuration, seed: 1)
        _ = tell(.start)
        _ = tell(.announced(interval: .seconds(1800), peers: []))
    }

    static func peerID(_ name: String) -> PeerID {
        PeerID(repeatElement(name.utf8.first!, count: 20))!
    }

    /// Where a peer listens.
    static func endpoint(_ name: String) -> Endpoint {
        Endpoint(address: IPAddress(ipv4: 0x0a00_0000 + UInt32(name.utf8.first!)), port: 6881)
    }

    func handshake(_ name: String, extensions: Bool = false, fast: Bool = false) -> Handshake {
        var handshake = Handshake(infoHash: Self.infoHash, peerID: Self.peerID(name))
        handshake.supportsExtensionProtocol = extensions
        handshake.supportsFastExtension = fast
        return handshake
    }

    func id(_ name: String) -> ConnectionID { ids[name]! }

    func makeID(_ name: String) -> ConnectionID {
        let id = ConnectionID(slot: lastID, generation: 1)
        lastID += 1
        names[id] = name
        ids[name] = id
        return id
    }

    // A swarm can't be copied, which `#expect` would want to do with it.
    var isComplete: Bool { swarm.isComplete }
    var isSeed: Bool { swarm.isSeed }
    var progress: SwarmProgress { swarm.progress(at: now) }
    var peers: [PeerSnapshot] { swarm.peers(at: now) }

    func brokenInvariants() -> [String] { swarm.brokenInvariants() }

    // MARK: Events

    func tell(_ event: SwarmEvent) -> [String] {
        var outputs = SwarmOutputs()
        swarm.receive(event, at: now, into: &outputs)
        return outputs.actions.flatMap { lines($0, outputs) }
    }

    /// The peer connects and tells what it has.
    @discardableResult
    func join(
        _ name: String, pieces: [Int] = [], extensions: Bool = false, fast: Bool = false,
        isProven: Bool = true
    ) -> [String] {
        let greeting = accept(name, extensions: extensions, fast: fast, isProven: isProven)
        guard !pieces.isEmpty else { return greeting }
        var bitfield = Bitfield(bitCount: geometry.pieceCount)
        for piece in pieces { bitfield.insert(piece) }
        return greeting + say(name, .bitfield(bitfield.wireBytes))
    }

    /// - Parameter isProven: false for one of whom nothing was right yet.
    func accept(
        _ name: String, from port: UInt16 = 50_000, extensions: Bool = false, fast: Bool = false,
        isProven: Bool = true
    ) -> [String] {
        let endpoint = Endpoint(address: Self.endpoint(name).address, port: port)
        let handshake = handshake(name, extensions: extensions, fast: fast)
        let lines = tell(.accepted(makeID(name), endpoint, handshake))
        if isProven { swarm.connections[id(name)]?.record.isProven = true }
        return lines
    }

    func say(_ name: String, _ messages: PeerMessage...) -> [String] {
        sendBytes(name, messages.flatMap { $0.encoded() })
    }

    func sendBytes(_ name: String, _ bytes: [UInt8]) -> [String] {
        bytes.withUnsafeBytes { tell(.received(id(name), $0)) }
    }

    func blockBytes(_ piece: Int, _ block: Int) -> [UInt8] {
        bytes(of: BlockRun(piece: piece, block: block))
    }

    /// The `piece` message that carries a run.
    func bytes(of run: BlockRun) -> [UInt8] {
        let request = geometry.request(for: run)
        return PeerMessage.pieceHeader(for: request)
            + [UInt8](repeating: 0, count: Int(request.length))
    }

    /// The peer sends a whole block.
    func sendBlock(_ name: String, _ piece: Int, _ block: Int) -> [String] {
        sendBytes(name, blockBytes(piece, block))
    }

    /// Time passes, with a deadline each time the swarm wants one.
    func advance(_ duration: Duration) -> [String] {
        let end = now.advanced(by: duration)
        var lines: [String] = []
        while let deadline = swarm.nextDeadline, deadline <= end {
            now = max(now, deadline)
            lines += tell(.deadline)
        }
        now = end
        return lines
    }

    // MARK: Lines

    private func lines(_ action: SwarmAction, _ outputs: SwarmOutputs) -> [String] {
        switch action {
        case .send(let id, let range):
            return messages([UInt8](outputs.bytes[range])).map { "\(names[id]!) < \($0)" }
        case .sendBlock(let id, let request):
            return ["\(names[id]!) < block \(text(request))"]
        case .reportDrained: return []
        case .store(let piece, let begin, let source):
            return ["store \(piece)@\(begin)+\(source.count)"]
        case .verify(let piece, let isUrgent):
            if isUrgent { urgentPieces.insert(piece) }
            return ["verify \(piece)"]
        case .fingerprint(let piece): return ["fingerprint \(piece)"]
        case .connect(let endpoint): return ["connect \(endpoint)"]
        case .close(let id, let reason): return ["close \(names[id]!) \(reason)"]
        case .announce(let announcement): return ["announce \(announcement)"]
        case .pieceCompleted(let piece): return ["piece \(piece)"]
        case .completed: return ["completed"]
        case .blamed(let endpoint, let piece): return ["blame \(endpoint) for \(piece)"]
        }
    }

    private func messages(_ bytes: [UInt8]) -> [String] {
        var decoder = PeerMessageDecoder(maxFrameLength: 1 << 20, maxBlockLength: 1 << 20)
        var position = 0
        var lines: [String] = []
        if bytes.first == Handshake.firstByte, bytes.count >= Handshake.length {
            lines.append("handshake")
            position = Handshake.length
        }
        bytes.withUnsafeBytes { raw in
            while case .message(let message)? = try? decoder.next(in: raw, from: &position) {
                lines.append(text(message))
            }
        }
        return lines
    }

    private func text(_ message: PeerMessage) -> String {
        switch message {
        case .have(let piece): "have \(piece)"
        case .bitfield(let bytes): "bitfield \(Hex.encode(bytes))"
        case .request(let request): "request \(text(request))"
        case .cancel(let request): "cancel \(text(request))"
        case .reject(let request): "reject \(text(request))"
        case .allowedFast(let piece): "allowed \(piece)"
        case .extended(id: 0, _): "extended 0"
        case .extended(let id, let payload): "extended \(id) \(metadataText(payload))"
        default: "\(message)"
        }
    }

    private func metadataText(_ payload: [UInt8]) -> String {
        switch try? MetadataMessage(decoding: payload) {
        case .request(let piece): "wants metadata \(piece)"
        case .data(let piece, let size, let bytes): "metadata \(piece)+\(bytes.count)/\(size)"
        case .reject(let piece): "no metadata \(piece)"
        case .unknown, nil: "?"
        }
    }

    private func text(_ request: BlockRequest) -> String {
        "\(request.piece)@\(request.begin)+\(request.length)"
    }
}

extension [String] {
    /// The lines that begin so.
    func about(_ prefix: String) -> [String] { filter { $0.hasPrefix(prefix) } }
}
