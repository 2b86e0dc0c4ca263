import Foundation
import Testing

/// The shell on pipes: one command a line, answers apart from errors, an exit code that tells.
@Suite(.inTurn) struct ScriptTests {
    @Test func `every command works in one session`() async throws {
        let network = try await Network()
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 1)
        let mtorrent = network.scratch("book.mtorrent")
        let script = [
            "# what one person can do alone", "", "create_user alice secret", "login alice secret",
            "create_group readers", "create_group writers open", "list_groups",
            "list_requests readers", "upload_file \(original) readers", "list_files readers",
            "file_info readers book.bin", "export readers book.bin \(network.scratch("b.torrent"))",
            "show_downloads", "wait", "stop_share readers book.bin",
            "share \(original) \(mtorrent)", "remove \(mtorrent)", "leaves_group writers",
            "leave_group readers", "help", "help upload_file", "logout", "quit", "never read",
        ]
        let finished = try await PeerProcess.run(
            script: script, tracker: network.tracker.address,
            dataFolder: network.scratch("state"))
        #expect(finished.errors.isEmpty && finished.code == 0, "\(finished)")
        #expect(fileSize(network.scratch("b.torrent")) ?? 0 > 0)
        #expect(exists(original) && !exists(mtorrent))
        #expect(finished.output.contains("book.bin\t100000\t1/1"))
        #expect(!finished.output.contains { $0.contains(#/^[0-9]+> /#) || $0.contains("\u{1B}") })
    }

    @Test func `the exit code is the first failure's, and the rest is done`() async throws {
        let network = try await Network()
        let tracker = network.tracker.address
        func code(_ script: [String]) async throws -> Int32? {
            let finished = try await PeerProcess.run(
                script: script, tracker: tracker, dataFolder: network.scratch("state"))
            #expect(finished.errors.allSatisfy { $0.hasPrefix("error: ") }, "\(finished)")
            return finished.code
        }
        #expect(try await code(["create_user alice secret", "login alice secret"]) == 0)
        #expect(try await code([]) == 0)
        #expect(try await code(["login alice wrong", "login alice secret", "list_groups"]) == 24)
        #expect(try await code(["list_groups", "no_such_command"]) == 24)
        #expect(try await code(["login alice"]) == 28)
        #expect(try await code(["login alice secret", "upload_file /nonexistent g"]) == 3)
        let broken = try network.scratch.text("broken.mtorrent", "nonsense\n")
        #expect(try await code(["get \(broken) \(network.scratch("x"))"]) == 26)
    }

    @Test func `commands may come as options, and a daemon serves until it is told`() async throws {
        let network = try await Network()
        let bob = try await network.member("bob")
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 1)
        let data = ["--data-dir", network.scratch("state-alice")]
        let once = try await run(
            Programs.peer,
            data + [
                "-e", "create_user alice secret", "--execute", "login alice secret",
                "-e", "create_group readers", network.tracker.address,
            ], input: ["never read"])
        #expect(once.code == 0 && once.errors.isEmpty, "\(once)")
        try await bob("join_group readers")
        let daemon = try ChildProcess(
            Programs.peer,
            data + [
                "--daemon", "-e", "login alice secret", "-e", "accept_request readers bob",
                "-e", "upload_file \(original) readers", network.tracker.address,
            ])
        defer { daemon.kill() }
        daemon.closeInput()
        try await bob.repeatedly("list_files readers") { $0.lines == ["book.bin\t100000\t1/1"] }
        let copy = network.scratch("copy.bin")
        try await bob.download("book.bin", of: "readers", to: copy)
        #expect(try await same(copy, original))
        daemon.signal(SIGTERM)
        #expect(try await daemon.end(within: .seconds(10)) == .exited(0))
    }

    /// script(1) runs it on a terminal of its own.
    @Test func `on a terminal there is a prompt, the listening port`() async throws {
        let network = try await Network()
        let port = try freePort()
        let command =
            "stty -echo; exec \(Programs.peer) --data-dir \(network.scratch("state")) "
            + "127.0.0.1:\(port) \(network.tracker.address)"
        let terminal = try ChildProcess(
            "script", ["--quiet", "--return", "--command", command, "/dev/null"],
            environment: [
                "TERM": "xterm", "NO_COLOR": "1", "HOME": network.scratch.path,
                "LANG": "C.UTF-8",
            ],
            mergingErrors: true)
        defer { terminal.kill() }
        try await eventually("the prompt", context: terminal.transcript) {
            terminal.output.pending.contains("\(port)> ")
        }
        terminal.send("create_user alice secret")
        try await terminal.line("the answer") { $0.contains("user alice created") }
        terminal.send("list_groups")
        try await terminal.line("the error") { $0.contains("error:") }
        terminal.send("exit")
        // Nobody's script hangs on what a person mistyped.
        #expect(try await terminal.end() == .exited(0))
    }
}
