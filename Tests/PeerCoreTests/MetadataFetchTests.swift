import Testing
import Wire

@testable import PeerCore

/// A fetch with peers of one letter, driven by hand; what it does comes back as lines.
private final class FetchScript {
    var fetch: MetadataFetch
    var now = Instant(nanoseconds: 1_000_000_000_000)
    let metadata: [UInt8]
    private var names: [ConnectionID: String] = [:]
    private var ids: [String: ConnectionID] = [:]
    private var lastID: UInt32 = 0

    init(length: Int, endpoints: [Endpoint] = []) {
        var random = SeededRandom(seed: UInt64(length))
        metadata = (0..<length).map { _ in UInt8(random.below(256)) }
        fetch = MetadataFetch(
            infoHash: InfoHash(SHA1Hasher.hash(metadata)), endpoints: endpoints,
            ownID: SwarmScript.peerID("m"), ownPort: 6881, seed: 1, now: now)
    }

    var result: [UInt8]? { fetch.metadata }
    var known: [Endpoint] { fetch.knownEndpoints }
    var received: Int { fetch.receivedPieces }

    func makeID(_ name: String) -> ConnectionID {
        lastID += 1
        let id = ConnectionID(slot: lastID, generation: 1)
        names[id] = name
        ids[name] = id
        return id
    }

    func hasJoined(_ name: String) -> Bool { ids[name] != nil }

    func tell(_ event: SwarmEvent) -> [String] {
        var outputs = SwarmOutputs()
        fetch.receive(event, at: now, into: &outputs)
        return outputs.actions.flatMap { action in
            switch action {
            case .send(let id, let range): messages(names[id]!, [UInt8](outputs.bytes[range]))
            case .connect(let endpoint): ["connect \(endpoint)"]
            case .close(let id, let reason): ["close \(names[id]!) \(reason)"]
            case .announce(let announcement): ["announce \(announcement)"]
            case .completed: ["completed"]
            default: ["\(action)"]
            }
        }
    }

    private func messages(_ name: String, _ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        var position = 0
        if bytes.first == Handshake.firstByte {
            lines.append("\(name) < handshake")
            position = Handshake.length
        }
        var decoder = PeerMessageDecoder(maxFrameLength: 1 << 20, maxBlockLength: 1)
        bytes.withUnsafeBytes { raw in
            while case .message(.extended(let id, let payload))? = try? decoder.next(
                in: raw, from: &position)
            {
                switch try? MetadataMessage(decoding: payload) {
                case .request(let piece) where id == 7: lines.append("\(name) < wants \(piece)")
                case .reject(let piece) where id == 7: lines.append("\(name) < rejects \(piece)")
                default: lines.append("\(name) < extended \(id)")
                }
            }
        }
        return lines
    }

    func handshake(_ name: String, extensions: Bool = true) -> Handshake {
        var handshake = Handshake(infoHash: fetch.infoHash, peerID: SwarmScript.peerID(name))
        handshake.supportsExtensionProtocol = extensions
        return handshake
    }

    func join(_ name: String, extensions: Bool = true) -> [String] {
        tell(
            .accepted(
                makeID(name), SwarmScript.endpoint(name),
                handshake(name, extensions: extensions)))
    }

    func say(_ name: String, _ bytes: [UInt8]) -> [String] {
        bytes.withUnsafeBytes { tell(.received(ids[name]!, $0)) }
    }

    func say(_ name: String, _ message: MetadataMessage) -> [String] {
        say(name, PeerMessage.extended(id: 1, payload: message.encoded()).encoded())
    }

    /// The peer offers so many bytes; its id of ut_metadata is 7.
    func offer(_ name: String, size: Int? = nil) -> [String] {
        let extensions = ExtensionHandshake(
            messageIDs: [MetadataMessage.name: 7], metadataSize: size ?? metadata.count)
        return say(name, PeerMessage.extended(id: 0, payload: extensions.encoded()).encoded())
    }

    func sendPiece(_ name: String, _ piece: Int, isRight: Bool = true) -> [String] {
        let begin = piece * MetadataMessage.pieceLength
        let end = min(begin + MetadataMessage.pieceLength, metadata.count)
        var bytes = [UInt8](metadata[begin..<end])
        if !isRight { bytes[0] ^= 1 }
        return say(name, .data(piece: piece, totalSize: metadata.count, bytes: bytes))
    }

