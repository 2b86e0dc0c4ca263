import Testing
import Wire

@testable import PeerCore

/// The fast extension (BEP 6), and blocks longer than usual.
struct SwarmFastTests {
    private func request(_ piece: UInt32, _ begin: UInt32, _ length: UInt32) -> BlockRequest {
        BlockRequest(piece: piece, begin: begin, length: length)
    }

    private func block(_ piece: UInt32, _ block: UInt32) -> BlockRequest {
        request(piece, block << 14, 1 << 14)
    }

    /// A peer that speaks it and has something, so that it is allowed nothing.
    private func fastPeer(_ script: SwarmScript, _ name: String = "a") {
        script.join(name, pieces: [0], fast: true)
    }

    @Test func `all or nothing is said in one message to those who understand it`() {
        let seed = SwarmScript(have: [0, 1, 2, 3])
        #expect(seed.join("a", fast: true) == ["a < handshake", "a < haveAll"])
        #expect(seed.join("b") == ["b < handshake", "b < bitfield f0"])
        #expect(SwarmScript().join("a", fast: true) == ["a < handshake", "a < haveNone"])
        #expect(SwarmScript(have: [1]).join("a", fast: true).last == "a < bitfield 40")
    }

    @Test func `who has all is a seed, who has nothing is of no interest`() {
        let script = SwarmScript()
        script.join("a", fast: true)
        #expect(script.say("a", .haveAll) == ["a < interested"])
        script.join("b", fast: true)
        #expect(script.say("b", .haveNone, .have(2)) == ["b < interested"])
        #expect(script.peers.map(\.pieces) == [4, 1])
    }

    @Test func `its messages without the agreement end the connection`() {
        let messages: [PeerMessage] = [
            .haveAll, .haveNone, .suggest(0), .allowedFast(0), .reject(block(0, 0)),
        ]
        for message in messages {
            let script = SwarmScript()
            script.join("a")
            #expect(script.say("a", message) == ["close a notNegotiated"])
        }
    }

    @Test func `every request that isn't served is rejected`() {
        let script = SwarmScript(have: [0, 1]) {
            $0.requestQueueLimit = 2
            $0.releasedBytes = 1...1
        }
        fastPeer(script)
        #expect(script.say("a", .request(block(0, 0))) == ["a < reject 0@0+16384"])
        _ = script.say("a", .interested)
        #expect(script.say("a", .request(block(3, 0))) == ["a < reject 3@0+16384"])
        let lines = script.say(
            "a", .request(block(0, 0)), .request(block(0, 1)), .request(block(1, 0)))
        #expect(lines == ["a < reject 1@0+16384", "a < block 0@0+16384"])
        #expect(script.say("a", .cancel(block(0, 1))) == ["a < reject 0@16384+16384"])
        #expect(script.say("a", .cancel(block(0, 1))) == [])
    }

    @Test func `the queue is bounded in bytes too`() {
        let script = SwarmScript(have: [0, 1]) {
            $0.maxQueuedBytes = 40_000
            $0.releasedBytes = 1...1
        }
        fastPeer(script)
        _ = script.say("a", .interested, .request(block(0, 0)))
        let lines = script.say(
            "a", .request(request(0, 0, 30_000)), .request(request(1, 0, 10_001)),
            .request(request(1, 0, 10_000)))
        #expect(lines == ["a < reject 1@0+10001"])
    }

    @Test func `a choke rejects what is pending`() {
        let script = SwarmScript(have: [0, 1]) {
            $0.uploadSlots = 1
            $0.releasedBytes = 1...1
        }
        fastPeer(script)
        fastPeer(script, "b")
        _ = script.say("a", .interested, .request(block(0, 0)), .request(block(0, 1)))
        _ = script.say("b", .interested)
        let lines = script.advance(.seconds(31)).filter { !$0.hasPrefix("announce") }
        #expect(lines == ["a < choke", "a < reject 0@16384+16384", "b < unchoke"])
    }

    @Test func `a rejected request is asked of another peer at once`() {
        let script = SwarmScript(pieces: 4, have: [0, 1, 2])
        script.join("a", pieces: [3], fast: true)
        script.join("b", pieces: [3], fast: true)
        _ = script.say("a", .unchoke)
        _ = script.say("b", .unchoke)
        #expect(script.say("a", .choke) == [])
        #expect(script.say("a", .reject(block(3, 1))) == ["b < request 3@16384+16384"])
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
    }

    @Test func `who rejects without choking isn't asked for that again for a while`() {
        let script = SwarmScript(pieces: 4, have: [0, 1, 2])
        script.join("a", pieces: [3], fast: true)
        _ = script.say("a", .unchoke)
        #expect(script.say("a", .reject(block(3, 1))) == [])
        #expect(script.say("a", .reject(block(3, 1))) == [])
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
        #expect(script.advance(.seconds(59)).filter { $0.contains("request") } == [])
        #expect(script.advance(.seconds(2)) == ["a < request 3@16384+16384"])
    }

