import Foundation
import Testing

/// Trackers of one list that are killed, stopped and started again while peers use them.
@Suite(.inTurn) struct FailoverTests {
    @Test func `a download goes on over the death of trackers, one after the other`() async throws {
        let network = try await TrackerNetwork(trackers: 2)
        let pair = try await network.pair(
            size: 3_000_000, kind: .sealed, leecherOptions: ["--down", "300K"])
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try network.kill(0)
        // The session goes on at the other tracker, for questions and for commands.
        try await pair.bob.repeatedly("list_files readers", within: .seconds(10)) {
            $0.error == nil && $0.text.contains("book.bin")
        }
        try await pair.alice.repeatedly("create_group second", within: .seconds(10)) {
            $0.error == nil
        }
        try await network.sharers(1, of: 1, seenBy: pair.bob)
        try await network.start(0)
        try network.kill(1)
        try await pair.bob.repeatedly("list_groups", within: .seconds(10)) {
            $0.error == nil && $0.text.contains("second")
        }
        try await network.start(1)
        try await pair.bob("wait book.bin", within: .seconds(60))
        #expect(try await same(pair.original, pair.copy))
        let words = pair.bob.process.transcript
        #expect(!words.contains("can't be reached"), "\(words)")
    }

    @Test func `a tracker that falls silent is left, and used again once it answers`() async throws
    {
        let network = try await TrackerNetwork(trackers: 2)
        let pair = try await network.pair(size: 100_000, kind: .sealed)
        let first = network.trackers[0]
        first.process.signal(SIGSTOP)
        defer { first.process.signal(SIGCONT) }
        // Answered by the other tracker, long before a question to this one would be given up.
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        try await pair.alice.repeatedly("create_group third", within: .seconds(10)) {
            $0.error == nil
        }
        first.process.signal(SIGCONT)
        try await network.sharers(2, of: 2, seenBy: pair.alice)
    }

    /// aria2 knows the second tracker alone, and the seeder the first.
    @Test func `an ordinary client finds a peer that announces to another tracker`() async throws {
        let network = try await TrackerNetwork(trackers: 2)
        let alice = try await network.member("alice", at: network.trackers[0].address)
        let bob = try await network.member("bob", at: network.trackers[1].address)
        try await alice("create_group readers open")
        try await bob.repeatedly("join_group readers") { $0.error == nil }
        try await alice.repeatedly("accept_request readers bob") { $0.error == nil }
        let original = try network.scratch.file("book.bin", size: 2_000_000, seed: 3)
        try await alice("upload_file \(original) readers")
        let torrent = network.scratch("book.torrent")
        try await bob.repeatedly("export readers book.bin \(torrent)") { $0.error == nil }
        let announced = try Ticket(torrent).announce
        #expect(announced.contains(network.trackers[1].address))
        let folder = try network.scratch.folder("theirs")
        let theirs = try ThirdParty.aria2.start(
            torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await theirs.completes(folder + "/book.bin", as: original)
    }

    @Test func `an exported torrent names all trackers in one tier`() async throws {
        let network = try await TrackerNetwork(trackers: 3)
        let pair = try await network.pair(size: 100_000)
        let torrent = network.scratch("book.torrent")
        try await pair.bob("export readers book.bin \(torrent)")
        let tiers = try Ticket(torrent).tiers
        #expect(tiers.count == 1 && tiers[0].count == 3)
        for (url, tracker) in zip(tiers[0], network.trackers) {
            #expect(url.hasPrefix("http://\(tracker.address)/announce/"))
        }
    }
}