    func advance(_ duration: Duration) -> [String] {
        let end = now.advanced(by: duration)
        var lines: [String] = []
        while let deadline = fetch.nextDeadline, deadline <= end {
            now = max(now, deadline)
            lines += tell(.deadline)
        }
        now = end
        return lines
    }
}

struct MetadataFetchTests {
    private func started(_ length: Int) -> FetchScript {
        let script = FetchScript(length: length)
        #expect(script.tell(.start) == ["announce started"])
        #expect(script.tell(.announced(interval: .seconds(1800), peers: [])) == [])
        return script
    }

    @Test func `a small one comes in one message`() {
        let script = started(100)
        #expect(script.join("a") == ["a < handshake", "a < extended 0"])
        #expect(script.offer("a") == ["a < wants 0"])
        #expect(script.sendPiece("a", 0) == ["close a stopped", "completed"])
        #expect(script.result == script.metadata)
        #expect(script.fetch.nextDeadline == nil)
    }

    @Test func `a large one comes in pieces, in any order, four asked for at a time`() {
        let script = started(6 * 16_384 - 5)
        _ = script.join("a")
        #expect(script.offer("a") == (0..<4).map { "a < wants \($0)" })
        #expect(script.sendPiece("a", 2) == ["a < wants 4"])
        #expect(script.sendPiece("a", 0) == ["a < wants 5"])
        for piece in [1, 3, 5] { #expect(script.sendPiece("a", piece) == []) }
        #expect(script.sendPiece("a", 4).last == "completed")
        #expect(script.result == script.metadata)
        #expect(script.received == 6)
    }

    @Test func `who sends a wrong copy is blamed, and another one asked`() {
        let script = started(2 * 16_384)
        for name in ["a", "b", "c", "d"] {
            _ = script.join(name)
            #expect(script.offer(name).count == (name == "d" ? 0 : 2))
        }
        #expect(script.sendPiece("a", 0) == [])
        #expect(
            script.sendPiece("a", 1, isRight: false)
                == ["close a blamed", "d < wants 0", "d < wants 1"])
        #expect(script.join("a") == ["a < handshake", "close a banned"])
        _ = script.sendPiece("d", 0)
        #expect(script.sendPiece("d", 1).last == "completed")
        #expect(script.result == script.metadata)
    }

    @Test func `a piece of another length, of another whole, or not asked for is a lie`() {
        let lies: [MetadataMessage] = [
            .data(piece: 0, totalSize: 100_000, bytes: [1]),
            .data(piece: 0, totalSize: 99_999, bytes: [UInt8](repeating: 1, count: 16_384)),
            .data(piece: 5, totalSize: 100_000, bytes: [UInt8](repeating: 1, count: 16_384)),
            .data(piece: .max >> 33, totalSize: 100_000, bytes: [1]),
        ]
        for lie in lies {
            let script = started(100_000)
            _ = script.join("a")
            #expect(script.offer("a").count == 4)
            #expect(script.say("a", lie) == ["close a blamed"])
        }
        let script = started(100)
        for name in ["a", "b", "c", "d"] {
            _ = script.join(name)
            _ = script.offer(name)
        }
        #expect(script.sendPiece("d", 0) == ["close d blamed"])
    }