    /// A seed of many pieces that isn't the only one, of which b has the only slot and a, who
    /// begins, has none.
    private func waiting(
        _ configure: (inout SwarmConfiguration) -> Void = { _ in }
    ) -> (script: SwarmScript, allowed: [UInt32]) {
        let script = SwarmScript(pieces: 100, have: Array(0..<100)) {
            $0.uploadSlots = 1
            $0.allowedFastCount = 3
            configure(&$0)
        }
        script.join("s", pieces: Array(0..<100))
        script.join("b")
        _ = script.say("b", .interested)
        script.join("a", fast: true)
        let lines = script.say("a", .haveNone, .interested)
        let allowed = AllowedFastSet.pieces(
            count: 3, of: 100, infoHash: SwarmScript.infoHash,
            address: SwarmScript.endpoint("a").address)
        #expect(lines == allowed.map { "a < allowed \($0)" })
        return (script, allowed)
    }

    @Test func `one who begins is allowed a few pieces while choked, each byte once`() {
        let (script, allowed) = waiting()
        for piece in allowed {
            let lines = script.say(
                "a", .request(block(piece, 0)), .request(block(piece, 1)))
            #expect(
                lines == [
                    "a < block \(piece)@0+16384", "a < block \(piece)@16384+16384",
                ])
            _ = script.tell(.drained(script.id("a")))
        }
        #expect(
            script.say("a", .request(block(allowed[0], 0)))
                == ["a < reject \(allowed[0])@0+16384"])
    }

    @Test func `other pieces are not allowed`() {
        let (script, allowed) = waiting()
        let other = UInt32((0..<100).first { !allowed.contains(UInt32($0)) }!)
        #expect(script.say("a", .request(block(other, 0))) == ["a < reject \(other)@0+16384"])
    }

    @Test func `a choke leaves what is allowed in the queue`() {
        let (script, allowed) = waiting {
            $0.releasedBytes = 1...1
        }
        let other = UInt32((0..<100).first { !allowed.contains(UInt32($0)) }!)
        #expect(script.say("b", .notInterested) == ["b < choke", "a < unchoke"])
        _ = script.say("b", .interested)
        _ = script.say(
            "a", .request(block(other, 0)), .request(block(other, 1)),
            .request(block(allowed[0], 0)))
        let lines = script.advance(.seconds(31)).about("a <")
        #expect(lines == ["a < choke", "a < reject \(other)@16384+16384"])
        #expect(
            script.tell(.drained(script.id("a"))) == ["a < block \(allowed[0])@0+16384"])
    }

    @Test func `nothing is allowed to one who has enough, or where pieces are large`() {
        let script = SwarmScript(pieces: 100, have: Array(0..<100)) { $0.allowedFastCount = 3 }
        script.join("a", pieces: [0, 1], fast: true)
        #expect(script.peers.count == 1)
        #expect(script.join("b", pieces: [0, 1, 2], fast: true).about("b < allowed") == [])
        let large = SwarmScript(pieces: 100, pieceLength: 32 << 10, have: Array(0..<100)) {
            $0.allowedFastBytes = 20_000
        }
        large.join("a", fast: true)
        #expect(large.say("a", .haveNone) == [])
    }

    @Test func `what a peer allows us is kept within bounds`() {
        let script = SwarmScript(pieces: 100) { $0.maxAllowedFast = 3 }
        script.join("a", fast: true)
        _ = script.say(
            "a", .haveAll, .allowedFast(5), .allowedFast(5), .allowedFast(100), .allowedFast(1),
            .allowedFast(2), .allowedFast(3))
        #expect(script.swarm.connections[script.id("a")]!.allowedFast == [5, 1, 2])
    }

    @Test func `a whole run of blocks is asked for with one request where that was offered`() {
        let script = SwarmScript(pieces: 4, pieceLength: 2 << 20, have: [0])
        script.join("a", extensions: true)
        _ = script.say("a", .interested)
        #expect(
            script.say("a", .request(request(0, 0, 1 << 20))) == ["a < block 0@0+1048576"])
        #expect(
            script.say("a", .request(request(0, 0, 1 << 20 + 1))) == ["close a invalidRequest"])
        script.join("b")
        _ = script.say("b", .interested)
        #expect(
            script.say("b", .request(request(0, 0, 128 << 10 + 1))) == ["close b invalidRequest"])
    }

    @Test func `a block may be as long as its sender said it can be`() {
        let script = SwarmScript(pieces: 4, pieceLength: 2 << 20)
        let long = PeerMessage.pieceHeader(for: request(0, 0, 40_000))
        script.join("a", extensions: true)
        #expect(script.sendBytes("a", long) == ["close a malformed"])
        script.join("b", extensions: true)
        let extensions = ExtensionHandshake(maxBlockLength: 40_000)
        _ = script.say("b", .extended(id: 0, payload: extensions.encoded()))
        #expect(script.swarm.connections[script.id("b")]!.maxRequestLength == 40_000)
        #expect(script.sendBytes("b", long) == [])
        script.join("c", extensions: true)
        let boundless = ExtensionHandshake(maxBlockLength: .max)
        _ = script.say("c", .extended(id: 0, payload: boundless.encoded()))
        #expect(script.swarm.connections[script.id("c")]!.maxRequestLength == 1 << 20)
    }

    @Test func `completion is told to those who speak extensions`() {
        let script = SwarmScript(pieces: 1, pieceLength: 16 << 10)
        script.join("a", pieces: [0])
        script.join("b", extensions: true)
        _ = script.say("a", .unchoke)
        _ = script.sendBlock("a", 0, 0)
        let lines = script.tell(.verified(piece: 0, ok: true))
        #expect(lines.about("b <") == ["b < extended 0", "b < have 0"])
    }
}
