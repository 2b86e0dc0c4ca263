import Testing
import Wire

@testable import PeerCore

/// Requests, and who may make them.
struct SwarmServingTests {
    private func request(_ piece: UInt32, _ begin: UInt32, _ length: UInt32) -> PeerMessage {
        .request(BlockRequest(piece: piece, begin: begin, length: length))
    }

    private func block(_ piece: UInt32, _ block: UInt32) -> PeerMessage {
        request(piece, block << 14, 1 << 14)
    }

    @Test func `an interested peer is unchoked at once and served`() {
        let script = SwarmScript(have: [0, 1])
        script.join("a")
        #expect(script.say("a", .interested) == ["a < unchoke"])
        #expect(
            script.say("a", block(1, 0), block(1, 1))
                == ["a < block 1@0+16384", "a < block 1@16384+16384"])
    }

    @Test func `any range of a piece may be asked for`() {
        let script = SwarmScript(have: [0])
        script.join("a")
        _ = script.say("a", .interested)
        #expect(script.say("a", request(0, 5, 7)) == ["a < block 0@5+7"])
        #expect(script.say("a", request(0, 0, 32_768)) == ["a < block 0@0+32768"])
    }

    @Test func `a request outside of its piece or too long ends the connection`() {
        let bad = [
            request(4, 0, 1), request(0, 0, 32_769), request(0, 32_768, 1), request(0, 0, 0),
            request(.max, .max, .max),
        ]
        for message in bad {
            let script = SwarmScript(have: [0])
            script.join("a")
            _ = script.say("a", .interested)
            #expect(script.say("a", message) == ["close a invalidRequest"])
        }
        let script = SwarmScript(pieceLength: 1 << 20, have: [0])
        script.join("a")
        _ = script.say("a", .interested)
        #expect(script.say("a", request(0, 0, 128 << 10)).count == 1)
        #expect(script.say("a", request(0, 0, 128 << 10 + 1)) == ["close a invalidRequest"])
    }

    @Test func `requests while choked or for what isn't here get no answer`() {
        let script = SwarmScript(have: [0])
        script.join("a")
        #expect(script.say("a", block(0, 0)) == [])
        _ = script.say("a", .interested)
        #expect(script.say("a", block(2, 0)) == [])
        #expect(script.say("a", block(0, 0)).count == 1)
    }

    @Test func `requests are answered alike however they arrive`() {
        var bytes: [UInt8] = []
        for message in [
            block(0, 0), block(0, 1), .have(3), block(1, 0), block(2, 0), .keepAlive,
            request(1, 7, 100), .cancel(BlockRequest(piece: 3, begin: 0, length: 1)),
            block(1, 1),
        ] { message.encode(into: &bytes) }
        func answers(_ parts: [[UInt8]]) -> [String] {
            let script = SwarmScript(have: [0, 1])
            script.join("a", fast: true)
            _ = script.say("a", .interested)
            return parts.flatMap { script.sendBytes("a", $0) }
        }
        let whole = answers([bytes])
        #expect(whole.about("a < block").count == 5)
        #expect(whole.about("a < reject").count == 1)
        #expect(Set(answers(bytes.map { [$0] })) == Set(whole))
        for cut in 1..<bytes.count {
            let parts = [[UInt8](bytes[..<cut]), [UInt8](bytes[cut...])]
            #expect(Set(answers(parts)) == Set(whole))
        }
    }

    @Test func `blocks are handed out a mebibyte at a time`() {
        let script = SwarmScript(pieces: 4, pieceLength: 1 << 20, have: [0, 1, 2]) {
            $0.releasedBytes = 1 << 20...1 << 20
        }
        script.join("a")
        _ = script.say("a", .interested)
        var bytes: [UInt8] = []
        for index in 0..<150 { block(UInt32(index / 64), UInt32(index % 64)).encode(into: &bytes) }
        #expect(script.sendBytes("a", bytes).count == 64)
        #expect(script.say("a", block(2, 60)) == [])
        #expect(script.tell(.drained(script.id("a"))).count == 64)
        #expect(script.tell(.drained(script.id("a"))).count == 150 - 128 + 1)
        #expect(script.tell(.drained(script.id("a"))) == [])
    }

    @Test func `a cancel takes a waiting request back`() {
        let script = SwarmScript(have: [0, 1]) {
            $0.releasedBytes = 1...1
        }
        script.join("a")
        _ = script.say("a", .interested)
        _ = script.say("a", block(0, 0), block(0, 1), block(1, 0))
        _ = script.say("a", .cancel(BlockRequest(piece: 0, begin: 16_384, length: 16_384)))
        _ = script.say("a", .cancel(BlockRequest(piece: 3, begin: 0, length: 16_384)))
        #expect(script.tell(.drained(script.id("a"))) == ["a < block 1@0+16384"])
        #expect(script.tell(.drained(script.id("a"))) == [])
    }

    @Test func `a choke discards pending requests`() {
        let script = SwarmScript(have: [0, 1]) {
            $0.uploadSlots = 1
            $0.releasedBytes = 1...1
        }
        script.join("a")
        script.join("b")
        _ = script.say("a", .interested)
        #expect(script.say("b", .interested) == [])
        _ = script.say("a", block(0, 0), block(0, 1))
        let lines = script.advance(.seconds(31)).filter { !$0.hasPrefix("announce") }
        #expect(lines == ["a < choke", "b < unchoke"])
        #expect(script.tell(.drained(script.id("a"))) == [])
        #expect(script.say("b", block(0, 1)) == ["b < block 0@16384+16384"])
    }

    @Test func `the queue is bounded and a flood ends the connection`() {
        let script = SwarmScript(have: [0]) {
            $0.requestQueueLimit = 10
            $0.releasedBytes = 1...1
        }
        script.join("a")
        _ = script.say("a", .interested)
        var lines: [String] = []
        for _ in 0..<50 { lines += script.say("a", block(0, 0)) }
        #expect(lines == ["a < block 0@0+16384"])
        #expect(script.say("a", block(0, 0)) == [])
        #expect(script.say("a", block(0, 0)) == ["close a requestFlood"])
    }

    @Test func `asking while choked without end is a flood too`() {
        let script = SwarmScript(have: [0]) { $0.requestQueueLimit = 10 }
        script.join("a")
        var lines: [String] = []
        for _ in 0..<41 { lines += script.say("a", block(0, 0)) }
        #expect(lines == ["close a requestFlood"])
    }

    @Test func `a slot that becomes free goes to who has waited the longest`() {
        let script = SwarmScript(have: [0]) { $0.uploadSlots = 1 }
        for name in ["a", "b", "c"] { script.join(name) }
        #expect(script.say("a", .interested) == ["a < unchoke"])
        #expect(script.say("c", .interested) == [])
        _ = script.advance(.seconds(1))
        #expect(script.say("b", .interested) == [])
        #expect(script.say("a", .notInterested) == ["a < choke", "c < unchoke"])
        #expect(script.tell(.closed(script.id("c"))) == ["b < unchoke"])
    }

    @Test func `a slot is kept without interest until somebody needs it`() {
        let script = SwarmScript(have: [0]) { $0.uploadSlots = 1 }
        for name in ["a", "b"] { script.join(name) }
        _ = script.say("a", .interested)
        #expect(script.say("a", .notInterested) == [])
        #expect(script.say("b", .interested) == ["a < choke", "b < unchoke"])
    }

    @Test func `with more peers than slots everyone is served in turn`() {
        let script = SwarmScript(have: [0, 1, 2, 3]) { $0.uploadSlots = 2 }
        let names = (0..<9).map { String(UnicodeScalar(UInt8(97 + $0))) }
        for name in names { script.join(name) }
        var lines = names.flatMap { script.say($0, .interested) }
        lines += script.advance(.seconds(150))
        for name in names { #expect(lines.contains("\(name) < unchoke")) }
    }

    @Test func `while downloading the best senders are unchoked`() {
        let script = SwarmScript(pieces: 100, pieceLength: 16 << 10, have: [0]) {
            $0.uploadSlots = 2
            $0.announceInterval = .seconds(9_999)
        }
        for name in ["a", "b", "c", "d"] {
            script.join(name, pieces: Array(1..<100))
            _ = script.say(name, .interested)
        }
        // Unchoked are a and b; only d sends.
        _ = script.say("d", .unchoke)
        for _ in 0..<40 {
            let request = script.swarm.connections[script.id("d")]!.pipeline[0]
            _ = script.sendBlock("d", request.run.piece, request.run.block)
            _ = script.advance(.seconds(1))
        }
        let unchoked = script.peers.filter { !$0.amChoking }.map(\.peerID)
        #expect(unchoked.count == 2)
        #expect(unchoked.contains(SwarmScript.peerID("d")))
    }
}
