import Testing
import Wire

@testable import PeerCore

/// Downloads of some of the pieces, in some order, no faster than they are verified.
struct SwarmSelectionTests {
    private func requests(_ lines: [String]) -> [String] {
        lines.filter { $0.contains("request") }.map { String($0.dropFirst("a < request ".count)) }
    }

    @Test func `only wanted pieces are asked for, and make the download complete`() {
        let script = SwarmScript(pieces: 4, pieceLength: 16 << 10, have: [0], wanted: [0, 2])
        #expect(script.join("b", pieces: [1, 3]).last == "b < bitfield 80")
        #expect(script.join("a", pieces: [0, 1, 2, 3]).last == "a < interested")
        #expect(requests(script.say("a", .unchoke)) == ["2@0+16384"])
        var progress = script.progress
        #expect(progress.wantedPieces == 2 && progress.missingPieces == 1)
        #expect(progress.verifiedWantedBytes == 16_384 && progress.left == 3 * 16_384)
        _ = script.sendBlock("a", 2, 0)
        let lines = script.tell(.verified(piece: 2, ok: true))
        #expect(
            lines == [
                "piece 2", "b < have 2", "close a nothingToExchange", "completed",
                "announce paused",
            ])
        progress = script.progress
        #expect(script.isComplete && progress.isComplete && !script.isSeed)
        #expect(progress.left == 2 * 16_384 && progress.eta == .zero)
    }

    @Test func `who has all that it wants from the beginning is complete`() {
        let script = SwarmScript(pieces: 4, have: [1, 2], wanted: [2])
        #expect(script.isComplete && !script.isSeed)
        #expect(script.join("a", pieces: [0]) == ["a < handshake", "a < bitfield 60"])
        // It has said so already, after `started`.
        #expect(script.tell(.announced(interval: .seconds(1800), peers: [])).isEmpty)
        #expect(script.advance(.seconds(1800)).about("announce") == ["announce paused"])
    }

    @Test func `in sequence pieces are asked for from the front`() {
        let script = SwarmScript(pieces: 40, pieceLength: 16 << 10)
        _ = script.tell(.setSequential(true))
        script.join("a", pieces: Array(3..<40))
        let asked = requests(script.say("a", .unchoke))
        #expect(asked == (3..<11).map { "\($0)@0+16384" })
        _ = script.tell(.setSequential(false))
        _ = script.tell(.closed(script.id("a")))
        script.join("a", pieces: Array(3..<40))
        #expect(requests(script.say("a", .unchoke)) != asked)
    }

    @Test func `no more is asked for than may wait for its verification`() {
        let script = SwarmScript(pieces: 8) { $0.maxUnverifiedBytes = 3 * 32 << 10 }
        script.join("a", pieces: Array(0..<8))
        script.join("b", pieces: Array(0..<8))
        let asked = requests(script.say("a", .unchoke))
        #expect(asked.count == 6)
        #expect(requests(script.say("b", .unchoke)) == [])
        let first = Int(asked[0].prefix(1))!
        #expect(requests(script.sendBlock("a", first, 0)) == [])
        #expect(requests(script.sendBlock("a", first, 1)) == [])
        let lines = script.tell(.verified(piece: first, ok: true))
        #expect(requests(lines).count == 2)
    }

    @Test func `no more is asked for while verdicts are overdue`() {
        let script = SwarmScript(pieces: 8) { $0.maxVerifyingBytes = 64 << 10 }
        script.join("a", pieces: Array(0..<8))
        let asked = requests(script.say("a", .unchoke))
        let pieces = asked.map { Int($0.prefix(1))! }
        #expect(pieces[0] == pieces[1] && pieces[2] == pieces[3])
        for index in 0..<3 {
            let lines = script.sendBlock("a", pieces[index], index % 2)
            #expect(requests(lines).isEmpty == false)
        }
        // Two pieces wait for their verdicts.
        #expect(requests(script.sendBlock("a", pieces[3], 1)) == [])
        #expect(requests(script.sendBlock("a", pieces[4], 0)) == [])
        let lines = script.tell(.verified(piece: pieces[0], ok: true))
        #expect(requests(lines).isEmpty == false)
    }

    @Test func `parts of pieces that nobody can finish hold nothing up`() {
        let script = SwarmScript(pieces: 8) { $0.maxUnverifiedBytes = 64 << 10 }
        script.join("a", pieces: [0, 1])
        #expect(requests(script.say("a", .unchoke)).count == 4)
        for piece in 0..<2 { _ = script.sendBlock("a", piece, 0) }
        script.join("b", pieces: [6, 7])
        #expect(requests(script.say("b", .unchoke)) == [])
        #expect(requests(script.tell(.closed(script.id("a")))).count == 4)
    }
}
