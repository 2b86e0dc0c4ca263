import Testing
import Wire

@testable import PeerCore

/// Peers of whom nothing was right yet.
struct SwarmTrialTests {
    /// Peers that nobody knows, each with all pieces.
    private func strangers(_ names: [String], pieces: Int = 4) -> SwarmScript {
        let script = SwarmScript(pieces: pieces)
        for name in names {
            script.join(name, pieces: Array(0..<pieces), isProven: false)
        }
        return script
    }

    private func pieces(in lines: [String]) -> Set<Int> {
        Set(
            lines.filter { $0.contains("< request ") }.compactMap {
                Int($0.split(separator: " ")[3].prefix { $0 != "@" })
            })
    }

    @Test func `each is asked for one piece of its own, and for more once that was right`() throws {
        let script = strangers(["a", "b"])
        let first = pieces(in: script.say("a", .unchoke))
        let second = pieces(in: script.say("b", .unchoke))
        #expect(first.count == 1 && second.count == 1 && first != second)
        let piece = try #require(first.first)
        #expect(script.sendBlock("a", piece, 0).about("request") == [])
        #expect(script.sendBlock("a", piece, 1).about("request") == [])
        #expect(script.urgentPieces == [piece])
        let next = pieces(in: script.tell(.verified(piece: piece, ok: true)))
        #expect(next == Set(0..<4).subtracting(first).subtracting(second))
    }

    @Test func `one whose piece is wrong is banned, and nothing else was spoilt`() throws {
        let script = strangers(["a", "b"])
        let piece = try #require(pieces(in: script.say("a", .unchoke)).first)
        _ = script.say("b", .unchoke)
        for block in 0..<2 { _ = script.sendBlock("a", piece, block) }
        let lines = script.tell(.verified(piece: piece, ok: false))
        #expect(lines.first == "blame 10.0.0.97:50000 for \(piece)")
        #expect(script.progress.corruptBytes == 32_768)
    }

    @Test func `one that leaves its piece unfinished waits for the verdict on it`() throws {
        let script = strangers(["a", "b"])
        let piece = try #require(pieces(in: script.say("a", .unchoke)).first)
        _ = script.sendBlock("a", piece, 0)
        _ = script.say("a", .choke)
        // Anybody may send the rest now.
        let own = try #require(pieces(in: script.say("b", .unchoke)).first)
        if own != piece {
            for block in 0..<2 { _ = script.sendBlock("b", own, block) }
            _ = script.tell(.verified(piece: own, ok: true))
        }
        #expect(pieces(in: script.say("a", .unchoke)).subtracting([piece]).isEmpty)
        _ = script.sendBlock("b", piece, 1)
        _ = script.tell(.verified(piece: piece, ok: false))
        _ = script.tell(.fingerprinted(piece: piece, [1, 2]))
        #expect(pieces(in: script.say("a", .choke) + script.say("a", .unchoke)).count <= 1)
    }
}
