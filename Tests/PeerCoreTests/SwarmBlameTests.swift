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

    @Test func `what comes from somebody of whom nothing was right yet is verified at once`() {
        let script = SwarmScript(pieces: 3, pieceLength: 32 << 10) { $0.pipelineDepth = 2...2 }
        for name in ["a", "b"] { script.join(name, pieces: [0, 1, 2], isProven: false) }
        var asked = script.say("a", .unchoke)
        var pieces: [Int] = []
        for _ in 0..<2 {
            let piece = Int(asked.first { $0.contains("request") }!.dropFirst(12).prefix(1))!
            pieces.append(piece)
            asked = script.sendBlock("a", piece, 0) + script.sendBlock("a", piece, 1)
            asked += script.tell(.verified(piece: piece, ok: true))
        }
        #expect(script.urgentPieces == [pieces[0]])
        let last = 3 - pieces.reduce(0, +)
        _ = script.sendBlock("a", last, 0)
        _ = script.say("a", .choke)
        _ = script.say("b", .unchoke)
        #expect(script.sendBlock("b", last, 1).contains("verify \(last)"))
        #expect(script.urgentPieces == [pieces[0], last])
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

    /// Peers a and b, both with everything, of whom b sends the last block of the first piece.
    private func mixed(pieces: Int = 3) -> (script: SwarmScript, piece: Int) {
        let script = SwarmScript(pieces: pieces, pieceLength: 64 << 10) { $0.pipelineDepth = 3...3 }
        for name in ["a", "b"] { script.join(name, pieces: Array(0..<pieces)) }
        let asked = script.say("a", .unchoke)
        let piece = Int(asked[0].dropFirst("a < request ".count).prefix(1))!
        #expect(script.say("b", .unchoke).first == "b < request \(piece)@49152+16384")
        for block in 0..<3 { _ = script.sendBlock("a", piece, block) }
        #expect(script.sendBlock("b", piece, 3).contains("verify \(piece)"))
        return (script, piece)
    }

    /// A peer sends all that it is asked for.
    private func serve(_ script: SwarmScript, _ name: String) -> [String] {
        var lines: [String] = []
        while let peer = script.swarm.connections[script.id(name)], peer.pipeline.count > 0 {
            let run = peer.pipeline[0].run
            lines += script.sendBlock(name, run.piece, run.block)
            if lines.last?.hasPrefix("verify") == true { break }
        }
        return lines
    }

    @Test func `a piece from several senders is examined and fetched from one alone`() {
        let (script, piece) = mixed()
        #expect(script.tell(.verified(piece: piece, ok: false)).first == "fingerprint \(piece)")
        #expect(script.sendBlock("a", piece, 0) == [])
        _ = script.tell(.fingerprinted(piece: piece, [1, 2, 3, 4]))
        let senders = ["a", "b"].filter { name in
            let peer = script.swarm.connections[script.id(name)]!
            return (0..<peer.pipeline.count).contains { peer.pipeline[$0].run.piece == piece }
        }
        #expect(senders.count <= 1)
    }

    @Test func `who sent another block than the right one is found out by it`() {
        for culprit in ["a", "b"] {
            let (script, piece) = mixed()
            _ = script.tell(.verified(piece: piece, ok: false))
            _ = script.tell(.fingerprinted(piece: piece, [1, 2, 3, 4]))
            var lines: [String] = []
            for _ in 0..<20 where lines.last != "verify \(piece)" {
                for name in ["a", "b"] where lines.last != "verify \(piece)" {
                    lines = serve(script, name)
                    guard let last = lines.last, last.hasPrefix("verify"),
                        last != "verify \(piece)"
                    else { continue }
                    _ = script.tell(.verified(piece: Int(last.dropFirst(7))!, ok: true))
                }
            }
            let verdict = script.tell(.verified(piece: piece, ok: true))
            #expect(verdict.contains("fingerprint \(piece)"))
            let right: [UInt64] = culprit == "a" ? [1, 9, 3, 4] : [1, 2, 3, 9]
            let sentence = script.tell(.fingerprinted(piece: piece, right))
            let endpoint = SwarmScript.endpoint(culprit).address
            #expect(sentence.first == "blame \(endpoint):50000 for \(piece)")
            #expect(sentence.about("close") == ["close \(culprit) blamed"])
            #expect(script.accept(culprit == "a" ? "b" : "a").last != "close banned")
            #expect(script.accept(culprit).contains("close \(culprit) banned"))
        }
    }

    @Test func `nobody is blamed when the blocks were right`() {
        let (script, piece) = mixed(pieces: 1)
        _ = script.tell(.verified(piece: piece, ok: false))
        _ = script.tell(.fingerprinted(piece: piece, [1, 2, 3, 4]))
        while let name = ["a", "b"].first(where: {
            script.swarm.connections[script.id($0)]!.pipeline.count > 0
        }), serve(script, name).last != "verify 0" {}
        _ = script.tell(.verified(piece: 0, ok: true))
        #expect(script.tell(.fingerprinted(piece: 0, [1, 2, 3, 4])) == [])
        #expect(script.isComplete)
    }
}
