import Foundation
import Testing

/// Programs that die without a word in the middle of their work, and what is there afterwards.
@Suite(.inTurn) struct CrashTests {
    /// A seeder that sends 8 MiB a second, so that there is a middle.
    private func slowSeeder(_ network: Network, _ pair: Network.Pair) async throws -> ChildProcess {
        let torrent = network.scratch("book.torrent")
        try await pair.alice("export readers book.bin \(torrent)")
        #expect(try await pair.alice.quit() == .exited(0))
        let seeder = try ThirdParty.aria2.start(
            torrent: torrent, folder: network.scratch("originals"), scratch: network.scratch,
            manners: .init(uploadLimit: 8 << 20))
        try await network.swarm(of: torrent, seeders: 1)
        return seeder
    }

    @Test func `a killed downloader fetches only what is missing`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 32 << 20)
        let seeder = try await slowSeeder(network, pair)
        defer { seeder.kill() }
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        let before = try await pair.bob.download(of: "book.bin") { $0.verified > 12 << 20 }
        pair.bob.process.kill()
        #expect(before.isInTheMiddle)
        #expect(!exists(pair.copy))
        #expect(exists(pair.copy + ".part"))
        let again = try await network.visitor("bob", port: pair.bob.port)
        let answer = try await network.logIn(again, as: "bob")
        #expect(answer.contains { $0.contains("1 download") }, "\(answer)")
        // A crash costs at most the pieces in flight.
        let resumed = try await again.shownDownload(of: "book.bin")
        #expect(resumed.verified >= before.verified - (1 << 20), "\(before) \(resumed)")
        try await again("wait book.bin", within: .seconds(60))
        #expect(try await same(pair.copy, pair.original))
        let after = try await again.shownDownload(of: "book.bin")
        #expect(after.received <= pair.size - before.verified + (4 << 20), "\(after)")
        #expect(after.received > 0)
        #expect(!exists(pair.copy + ".part"))
    }

    @Test func `a download that is killed twice arrives all the same`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20, kind: .sealed)
        var bob = pair.bob
        try await pair.alice("limit up 4M")
        try await bob("download_file readers book.bin \(pair.copy)")
        for part in 1...2 {
            try await bob.download(of: "book.bin") { $0.verified >= part * (4 << 20) }
            bob.process.kill()
            bob = try await network.again("bob", after: bob)
        }
        try await pair.alice("limit up off")
        try await bob("wait")
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a killed seeder shares again, and the download goes on by itself`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20, kind: .sealed)
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await brake.release(until: "a part of the file") {
            try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
        }
        pair.alice.process.kill()
        try await network.sharers(0, of: 1, share: "book.bin", seenBy: pair.bob)
        try await pair.bob.download(of: "book.bin") { $0.state == "D" && $0.connectedPeers == 0 }
        let again = try await network.again("alice", after: pair.alice)
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
        #expect(again.process.exitStatus == nil)
    }

    @Test func `what the tracker answered is there after its kill`() async throws {
        let scratch = try Scratch()
        let address = "127.0.0.1:\(try freePort())"
        var tracker = try await TrackerProcess(dataFolder: scratch("tracker"), address: address)
        let alice = try await PeerProcess(tracker: address, dataFolder: scratch("alice"))
        let bob = try await PeerProcess(tracker: address, dataFolder: scratch("bob"))
        let original = try scratch.file("book.bin", size: 2_000_000, seed: 1)
        // The tracker is killed right after each answer.
        for (peer, command) in [
            (alice, "create_user alice secret"), (bob, "create_user bob secret"),
            (alice, "login alice secret"), (bob, "login bob secret"),
            (alice, "create_group readers"), (bob, "join_group readers"),
            (alice, "accept_request readers bob"), (alice, "upload_file \(original) readers"),
        ] {
            try await eventually("success of \(command)", context: peer.process.transcript) {
                try await peer.answer(command).error == nil
            }
            tracker.process.kill()
            tracker = try await TrackerProcess(dataFolder: scratch("tracker"), address: address)
        }
        // Nobody logs in again: the peers find back, announce and report by themselves.
        try await bob.repeatedly("list_files readers") { $0.lines == ["book.bin\t2000000\t1/1"] }
        try await alice.repeatedly("list_groups") {
            $0.lines == ["readers\talice\tsealed\t2\towner"]
        }
        try await bob.download("book.bin", of: "readers", to: scratch("copy.bin"))
        #expect(try await same(scratch("copy.bin"), original))
        #expect(tracker.process.exitStatus == nil)
    }

    @Test func `a download goes on while the tracker is away and when it is back`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20, kind: .sealed)
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await brake.release(until: "a part of the file") {
            try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
        }
        network.tracker.process.kill()
        try await brake.release(until: "more of the file") {
            try await pair.bob.shownDownload(of: "book.bin").verified > 8 << 20
        }
        let tracker = try await TrackerProcess(
            dataFolder: network.scratch("tracker"), address: network.tracker.address)
        try await brake.off()
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
        // It hears of the new sharer.
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.alice)
        #expect(tracker.process.exitStatus == nil)
    }

    @Test func `without a tracker the shell stays usable, and finds it when it comes`() async throws
    {
        let scratch = try Scratch()
        let address = "127.0.0.1:\(try freePort())"
        let peer = try await PeerProcess(tracker: address, dataFolder: scratch("state"))
        for command in ["create_user alice secret", "login alice secret"] {
            #expect(try await peer.refusal(of: command).contains(address))
        }
        #expect(try await peer("help").count > 10)
        let script = try await PeerProcess.run(
            script: ["create_user alice secret", "help exit"], tracker: address,
            dataFolder: scratch("other"))
        #expect(script.code == 6 && script.errors.count == 1 && !script.output.isEmpty)
        var tracker = try await TrackerProcess(dataFolder: scratch("tracker"), address: address)
        try await peer("create_user alice secret")
        try await peer("login alice secret")
        tracker.process.kill()
        #expect(try await peer.refusal(of: "list_groups").contains(address))
        #expect(try await peer.refusal(of: "create_group readers").contains(address))
        tracker = try await TrackerProcess(dataFolder: scratch("tracker"), address: address)
        try await peer.repeatedly("create_group readers") { $0.error == nil }
        #expect(try await peer("list_groups") == ["readers\talice\tsealed\t1\towner"])
        #expect(tracker.process.exitStatus == nil)
    }
}
