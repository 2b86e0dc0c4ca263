import Testing
import Wire

@testable import PeerCore

/// Passing on the info dictionary (BEP 9).
struct SwarmMetadataTests {
    private static let pieceLength = MetadataMessage.pieceLength

    /// A peer whose id of ut_metadata is 7.
    private func script(metadata count: Int) -> SwarmScript {
        let script = SwarmScript(
            have: [0], metadata: count == 0 ? nil : [UInt8](repeating: 9, count: count))
        script.join("a", extensions: true)
        _ = introduce(script)
        return script
    }

    private func introduce(_ script: SwarmScript) -> [String] {
        let extensions = ExtensionHandshake(messageIDs: [MetadataMessage.name: 7])
        return script.say("a", .extended(id: 0, payload: extensions.encoded()))
    }

    private func ask(_ script: SwarmScript, _ pieces: Int...) -> [String] {
        let bytes = pieces.flatMap { piece in
            PeerMessage.extended(id: 1, payload: MetadataMessage.request(piece: piece).encoded())
                .encoded()
        }
        return script.sendBytes("a", bytes)
    }

    private func handshake(_ metadata: [UInt8]?) throws -> ExtensionHandshake {
        let script = SwarmScript(metadata: metadata)
        var outputs = SwarmOutputs()
        script.swarm.receive(
            .accepted(
                script.makeID("a"), SwarmScript.endpoint("a"),
                script.handshake("a", extensions: true)),
            at: script.now, into: &outputs)
        let payload = [UInt8](outputs.bytes.dropFirst(Handshake.length + 6))
        return try ExtensionHandshake(decoding: payload)
    }

    @Test func `it is offered where there is one, up to 16 MiB`() throws {
        let offer = try handshake([1, 2, 3])
        #expect(offer.messageIDs == [MetadataMessage.name: 1])
        #expect(offer.metadataSize == 3)
        let none = try handshake(nil)
        #expect(none.messageIDs == [:] && none.metadataSize == nil)
        let long = try handshake([UInt8](repeating: 0, count: 16 << 20 + 1))
        #expect(long.messageIDs == [:] && long.metadataSize == nil)
    }

    @Test func `pieces are sent under the peer's own id, a few at a time`() {
        let script = script(metadata: 5 * Self.pieceLength + 100)
        let size = 5 * Self.pieceLength + 100
        #expect(ask(script, 5) == ["a < extended 7 metadata 5+100/\(size)"])
        #expect(ask(script, 0, 1, 2) == [])
        #expect(
            script.tell(.drained(script.id("a")))
                == (0..<3).map { "a < extended 7 metadata \($0)+16384/\(size)" })
        #expect(script.tell(.drained(script.id("a"))) == [])
        #expect(ask(script, 0).count == 1)
    }

    @Test func `what isn't there, too many and too often are rejected`() {
        let script = script(metadata: 100)
        #expect(ask(script, 1) == ["a < extended 7 no metadata 1"])
        for _ in 0..<4 {
            #expect(ask(script, 0) == ["a < extended 7 metadata 0+100/100"])
            _ = script.tell(.drained(script.id("a")))
        }
        #expect(ask(script, 0) == ["a < extended 7 no metadata 0"])
        let large = self.script(metadata: 100 * Self.pieceLength)
        let lines = ask(large, 0) + (0..<65).flatMap { ask(large, $0) }
        #expect(lines.filter { $0.contains("no metadata") }.count == 1)
    }

    @Test func `refusals without end end the connection`() {
        let script = script(metadata: 100)
        var lines: [String] = []
        for _ in 0..<1_000 where lines.last?.hasPrefix("close") != true { lines += ask(script, 9) }
        #expect(lines.last == "close a messageFlood")
    }

    @Test func `who doesn't say its own id isn't answered, nor is anyone of a private torrent`() {
        let script = SwarmScript(have: [0], metadata: [1])
        script.join("a", extensions: true)
        #expect(ask(script, 0) == [])
        #expect(introduce(script) == [])
        #expect(ask(script, 0).count == 1)
        let secret = self.script(metadata: 0)
        #expect(ask(secret, 0) == [])
    }

    @Test func `answers that nobody asked for and nonsense do nothing`() {
        let script = script(metadata: 100)
        let messages: [[UInt8]] = [
            [], [1, 2, 3], MetadataMessage.reject(piece: 0).encoded(),
            MetadataMessage.data(piece: 0, totalSize: 1, bytes: [1]).encoded(),
        ]
        for payload in messages {
            #expect(script.say("a", .extended(id: 1, payload: payload)) == [])
        }
        #expect(script.say("a", .extended(id: 2, payload: [1])) == [])
    }
}
