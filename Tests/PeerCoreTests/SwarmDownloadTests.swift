import Testing
import Wire

@testable import PeerCore

/// What is asked for, what comes, and what doesn't.
struct SwarmDownloadTests {
    /// A swarm that lacks piece 3 alone, of two blocks.
    private func lackingOne(
        _ configure: (inout SwarmConfiguration) -> Void = { _ in }
    ) -> SwarmScript {
        SwarmScript(pieces: 4, have: [0, 1, 2], configure)
    }

    private let requests = ["request 3@0+16384", "request 3@16384+16384"]

    private func asked(_ name: String) -> [String] { requests.map { "\(name) < \($0)" } }

    @Test func `an unchoke is answered with requests`() {
        let script = lackingOne()
        #expect(script.join("a", pieces: [3]).last == "a < interested")
        #expect(script.say("a", .unchoke) == asked("a"))
    }

    @Test func `a piece is stored, verified, told and finishes the download`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        script.join("b", pieces: [0])
        _ = script.say("a", .unchoke)
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
        #expect(script.sendBlock("a", 3, 1) == ["store 3@16384+16384", "verify 3"])
        let lines = script.tell(.verified(piece: 3, ok: true))
        #expect(
            lines == [
                "piece 3", "a < notInterested", "b < have 3", "completed", "announce completed",
            ])
        #expect(script.isComplete)
        let progress = script.progress
        #expect(progress.left == 0 && progress.downloadedBytes == 32_768)
        #expect(script.peers[0].bytesFrom == 32_768)
    }

    @Test func `fragments are stored where they belong as they come`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        _ = script.say("a", .unchoke)
        let bytes = script.blockBytes(3, 1)
        #expect(script.sendBytes("a", [UInt8](bytes[..<10])) == [])
        #expect(script.sendBytes("a", [UInt8](bytes[10..<113])) == ["store 3@16384+100"])
        #expect(script.sendBytes("a", [UInt8](bytes[113...])) == ["store 3@16484+16284"])
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384", "verify 3"])
    }

    @Test func `what wasn't asked for is dropped and counted`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        #expect(script.sendBlock("a", 3, 0) == [])
        #expect(script.sendBlock("a", 1, 0) == [])
        _ = script.say("a", .unchoke)
        let odd = PeerMessage.pieceHeader(for: BlockRequest(piece: 3, begin: 1, length: 100))
        #expect(script.sendBytes("a", odd + [UInt8](repeating: 0, count: 100)) == [])
        let wrong = PeerMessage.pieceHeader(for: BlockRequest(piece: 99, begin: 0, length: 100))
        #expect(script.sendBytes("a", wrong + [UInt8](repeating: 0, count: 100)) == [])
        #expect(script.progress.wastedBytes == 2 * 16_384 + 200)
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
    }

    @Test func `a flood of what wasn't asked for ends the connection`() {
        let script = lackingOne { $0.maxUnrequestedBytes = 40_000 }
        script.join("a", pieces: [3])
        #expect(script.sendBlock("a", 1, 0) == [])
        #expect(script.sendBlock("a", 1, 0) == [])
        #expect(script.sendBlock("a", 1, 0) == ["close a dataFlood"])
    }

    @Test func `nothing is stored into a piece that is being verified or verified`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        _ = script.say("a", .unchoke)
        _ = script.sendBlock("a", 3, 0)
        _ = script.sendBlock("a", 3, 1)
        #expect(script.sendBlock("a", 3, 0) == [])
        _ = script.tell(.verified(piece: 3, ok: true))
        #expect(script.sendBlock("a", 3, 0) == [])
        #expect(script.tell(.verified(piece: 3, ok: true)) == [])
        #expect(script.tell(.verified(piece: 3, ok: false)) == [])
    }

    @Test func `blocks of a closed connection are asked of another`() {
        let script = lackingOne()
        for name in ["a", "b"] { script.join(name, pieces: [3]) }
        #expect(script.say("a", .unchoke) == asked("a"))
        #expect(script.say("b", .unchoke) == [])
        _ = script.sendBytes("a", [UInt8](script.blockBytes(3, 0).dropLast()))
        #expect(script.tell(.closed(script.id("a"))) == asked("b"))
    }

    @Test func `blocks of a choking peer are asked of another, but still taken`() {
        let script = lackingOne()
        for name in ["a", "b"] { script.join(name, pieces: [3]) }
        _ = script.say("a", .unchoke)
        _ = script.say("b", .unchoke)
        #expect(script.say("a", .choke) == asked("b"))
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384", "b < cancel 3@0+16384"])
        #expect(script.sendBlock("b", 3, 0) == [])
        #expect(script.sendBlock("b", 3, 1) == ["store 3@16384+16384", "verify 3"])
    }

    @Test func `after an unchoke everything is asked for again`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        _ = script.say("a", .unchoke)
        #expect(script.say("a", .choke) == [])
        #expect(script.say("a", .unchoke) == asked("a"))
        #expect(script.say("a", .unchoke) == [])
    }

    @Test func `a silent peer's blocks are asked of another, and taken if they come first`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        _ = script.say("a", .unchoke)
        script.join("b", pieces: [3])
        _ = script.say("b", .unchoke)
        #expect(script.advance(.milliseconds(900)).filter { $0.contains("request") } == [])
        #expect(script.advance(.seconds(10)).contains(asked("b")[0]))
        let peers = script.peers
        #expect(peers.map(\.isSnubbed) == [true, false])
        #expect(
            script.sendBlock("a", 3, 1) == ["store 3@16384+16384", "b < cancel 3@16384+16384"])
        #expect(script.peers.map(\.isSnubbed) == [false, false])
    }

    @Test func `a silent peer that is the only one is asked again after a while`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        _ = script.say("a", .unchoke)
        var lines: [String] = []
        for _ in 0..<8 {
            lines += script.advance(.seconds(10))
            lines += script.say("a", .keepAlive)
        }
        #expect(lines.filter { $0.contains("request") } == [asked("a")[0]])
    }

    @Test func `a recovered peer isn't asked twice for the same`() {
        let script = lackingOne()
        script.join("a", pieces: [3])
        _ = script.say("a", .unchoke)
        _ = script.advance(.seconds(11))
        #expect(script.sendBlock("a", 3, 0) == ["store 3@0+16384"])
        _ = script.advance(.seconds(1))
        #expect(script.sendBlock("a", 3, 1) == ["store 3@16384+16384", "verify 3"])
    }

    @Test func `in the endgame the slowest peer's blocks are asked of an idle one too`() {
        let script = SwarmScript(pieces: 1, pieceLength: 16 * 16 << 10)
        for name in ["a", "b"] { script.join(name, pieces: [0]) }
        _ = script.say("a", .unchoke)
        _ = script.say("b", .unchoke)
        // Each was asked for eight. One answers at once, the other doesn't.
        for block in 8..<16 { _ = script.sendBlock("b", 0, block) }
        let stolen = script.advance(.seconds(1)).about("b < request")
        #expect(stolen.count == 8)
        #expect(stolen.first == "b < request 0@\(7 * 16_384)+16384")
        #expect(
            script.sendBlock("b", 0, 7).prefix(2)
                == ["store 0@\(7 * 16_384)+16384", "a < cancel 0@\(7 * 16_384)+16384"])
        #expect(script.sendBlock("a", 0, 7) == [])
        #expect(script.progress.wastedBytes == 16_384)
    }

    @Test func `interest follows what a peer has that we lack`() {
        let script = SwarmScript(pieces: 4, have: [0])
        script.join("a", pieces: [0])
        #expect(!script.peers[0].amInterested)
        #expect(script.say("a", .have(2)) == ["a < interested"])
        #expect(script.say("a", .have(2)) == [])
        #expect(script.say("a", .have(3)) == [])
    }

    @Test func `a peer's request queue bounds what is asked of it`() {
        let script = SwarmScript(pieces: 4, pieceLength: 1 << 20)
        script.join("a", extensions: true)
        let extensions = ExtensionHandshake(requestQueueLength: 3).encoded()
        let lines = script.say(
            "a", .extended(id: 0, payload: extensions), .have(0), .have(1), .unchoke)
        #expect(lines.about("a < request").count == 3)
    }

    @Test func `an empty file is complete and asks for nothing`() {
        let script = SwarmScript(pieces: 0)
        #expect(script.isComplete)
        #expect(script.progress.isComplete)
        #expect(script.join("a") == ["a < handshake"])
        #expect(script.say("a", .bitfield([])) == ["close a nothingToExchange"])
    }

    @Test func `a swarm without useful peers asks the tracker again`() {
        let script = SwarmScript()
        #expect(script.advance(.seconds(2)) == ["announce regular"])
        _ = script.tell(.announced(interval: .seconds(1800), peers: []))
        #expect(script.advance(.seconds(3)) == [])
        #expect(script.advance(.seconds(1)) == ["announce regular"])
        _ = script.tell(.announceFailed)
        #expect(script.advance(.seconds(2)) == ["announce regular"])
        _ = script.tell(.announced(interval: .seconds(1800), peers: []))
        script.join("a", pieces: [0])
        _ = script.advance(.seconds(90))
        _ = script.say("a", .keepAlive)
        #expect(script.advance(.seconds(100)).about("announce") == [])
    }
}
