import Testing
import Wire

@testable import PeerCore

/// Pieces that fail their hash.
struct SwarmBlameTests {
    @Test func `a sole sender of a bad piece is banned for good`() {
        let script = SwarmScript(pieces: 1)
        for name in ["a", "b"] { script.join(name, pieces: [0]) }
        _ = script.say("a", .unchoke)
        _ = script.sendBlock("a", 0, 0)
        #expect(script.sendBlock("a", 0, 1).last == "verify 0")
        #expect(script.say("b", .unchoke) == [])
        let lines = script.tell(.verified(piece: 0, ok: false))
        #expect(
            lines == [
                "blame 10.0.0.97:50000 for 0", "close a blamed", "b < request 0@0+16384",
                "b < request 0@16384+16384",
            ])
        #expect(script.accept("a") == ["close a banned"])
        #expect(script.progress.corruptBytes == 32_768)
    }

    @Test func `a banned endpoint isn't called again`() {
        let script = SwarmScript(pieces: 1)
        let a = SwarmScript.endpoint("a")
        _ = script.advance(.seconds(2))
        _ = script.tell(.announced(interval: .seconds(60), peers: [a]))
        _ = script.tell(.connected(script.makeID("a"), a))
        _ = script.sendBytes("a", script.handshake("a").encoded())
        _ = script.say("a", .bitfield([0x80]), .unchoke)
        _ = script.sendBlock("a", 0, 0)
        _ = script.sendBlock("a", 0, 1)
        let lines = script.tell(.verified(piece: 0, ok: false))
        #expect(lines.prefix(2) == ["blame \(a) for 0", "close a blamed"])
        var later = script.advance(.seconds(100))
        later += script.tell(.announced(interval: .seconds(60), peers: [a]))
        later += script.advance(.seconds(1_000))
        #expect(later.about("connect") == [])
    }

    @Test func `of several senders the culprit is found by pieces of its own`() {
        let script = SwarmScript(pieces: 3) { $0.pipelineDepth = 1...1 }
        for name in ["a", "b"] { script.join(name, pieces: [0, 1, 2]) }
        func pending(_ name: String) -> RequestPipeline.Request? {
            guard let peer = script.swarm.connections[script.id(name)] else { return nil }
            return peer.pipeline.count > 0 ? peer.pipeline[0] : nil
        }
        var lines = script.say("a", .unchoke)
        lines += script.say("b", .unchoke)
        // Whatever a had a part in is bad; they take turns at sending what they were asked for.
        var sentByA: Set<UInt32> = []
        for _ in 0..<40 {
            for name in ["a", "b"] {
                guard let request = pending(name) else { continue }
                if name == "a" { sentByA.insert(request.piece) }
                let sent = script.sendBlock(name, Int(request.piece), Int(request.block))
                lines += sent
                guard sent.contains("verify \(request.piece)") else { continue }
                let isBad = sentByA.remove(request.piece) != nil
                lines += script.tell(.verified(piece: Int(request.piece), ok: !isBad))
            }
        }
        #expect(script.isComplete)
        #expect(lines.about("close") == ["close a blamed", "close b nothingToExchange"])
        #expect(lines.about("blame 10.0.0.97").count == 1)
    }
}
