import Foundation
import Testing

/// The programs' command lines and exit codes.
@Suite(.inTurn) struct CommandLineTests {
    @Test(arguments: [Programs.tracker, Programs.peer])
    func `help and version go to standard output`(program: String) async throws {
        for flag in ["--help", "-h"] {
            let help = try await run(program, [flag])
            #expect(help.code == 0 && help.errors.isEmpty)
            #expect(help.output.first?.hasPrefix("Usage: ") == true)
            #expect(help.output.contains { $0.contains("tracker_info.txt") })
            #expect(help.output.contains { $0.contains("--data-dir") })
        }
        let version = try await run(program, ["--version"])
        #expect(version.code == 0 && version.errors.isEmpty && version.output.count == 1)
        #expect(version.output.first?.contains(/[0-9]+\.[0-9]+/) == true)
    }

    @Test(arguments: [Programs.tracker, Programs.peer])
    func `wrong usage names the right one`(program: String) async throws {
        let unknown = try await run(program, ["--data-dri", "/x"])
        #expect(unknown.code != 0 && unknown.output.isEmpty)
        #expect(unknown.errors.joined().contains("--data-dir"))
        let nothing = try await run(program, [])
        #expect(nothing.code != 0 && nothing.output.isEmpty)
        #expect(nothing.errors.joined(separator: "\n").contains("--help"))
        let missing = try await run(program, ["/nonexistent/tracker_info.txt", "1"])
        #expect(missing.code != 0)
        #expect(missing.errors.joined().contains("/nonexistent/tracker_info.txt"))
    }

    @Test func `the tracker takes its line of the list, the peer all of them`() async throws {
        let scratch = try Scratch()
        let (dead, live) = (try freePort(), try freePort())
        let list = try scratch.text(
            "tracker_info.txt", "# ours\n127.0.0.1 \(dead)  # away\n\n127.0.0.1:\(live)\n")
        let tracker = try ChildProcess(
            Programs.tracker, ["--data-dir", scratch("tracker"), list, "2"])
        defer { tracker.kill() }
        try await tracker.line("its address") { $0 == "listening on 127.0.0.1:\(live)" }
        let own = "127.0.0.1:\(try freePort())"
        let forms = [
            [list], [own, list], ["127.0.0.1:\(live)"], [own, "127.0.0.1:\(live)"],
            [own, "127.0.0.1:\(dead)", "127.0.0.1:\(live)"],
        ]
        for (number, form) in forms.enumerated() {
            let finished = try await run(
                Programs.peer, ["--data-dir", scratch("state")] + form,
                input: ["create_user user\(number) x", "login user\(number) x", "list_groups"],
                environment: PeerProcess.environment(scratch.path))
            #expect(finished.code == 0 && finished.errors.isEmpty, "\(form): \(finished)")
        }
    }

    @Test(arguments: [
        ("127.0.0.1 7000\nnonsense\n", 2), ("# one\n\n127.0.0.1 0\n", 3),
        ("127.0.0.1 7000\n127.0.0.1:7001\nlocalhost 7002\n", 3), ("127.0.0.1 70000\n", 1),
        ("127.0.0.1 7000 extra\n", 1),
    ])
    func `a wrong line of the list is named`(text: String, line: Int) async throws {
        let scratch = try Scratch()
        let list = try scratch.text("tracker_info.txt", text)
        for (program, arguments) in [(Programs.tracker, [list, "1"]), (Programs.peer, [list])] {
            let finished = try await run(program, ["--data-dir", scratch("state")] + arguments)
            let words = finished.errors.joined(separator: "\n")
            #expect(finished.code != 0 && finished.output.isEmpty)
            #expect(words.contains(list))
            #expect(words.contains("line \(line)") || words.contains("\(list):\(line)"), "\(words)")
        }
    }

