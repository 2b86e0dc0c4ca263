import Foundation
import Testing

/// The secret that tells the tracker who announces, and its replacement.
@Suite(.inTurn) struct PasskeyTests {
    @Test func `a passkey that is reset is void at once, and all of the user's peers have the new`()
        async throws
    {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        let elsewhere = try await network.visitor("alice-elsewhere")
        try await network.logIn(elsewhere, as: "alice")
        try await pair.alice("export readers book.bin \(network.scratch("old.torrent"))")
        let old = try Ticket(network.scratch("old.torrent"))
        let infoHash = old.info.infoHash
        #expect(try await pair.alice("passkey") == [old.passkey])
        #expect(try await elsewhere("passkey") == [old.passkey])
        #expect(try await pair.bob("passkey") != [old.passkey])

        let answer = try await pair.alice("passkey reset")
        let passkey = try #require(answer.first)
        #expect(answer.count == 1 && passkey != old.passkey)
        #expect(try await pair.alice("passkey") == [passkey])
        try await elsewhere.repeatedly("passkey") { $0.lines == [passkey] }
        #expect(try await network.announce(infoHash, passkey: old.passkey).isRefused)
        #expect(try await network.scrape(infoHash, passkey: old.passkey) == nil)
        // The sharer is back in the swarm by itself, which the reset took it out of.
        try await eventually("the sharer's announce with the new passkey") {
            guard case .peers(let found) = try await network.announce(infoHash, passkey: passkey)
            else { return false }
            return found.peers.map(\.description) == [pair.alice.address]
        }
        try await pair.alice("export readers book.bin \(network.scratch("new.torrent"))")
        #expect(try Ticket(network.scratch("new.torrent")).passkey == passkey)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a download goes on when both ends reset their passkeys`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 8 << 20, sharerOptions: ["--up", "256K"])
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await pair.bob.download(of: "book.bin") { $0.isInTheMiddle }
        try await pair.alice("passkey reset")
        try await pair.bob("passkey reset")
        let torrent = network.scratch("bob.torrent")
        try await pair.bob("export readers book.bin \(torrent)")
        try await network.swarm(of: torrent, seeders: 1, leechers: 1)
        #expect(try await pair.bob.shownDownload(of: "book.bin").state == "D")
        try await pair.alice("limit up off")
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `without a login there is no passkey`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("nobody")
        for command in ["passkey", "passkey reset"] {
            #expect(try await peer.refusal(of: command).contains("not logged in"))
        }
        #expect(try await peer.refusal(of: "passkey renew") == "usage: passkey [reset]")
    }
}
