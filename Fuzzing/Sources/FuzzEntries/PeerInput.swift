import PeerCore
import Wire

/// What strangers send to a peer's port.
///
/// The first two bytes of the input set the scene: what we have, and in what lengths the rest
/// arrives. The rest is all that the stranger sends, beginning with its handshake; the info-hash
/// of that is made ours, since guessing it is not what this is about.
enum PeerInput {
    private static let geometry = TorrentGeometry(
        infoHash: InfoHash(repeatElement(7, count: 20))!, length: 100_000, pieceLength: 32_768)
    private static let stranger = Endpoint(address: IPAddress(ipv4: 0x0102_0304), port: 5)
    private static let ownID = PeerID(repeatElement(9, count: 20))!
    private static let id = ConnectionID(slot: 0, generation: 1)

    static func swarm(_ bytes: UnsafeRawBufferPointer) {
        guard let input = Input(bytes) else { return }
        var have = Bitfield(bitCount: geometry.pieceCount)
        for piece in 0..<geometry.pieceCount where input.scene >> piece & 1 == 1 {
            have.insert(piece)
        }
        var configuration = SwarmConfiguration()
        configuration.requestQueueLimit = 20
        let swarm = Swarm(
            geometry: geometry, have: have, metadata: input.scene & 64 != 0 ? [1, 2, 3] : nil,
            ownID: ownID, ownPort: 6881, configuration: configuration, seed: 1)
        var run = SwarmRun(swarm, rightPieces: input.scene & 32 != 0)
        run.tell(.start)
        run.tell(.accepted(id, stranger, input.handshake))
        input.forEachPart { part in
            run.tell(.received(id, part))
            run.tell(.drained(id))
            run.passTime()
        }
        run.tell(.closed(id))
        run.tell(.stop)
        precondition(run.swarm.brokenInvariants().isEmpty, "counts are right at the end")
    }

    static func metadataFetch(_ bytes: UnsafeRawBufferPointer) {
        guard let input = Input(bytes) else { return }
        var fetch = MetadataFetch(
            infoHash: geometry.infoHash, endpoints: [], ownID: ownID, ownPort: 6881, seed: 1,
            now: .zero)
        var outputs = SwarmOutputs()
        fetch.receive(.start, at: .zero, into: &outputs)
        fetch.receive(.accepted(id, stranger, input.handshake), at: .zero, into: &outputs)
        var now = Instant.zero
        input.forEachPart { part in
            fetch.receive(.received(id, part), at: now, into: &outputs)
            now = now.advanced(by: .seconds(1))
            fetch.receive(.deadline, at: now, into: &outputs)
            outputs.removeAll()
        }
        precondition(fetch.metadata == nil, "nobody finds what hashes to this info-hash")
    }
}

/// The bytes of an input, understood as far as the driver of a swarm would.
private struct Input {
    let scene: UInt8
    let handshake: Handshake
    private let partLength: Int
    private let stream: UnsafeRawBufferPointer

    /// Nil where the stranger doesn't get past the handshake.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 2 + Handshake.length else { return nil }
        scene = bytes[0]
        partLength = 1 + Int(bytes[1]) * 8
        let greeting = UnsafeRawBufferPointer(rebasing: bytes[2..<2 + Handshake.length])
        guard Handshake.isPrefix(greeting), let said = try? Handshake.decode(greeting) else {
            return nil
        }
        var handshake = Handshake(
            infoHash: InfoHash(repeatElement(7, count: 20))!, peerID: said.peerID)
        handshake.supportsExtensionProtocol = said.supportsExtensionProtocol
        handshake.supportsFastExtension = said.supportsFastExtension
        self.handshake = handshake
        stream = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(2 + Handshake.length))
    }

    func forEachPart(_ body: (UnsafeRawBufferPointer) -> Void) {
        var rest = stream[...]
        while !rest.isEmpty {
            body(UnsafeRawBufferPointer(rebasing: rest.prefix(partLength)))
            rest = rest.dropFirst(partLength)
        }
    }
}

/// A swarm, with a driver that does what it says and looks whether that may be.
private struct SwarmRun: ~Copyable {
    var swarm: Swarm
    /// Whether pieces turn out to have their hash.
    private let rightPieces: Bool
    private var now = Instant.zero
    private var isConnected = false

    init(_ swarm: consuming Swarm, rightPieces: Bool) {
        self.swarm = swarm
        self.rightPieces = rightPieces
    }

    mutating func passTime() {
        now = now.advanced(by: .milliseconds(700))
        tell(.deadline)
    }

    mutating func tell(_ event: SwarmEvent) {
        var received = 0
        switch event {
        case .accepted: isConnected = true
        case .received(_, let bytes):
            guard isConnected else { return }
            received = bytes.count
        default: break
        }
        var outputs = SwarmOutputs()
        swarm.receive(event, at: now, into: &outputs)
        for action in outputs.actions { perform(action, outputs, received) }
    }

    private mutating func perform(
        _ action: SwarmAction, _ outputs: borrowing SwarmOutputs, _ received: Int
    ) {
        let geometry = swarm.geometry
        switch action {
        case .send(_, let range): precondition(range.upperBound <= outputs.bytes.count)
        case .sendBlock(_, let request):
            let piece = Int(request.piece)
            precondition(swarm.have.contains(piece), "only what is verified is served")
            let end = Int(request.begin) + Int(request.length)
            precondition(
                request.length > 0 && end <= geometry.length(ofPiece: piece),
                "nothing beyond the piece is served")
        case .store(let piece, let begin, let source):
            precondition(!swarm.have.contains(piece), "what is verified isn't written")
            precondition(source.upperBound <= received && begin >= 0, "only what came is stored")
            precondition(begin + source.count <= geometry.length(ofPiece: piece))
        case .verify(let piece, _): tell(.verified(piece: piece, ok: rightPieces))
        case .fingerprint(let piece):
            let count = geometry.blockCount(ofPiece: piece)
            tell(.fingerprinted(piece: piece, [UInt64](repeating: 1, count: count)))
        case .connect(let endpoint): tell(.connectFailed(endpoint))
        case .close: isConnected = false
        case .announce, .reportDrained, .pieceCompleted, .completed, .blamed: break
        }
    }
}
