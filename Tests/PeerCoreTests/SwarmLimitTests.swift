import Testing
import Wire

@testable import PeerCore

/// Requests while the user limits the download.
@Suite struct SwarmLimitTests {
    private static let all = Array(0..<64)

    /// Peers that have everything and unchoke us.
    private func script(_ names: String..., limit: Int?) -> SwarmScript {
        let script = SwarmScript(pieces: 64)
        if let limit { _ = script.tell(.setDownloadLimit(limit)) }
        for name in names { script.join(name, pieces: Self.all) }
        return script
    }

    private func requests(_ lines: [String]) -> Int { lines.count { $0.contains("< request") } }

    @Test func `no more is asked for than comes in two seconds, of each peer one block at least`() {
        let script = script("a", "b", "c", limit: 64 << 10)
        #expect(requests(script.say("a", .unchoke)) == 8)
        #expect(requests(script.say("b", .unchoke)) == 1)
        #expect(requests(script.say("c", .unchoke)) == 1)
        // Until what is asked for is down to two seconds' worth, each has one block again.
        _ = script.tell(.setDownloadLimit(32 << 10))
        #expect(requests(script.advance(.seconds(1))) == 0)
        // More may come from now on, and at once more is asked for.
        #expect(requests(script.tell(.setDownloadLimit(1 << 20))) > 0)
    }

    @Test func `without a limit the pipelines alone decide`() {
        let script = script("a", "b", limit: nil)
        #expect(requests(script.say("a", .unchoke)) == 8)
        #expect(requests(script.say("b", .unchoke)) == 8)
    }

    @Test func `nobody is taken for slow while the limit explains it`() {
        // Two blocks of 16 KiB at 1 KiB a second take half a minute, and may take twice as long.
        let script = script("a", "b", limit: 1 << 10)
        #expect(requests(script.say("a", .unchoke)) == 2)
        #expect(script.advance(.seconds(60)).about("b").isEmpty)
        #expect(script.peers.allSatisfy { !$0.isSnubbed })
        // Then it is the peer.
        _ = script.advance(.seconds(30))
        #expect(script.peers.count { $0.isSnubbed } == 1)
    }

    @Test func `a limit that is lifted holds nothing back`() {
        let script = script("a", limit: 1 << 10)
        #expect(requests(script.say("a", .unchoke)) == 2)
        #expect(requests(script.tell(.setDownloadLimit(nil))) == 6)
    }
}
