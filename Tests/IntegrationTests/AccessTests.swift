import Foundation
import Testing
import Wire

/// Groups keep others out, everywhere.
@Suite(.inTurn) struct AccessTests {
    @Test func `the same file in two groups stays apart`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        let carol = try await network.member("carol")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        try await network.found("writers", owner: alice, members: ["carol": carol])
        let original = try network.scratch.file("book.bin", size: 3_000_000, seed: 4)
        try await alice("upload_file \(original) readers")
        try await alice("upload_file \(original) writers")
        let first = try await alice.fact("info_hash", of: "book.bin", in: "readers")
        let second = try await alice.fact("info_hash", of: "book.bin", in: "writers")
        #expect(first != second)
        #expect(
            try await alice.fact("sha1", of: "book.bin", in: "readers")
                == alice.fact("sha1", of: "book.bin", in: "writers"))
        try await bob.download("book.bin", of: "readers", to: network.scratch("bob.bin"))
        try await carol.download("book.bin", of: "writers", to: network.scratch("carol.bin"))
        #expect(try await same(network.scratch("bob.bin"), original))
        #expect(try await same(network.scratch("carol.bin"), original))
        // Bob has the bytes, but not for Carol's group.
        #expect(
            try await carol.shownDownload(of: "book.bin").sources.keys.sorted() == [alice.address])
        try await network.sharers(2, of: 2, share: "book.bin", in: "readers", seenBy: alice)
        try await network.sharers(2, of: 2, share: "book.bin", in: "writers", seenBy: alice)
        try await alice("stop_share readers book.bin")
        try await network.sharers(1, of: 1, share: "book.bin", in: "readers", seenBy: alice)
        try await network.sharers(2, of: 2, share: "book.bin", in: "writers", seenBy: alice)
    }

    @Test func `a stranger to the group is refused every command`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        let mallory = try await network.member("mallory")
        let stolen = network.scratch("stolen")
        for command in [
            "list_files readers", "file_info readers book.bin",
            "download_file readers book.bin \(stolen)", "export readers book.bin \(stolen)",
            "upload_file \(pair.original) readers", "stop_share readers book.bin",
            "list_requests readers", "accept_request readers mallory", "leave_group readers",
        ] {
            let refusal = try await mallory.refusal(of: command)
            #expect(refusal.contains("readers"), "\(command): \(refusal)")
        }
        #expect(!exists(stolen) && !exists(stolen + ".part"))
        #expect(try await mallory.downloads().isEmpty)
        // What doesn't exist is not to be told from what one may not see.
        let none = try await mallory.refusal(of: "file_info readers none.bin")
        let some = try await mallory.refusal(of: "file_info readers book.bin")
        #expect(none.replacing("none.bin", with: "*") == some.replacing("book.bin", with: "*"))
    }

    /// Mallory has a passkey, for a file of her own group, and knows the info-hash of this one.
    @Test func `a passkey opens the swarms of one's own groups alone`() async throws {
        let network = try await Network(trackerOptions: ["--open-swarms", "on"])
        let pair = try await network.pair(size: 100_000)
        let mallory = try await network.member("mallory")
        try await network.found("others", owner: mallory)
        try await mallory("upload_file \(pair.original) others")
        try await mallory("export others book.bin \(network.scratch("own.torrent"))")
        try await pair.alice("export readers book.bin \(network.scratch("theirs.torrent"))")
        let own = try Ticket(network.scratch("own.torrent"))
        let theirs = try Ticket(network.scratch("theirs.torrent"))
        let (mine, foreign) = (own.info.infoHash, theirs.info.infoHash)

        guard case .peers(let allowed) = try await network.announce(mine, passkey: own.passkey)
        else {
            Issue.record("refused one's own group")
            return
        }
        #expect(allowed.peers.map(\.description) == [mallory.address])
        #expect(try await network.announce(foreign, passkey: own.passkey).isRefused)
        let unknown = String(repeating: "0", count: own.passkey.count)
        for passkey in [unknown, "x", String(repeating: "a", count: 5000)] {
            #expect(try await network.announce(mine, passkey: passkey).isRefused, "\(passkey)")
            #expect(try await network.scrape(mine, passkey: passkey) == nil, "\(passkey)")
        }
        #expect(try await network.scrape(mine, passkey: own.passkey) != nil)
        #expect(try await network.scrape(foreign, passkey: own.passkey) == nil)
        // The way for swarms without a group leads to no group's.
        let request = AnnounceRequest(
            infoHash: foreign, peerID: try Handshake.stranger(foreign).peerID, port: 9,
            uploaded: 0, downloaded: 0, left: 1, event: .started)
        let answer = try await network.bytes(of: "/announce?\(request.query())")
        #expect((try? AnnounceResponse(decoding: answer.body))?.peers.isEmpty != false)
        let scrape = try await network.bytes(
            of: "/scrape?\(ScrapeRequest(infoHashes: [foreign]).query())")
        let entry = (try? ScrapeResponse(decoding: scrape.body))?.files[foreign]
        #expect(entry == nil || entry?.complete == 0)
    }

    @Test func `who is removed gets no peers any more`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        try await pair.bob("export readers book.bin \(network.scratch("bob.torrent"))")
        let ticket = try Ticket(network.scratch("bob.torrent"))
        let infoHash = ticket.info.infoHash
        #expect(try await !network.announce(infoHash, passkey: ticket.passkey).isRefused)
        try await pair.alice("remove_member readers bob")
        #expect(try await network.announce(infoHash, passkey: ticket.passkey).isRefused)
        #expect(try await network.scrape(infoHash, passkey: ticket.passkey) == nil)
        #expect(
            try await pair.bob.refusal(of: "download_file readers book.bin \(pair.copy)")
                .contains("readers"))
    }

    @Test func `no log has a passkey or a password`() async throws {
        let network = try await Network(trackerOptions: ["--log-level", "debug"])
        let log = network.scratch("alice.log")
        let alice = try await network.member(
            "alice", options: ["--log-level", "debug", "--log-file", log])
        try await network.found("readers", owner: alice)
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 1)
        try await alice("upload_file \(original) readers")
        try await alice("export readers book.bin \(network.scratch("alice.torrent"))")
        let ticket = try Ticket(network.scratch("alice.torrent"))
        _ = try await network.announce(ticket.info.infoHash, passkey: ticket.passkey)
        _ = try await network.scrape(ticket.info.infoHash, passkey: ticket.passkey)
        #expect(try await alice.quit() == .exited(0))
        network.tracker.process.signal(SIGTERM)
        #expect(try await network.tracker.process.end() == .exited(0))
        let logs =
            network.tracker.process.errors.lines + network.tracker.process.output.lines
            + alice.process.output.lines
            + (try String(contentsOfFile: log, encoding: .utf8)).split(separator: "\n").map(
                String.init)
        #expect(!logs.isEmpty)
        #expect(!logs.contains { $0.contains(ticket.passkey) })
        #expect(!logs.contains { $0.contains(Network.password("alice")) })
    }
}