    @Test func `who has none, too much, or no extensions is left`() {
        let script = started(100)
        #expect(
            script.join("a", extensions: false)
                == ["a < handshake", "close a nothingToExchange"])
        _ = script.join("b")
        #expect(script.offer("b", size: 16 << 20 + 1) == ["close b nothingToExchange"])
        _ = script.join("c")
        let none = ExtensionHandshake(messageIDs: [MetadataMessage.name: 7]).encoded()
        #expect(
            script.say("c", PeerMessage.extended(id: 0, payload: none).encoded())
                == ["close c nothingToExchange"])
        _ = script.join("d")
        #expect(script.offer("d", size: 16 << 20).count == 4)
    }

    @Test func `a refusal or a silence makes room for another`() {
        let script = started(100)
        for name in ["a", "b", "c", "d", "e"] {
            _ = script.join(name)
            _ = script.offer(name)
        }
        #expect(
            script.say("a", .reject(piece: 0))
                == ["close a nothingToExchange", "d < wants 0"])
        let lines = script.advance(.seconds(11)).filter { !$0.hasPrefix("announce") }
        #expect(lines.contains("e < wants 0"))
        #expect(lines.contains("close b idle"))
    }

    @Test func `who asks us gets a refusal, and other messages are passed over`() {
        let script = started(100)
        _ = script.join("a")
        let others: [PeerMessage] = [
            .bitfield([0xff]), .have(3), .unchoke, .keepAlive, .unknown(id: 77),
            .extended(id: 9, payload: [1]),
        ]
        #expect(script.say("a", others.flatMap { $0.encoded() }) == [])
        _ = script.offer("a")
        #expect(script.say("a", .request(piece: 0)) == ["a < rejects 0"])
    }

    @Test func `blocks and long frames end the connection`() {
        let script = started(100)
        _ = script.join("a")
        let block = PeerMessage.pieceHeader(for: BlockRequest(piece: 0, begin: 0, length: 2))
        #expect(script.say("a", block) == ["close a malformed"])
        _ = script.join("b")
        #expect(script.say("b", [0, 3, 0, 0, 20]) == ["close b malformed"])
    }

    @Test func `peers of the link and of the tracker are called`() {
        let a = SwarmScript.endpoint("a")
        let b = SwarmScript.endpoint("b")
        let script = FetchScript(length: 100, endpoints: [a])
        #expect(script.tell(.start) == ["announce started", "connect \(a)"])
        #expect(
            script.tell(.announced(interval: .seconds(60), peers: [b])) == ["connect \(b)"])
        #expect(script.tell(.connected(script.makeID("a"), a)) == ["a < handshake"])
        let answer = script.handshake("a").encoded()
        #expect(script.say("a", [UInt8](answer.prefix(40))) == [])
        #expect(script.say("a", [UInt8](answer.dropFirst(40))) == ["a < extended 0"])
        _ = script.tell(.connectFailed(b))
        #expect(script.advance(.seconds(5)).contains("connect \(b)"))
        #expect(script.known == [a, b])
    }

    @Test func `we don't fetch from ourselves, nor twice from one peer`() {
        let script = started(100)
        #expect(script.join("m") == ["m < handshake", "close m connectedToSelf"])
        _ = script.join("a")
        #expect(script.join("a") == ["a < handshake", "close a duplicate"])
    }

    @Test func `a slow handshake is not waited for`() {
        let script = started(100)
        _ = script.tell(.connected(script.makeID("a"), SwarmScript.endpoint("a")))
        #expect(script.advance(.seconds(19)).filter { $0.hasPrefix("close") } == [])
        #expect(
            script.advance(.seconds(2)).filter { $0.hasPrefix("close") }
                == ["close a handshakeTimeout"])
    }

    @Test func `stopping closes everything`() {
        let script = started(100)
        _ = script.join("a")
        #expect(script.tell(.stop) == ["close a stopped", "announce stopped"])
        #expect(script.join("b").contains("close b stopped"))
    }

    @Test(arguments: UInt64(0)..<40)
    func `peers that say anything never trap it`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let script = started(70_000)
        for _ in 0..<200 {
            let name = ["a", "b", "c", "d"][random.below(4)]
            switch random.below(8) {
            case 0: _ = script.join(name)
            case 1: _ = script.advance(.milliseconds(random.below(8_000)))
            default:
                guard script.hasJoined(name) else { continue }
                switch random.below(5) {
                case 0: _ = script.offer(name, size: [70_000, 60_000, 1][random.below(3)])
                case 1, 2:
                    _ = script.sendPiece(name, random.below(5), isRight: random.below(3) > 0)
                case 3: _ = script.say(name, .reject(piece: random.below(5)))
                default:
                    let junk = (0..<random.below(40)).map { _ in UInt8(random.below(256)) }
                    _ = script.say(name, PeerMessage.extended(id: 1, payload: junk).encoded())
                }
            }
        }
        #expect(script.result == nil || script.result == script.metadata)
    }
}