    @Test func `a tracker's number must be one of the list`() async throws {
        let scratch = try Scratch()
        let list = try scratch.text("tracker_info.txt", "127.0.0.1 7000\n")
        for number in ["0", "2", "-1", "one"] {
            let finished = try await run(
                Programs.tracker, ["--data-dir", scratch("state"), list, number])
            #expect(finished.code != 0 && finished.output.isEmpty, "\(number)")
            #expect(!finished.errors.isEmpty, "\(number)")
        }
        let empty = try scratch.text("empty.txt", "# nobody\n")
        for (program, arguments) in [(Programs.tracker, [empty, "1"]), (Programs.peer, [empty])] {
            let finished = try await run(program, ["--data-dir", scratch("state")] + arguments)
            #expect(finished.code != 0 && finished.errors.joined().contains(empty))
        }
    }

    @Test func `a port in use is named`() async throws {
        let network = try await Network()
        let address = network.tracker.address
        let forms = [(Programs.tracker, [address]), (Programs.peer, [address, address])]
        for (program, arguments) in forms {
            let finished = try await run(
                program, ["--data-dir", network.scratch("other")] + arguments)
            #expect(finished.code != 0 && finished.output.isEmpty)
            #expect(finished.errors.joined().contains("\(network.tracker.port)"), "\(finished)")
        }
        #expect(try await network.tracker.get("/healthz").status == 200)
    }

    @Test func `options also come from the environment and a config file`() async throws {
        let scratch = try Scratch()
        let config = try scratch.text(
            "tracker.conf", "# state\ndata-dir = \(scratch("from-file"))\n")
        let first = try ChildProcess(Programs.tracker, ["--config", config, "127.0.0.1:0"])
        defer { first.kill() }
        try await first.line("its address") { $0.hasPrefix("listening on") }
        #expect(exists(scratch("from-file")))
        let second = try ChildProcess(
            Programs.tracker, ["--config", config, "127.0.0.1:0"],
            environment: ["MTORRENT_DATA_DIR": scratch("from-variable")])
        defer { second.kill() }
        try await second.line("its address") { $0.hasPrefix("listening on") }
        #expect(exists(scratch("from-variable")))
        let third = try ChildProcess(
            Programs.tracker, ["-d", scratch("from-line"), "--config", config, "127.0.0.1:0"],
            environment: ["MTORRENT_DATA_DIR": scratch("from-nowhere")])
        defer { third.kill() }
        try await third.line("its address") { $0.hasPrefix("listening on") }
        #expect(exists(scratch("from-line")) && !exists(scratch("from-nowhere")))
    }

    @Test func `state lives in a folder named for the port`() async throws {
        let scratch = try Scratch()
        let environment = ["HOME": scratch("home"), "XDG_STATE_HOME": scratch("state")]
        let (trackerPort, peerPort) = (try freePort(), try freePort())
        let tracker = try ChildProcess(
            Programs.tracker, ["127.0.0.1:\(trackerPort)"], environment: environment)
        defer { tracker.kill() }
        try await tracker.line("its address") { $0.hasPrefix("listening on") }
        let finished = try await run(
            Programs.peer, ["127.0.0.1:\(peerPort)", "127.0.0.1:\(trackerPort)"],
            input: ["create_user alice x"], environment: environment)
        #expect(finished.code == 0, "\(finished)")
        #expect(exists(scratch("state/mtorrent-tracker/\(trackerPort)")))
        #expect(exists(scratch("state/mtorrent/\(peerPort)")))
        #expect(!exists(scratch("home")))
    }

    @Test func `two peers don't share a data folder`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let second = try await run(
            Programs.peer,
            ["--data-dir", network.scratch("state-alice"), network.tracker.address],
            input: ["help exit"])
        #expect(second.code != 0)
        #expect(second.errors.joined().contains(network.scratch("state-alice")), "\(second)")
        try await alice("list_groups")
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `both programs end in good order when asked to`(signal: Int32) async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        let file = try network.scratch.file("book.bin", size: 1000, seed: 1)
        try await alice("upload_file \(file) readers")
        alice.process.signal(signal)
        let status = try await alice.process.end(within: .seconds(10))
        #expect(status == .exited(0) || status == .exited(128 + signal))
        // It said good-bye.
        try await network.sharers(0, of: 1, share: "book.bin", seenBy: bob, within: .seconds(5))
        network.tracker.process.signal(signal)
        #expect(try await network.tracker.process.end(within: .seconds(10)) == .exited(0))
    }
}
