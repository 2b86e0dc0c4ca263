import Foundation
import Testing

/// What users get wrong: a clear error, and nothing lost.
@Suite(.inTurn) struct BadInputTests {
    @Test func `what can't be shared is refused`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        try await network.found("readers", owner: alice)
        let missing = try await alice.refusal(of: "upload_file /nonexistent/book.bin readers")
        #expect(missing.contains("FILE NOT FOUND") && missing.contains("/nonexistent/book.bin"))
        let empty = try network.scratch.folder("empty")
        #expect(try await alice.refusal(of: "upload_file \(empty) readers").contains(empty))
        for path in ["/dev/zero", "/dev/null"] {
            #expect(try await alice.refusal(of: "upload_file \(path) readers").contains(path))
        }
        let file = try network.scratch.file("book.bin", size: 1000, seed: 1)
        #expect(try await alice.refusal(of: "upload_file \(file) nowhere").contains("nowhere"))
        let fifo = network.scratch("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(try await alice.refusal(of: "upload_file \(fifo) readers").contains("fifo"))
        #expect(try await alice("list_files readers").isEmpty)
    }

    @Test func `names that nobody has are named`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        try await network.found("readers", owner: alice)
        let x = network.scratch("x")
        for (command, name) in [
            ("list_files nowhere", "nowhere"), ("leave_group nowhere", "nowhere"),
            ("file_info nowhere book.bin", "nowhere"), ("list_requests nowhere", "nowhere"),
            ("download_file nowhere book.bin \(x)", "nowhere"),
            ("download_file readers none.bin \(x)", "none.bin"),
            ("file_info readers none.bin", "none.bin"), ("stop_share readers none.bin", "none.bin"),
            ("export readers none.bin \(x)", "none.bin"), ("remove_member readers carol", "carol"),
            ("download_file readers .. \(x)", ".."), ("download_file readers a/b \(x)", "a/b"),
            ("list_files '../x'", "../x"),
        ] {
            let refusal = try await alice.refusal(of: command)
            #expect(refusal.contains(name), "\(command): \(refusal)")
        }
        #expect(!exists(x))
    }

    @Test func `the same content makes another sharer, other content is refused`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        let copy = try network.scratch.file("b/book.bin", size: 100_000, seed: 1)
        let other = try network.scratch.file("c/book.bin", size: 100_000, seed: 2)
        #expect(
            try await pair.bob.refusal(of: "upload_file \(other) readers").contains("book.bin"))
        #expect(try await pair.bob("list_files readers") == ["book.bin\t100000\t1/1"])
        try await pair.bob("upload_file \(copy) readers")
        #expect(try await pair.bob("list_files readers") == ["book.bin\t100000\t2/2"])
        // And it serves.
        try await pair.alice("logout")
        let carol = try await network.member("carol")
        try await network.logIn(pair.alice, as: "alice")
        try await carol("join_group readers")
        try await pair.alice("accept_request readers carol")
        try await pair.alice("logout")
        try await carol.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a destination that can't be is that download's failure alone`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        let taken = try network.scratch.text("taken.bin", "mine")
        let below = taken + "/x.bin"
        for destination in [taken, "/nonexistent/folder/x.bin", "/proc/x.bin", below] {
            let answer = try await pair.bob.answer("download_file readers book.bin \(destination)")
            let waited = try await pair.bob.answer("wait")
            let error = answer.error ?? waited.error
            #expect(
                error?.contains(destination) == true,
                "\(destination): \(answer.text) \(waited.text)")
        }
        #expect(try String(contentsOfFile: taken, encoding: .utf8) == "mine")
        #expect(!exists(taken + ".part"))
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
    }

    /// As a user who may not write there; the system's first user may write anywhere.
    @Test func `a folder that isn't writable is named`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1000)
        let folder = try network.scratch.folder("locked")
        // A mount that is read-only refuses everybody.
        let finished = try await mounted(
            "--bind -o ro \(folder)", at: folder, network, user: "carol",
            commands: ["download_file readers book.bin \(folder)/x.bin", "wait"], pair)
        #expect(finished.errors.contains { $0.contains(folder) }, "\(finished)")
        #expect(finished.code != 0)
        #expect(!exists(folder + "/x.bin"))
    }

    @Test func `a full disk fails the download with that cause`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 8 << 20)
        let small = try network.scratch.folder("small")
        let finished = try await mounted(
            "-t tmpfs -o size=2m none", at: small, network, user: "carol",
            commands: [
                "download_file readers book.bin \(small)/copy.bin", "wait",
                "download_file readers book.bin \(pair.copy)", "wait book.bin",
            ], pair)
        #expect(finished.errors.contains { $0.contains("space") }, "\(finished)")
        #expect(finished.code == 9)
        #expect(try await same(pair.copy, pair.original))
    }

    /// A new member's commands, where a file system is mounted that only this peer sees.
    private func mounted(
        _ what: String, at folder: String, _ network: Network, user: String, commands: [String],
        _ pair: Network.Pair
    ) async throws -> Finished {
        let peer = try await network.member(user)
        try await peer("join_group readers")
        try await pair.alice("accept_request readers \(user)")
        #expect(try await peer.quit() == .exited(0))
        let mount = "mount \(what) \(folder) && exec \"$@\""
        return try await run(
            "unshare",
            (getuid() == 0 ? [] : ["--map-root-user"]) + [
                "--mount", "sh", "-c", mount, "sh", Programs.peer,
                "--data-dir", network.scratch("state-\(user)"), "127.0.0.1:\(try freePort())",
                network.tracker.address,
            ],
            input: ["login \(user) \(Network.password(user))"] + commands,
            environment: PeerProcess.environment(network.scratch.path))
    }

    @Test func `a download whose folder vanishes fails, and says so`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 8 << 20)
        let folder = try network.scratch.folder("inbox")
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(folder)/copy.bin")
        try await brake.release(until: "a part of the file") {
            try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
        }
        try FileManager.default.removeItem(atPath: folder)
        try await brake.off()
        #expect(try await pair.bob.refusal(of: "wait book.bin").contains("book.bin"))
        let failed = try await pair.bob.shownDownload(of: "book.bin")
        #expect(failed.state == "F" && failed.reason.contains(folder), "\(failed)")
        // It is that download alone, and not for good.
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a destination without a name is refused`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1000)
        for destination in ["''", network.scratch("missing") + "/"] {
            let refusal = try await pair.bob.refusal(
                of: "download_file readers book.bin \(destination)")
            #expect(!refusal.isEmpty)
        }
        #expect(!exists("book.bin"))
    }

    @Test func `the same download twice to one place is refused`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1_000_000)
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        let again = try await pair.bob.refusal(of: "download_file readers book.bin \(pair.copy)")
        #expect(again.contains("book.bin"))
        try await brake.off()
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
        // What is there is left alone.
        #expect(
            try await pair.bob.refusal(of: "download_file readers book.bin \(pair.copy)")
                .contains(pair.copy))
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `wrong passwords are slowed down`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("alice")
        let other = try await network.visitor("bob")
        try await peer("create_user alice secret")
        try await peer("create_user bob secret")
        for _ in 0..<6 { _ = try await peer.refusal(of: "login alice wrong") }
        let started = ContinuousClock.now
        _ = try await peer.answer("login alice wrong")
        let slowed = ContinuousClock.now - started
        // Nobody else is.
        try await other("login bob secret", within: .seconds(5))
        let refused = try await peer.answer("login alice wrong").text
        #expect(
            slowed > .milliseconds(500) || refused.contains("wait") || refused.contains("later"))
        try await peer.repeatedly("login alice secret") { $0.error == nil }
    }
}
