import Foundation
import Testing
import Wire

@testable import Peer

// One after the other: terminfo, which libedit asks about the terminal, is not made for threads.
@Suite(.serialized)
struct ShellOnTerminalTests {
    private let scratch = ScratchDirectory()
    private let terminal = TestTerminal()

    private func peer(_ change: (inout FakePeer.Answers) -> Void = { _ in }) -> FakePeer {
        var answers = FakePeer.Answers()
        change(&answers)
        return FakePeer(dataDirectory: scratch.path, answers: answers)
    }

    private func start(
        _ peer: FakePeer, on terminal: TestTerminal? = nil,
        environment: [String: String] = ["TERM": "xterm", "NO_COLOR": "1"]
    ) -> ShellThread {
        let descriptor = (terminal ?? self.terminal).descriptor
        var configuration = ShellConfiguration(environment: environment)
        configuration.input = descriptor
        configuration.output = descriptor
        configuration.errors = descriptor
        return ShellThread(service: peer, configuration: configuration)
    }

    private func atPrompt(_ screen: TestScreen) -> Bool {
        screen.lines.last == "12345>" && screen.cursor.column == 7
    }

    @Test func `the prompt is the port, and what is typed is run`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("join_grp\u{7F}oup gé\r")
        #expect(terminal.wait { $0.lines.count == 3 && self.atPrompt($0) })
        #expect(
            terminal.screen.lines == [
                "12345> join_group gé", "asked to join gé; its owner decides", "12345>",
            ])
        #expect(peer.calls == ["joinGroup gé"])
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
        #expect(peer.isStopped)
        #expect(terminal.echoes)
    }

    @Test func `a failed command never ends the shell and typed ones don't set the exit code`() {
        let shell = start(peer())
        #expect(terminal.wait(until: atPrompt))
        terminal.type("nope\r")
        #expect(terminal.wait { $0.lines.count == 3 && self.atPrompt($0) })
        #expect(
            terminal.screen.lines[1] == "error: unknown command 'nope': 'help' lists all commands")
        terminal.type("exit\r")
        #expect(shell.exitCode() == .success)
    }

    @Test func `a missing password is asked without echo and kept out of the history`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("login alice\r")
        #expect(terminal.wait(for: "Password for alice:"))
        terminal.type("geheim\r")
        #expect(terminal.wait(for: "logged in as alice"))
        #expect(peer.calls == ["logIn alice geheim"])
        #expect(!terminal.screen.text.contains("geheim"))
        #expect(terminal.wait(until: atPrompt))
        terminal.type("login bob sesame\r")
        #expect(terminal.wait { $0.lines.count == 6 && self.atPrompt($0) })
        terminal.type("\u{1B}[A")
        #expect(terminal.wait { $0.lines.last == "12345> login alice" })
        terminal.type("\u{15}exit\r")
        #expect(shell.exitCode() == .success)
        let path = scratch.path + "/history"
        #expect(
            (try? String(contentsOfFile: path, encoding: .utf8)) == "login alice\nexit\n")
        var status = stat()
        stat(path, &status)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `a new account's password is asked twice`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("create_user alice\r")
        #expect(terminal.wait(for: "Password for alice:"))
        terminal.type("one\r")
        #expect(terminal.wait(for: "Again:"))
        terminal.type("two\r")
        #expect(terminal.wait(for: "error: the two passwords differ"))
        #expect(terminal.wait(until: atPrompt))
        #expect(peer.calls.isEmpty)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `an interrupt at a password gives up that command`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("login alice\r")
        #expect(terminal.wait(for: "Password for alice:"))
        peer.interrupt()
        #expect(terminal.wait { $0.text.contains("error: interrupted") && self.atPrompt($0) })
        #expect(!peer.isStopped && peer.calls.isEmpty)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
        #expect(terminal.echoes)
    }

    @Test func `history of the last run comes back`() throws {
        try "list_groups\njoin_group g\n".write(
            toFile: scratch.path + "/history", atomically: true, encoding: .utf8)
        let shell = start(peer())
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{1B}[A\u{1B}[A")
        #expect(terminal.wait { $0.lines.last == "12345> list_groups" })
        terminal.type("\u{15}")
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `TAB completes commands, groups that were seen, and paths`() throws {
        try "x".write(
            toFile: scratch.path + "/my file", atomically: true, encoding: .utf8)
        let peer = peer {
            $0.groups = [
                GroupSummary(
                    groupID: "holidays", owner: "bob", kind: .open, members: 2, isMember: true,
                    isPending: false)
            ]
        }
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("list_gr\t\r")
        #expect(terminal.wait { $0.text.contains("holidays") && self.atPrompt($0) })
        terminal.type("upl\t\(scratch.path)/my\thol\t")
        #expect(
            terminal.wait {
                $0.lines.last == "12345> upload_file \(self.scratch.path)/my\\ file holidays"
            })
        terminal.type("\r")
        #expect(terminal.wait { $0.text.contains("sharing") && self.atPrompt($0) })
        #expect(peer.calls.last == "uploadFile \(scratch.path)/my file holidays")
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `TAB lists what a word could become and keeps the line`() {
        let shell = start(peer())
        #expect(terminal.wait(until: atPrompt))
        terminal.type("list_\t")
        #expect(terminal.wait { $0.lines.last == "12345> list_" && $0.lines.count == 3 })
        #expect(
            terminal.screen.lines == [
                "12345> list_", "list_files     list_groups    list_requests", "12345> list_",
            ])
        terminal.type("f\t")
        #expect(terminal.wait { $0.lines.last == "12345> list_files" })
        terminal.type("\u{15}")
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `an interrupt clears a line that was begun and stops at an empty one`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("logi")
        #expect(terminal.wait { $0.lines.last == "12345> logi" })
        peer.interrupt()
        #expect(terminal.wait(until: atPrompt))
        #expect(!peer.isStopped)
        peer.interrupt()
        #expect(shell.exitCode() == .success)
        #expect(peer.isStopped)
        #expect(terminal.echoes)
    }

    @Test func `a notice appears above the line being typed`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("join_group\u{1B}[D\u{1B}[D")
        #expect(terminal.wait { $0.lines.last == "12345> join_group" && $0.cursor.column == 15 })
        peer.send(.downloadEnded(.sample(state: .complete, size: 2048)))
        peer.send(
            .downloadEnded(
                .sample(name: "b\u{1B}[31m", state: .failed(CommandError("disk full")))))
        #expect(terminal.wait { $0.lines.count == 3 && $0.cursor.column == 15 })
        #expect(
            terminal.screen.lines == [
                "download of f.bin complete: 2.00 KiB in /tmp/f.bin",
                "download of b\\u{1b}[31m failed: disk full", "12345> join_group",
            ])
        terminal.type("\u{15}")
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `progress stands above the prompt and doesn't disturb typing`() {
        let peer = peer {
            $0.downloads = [.sample(state: .downloading, verified: 250, rate: 100)]
        }
        let shell = start(peer)
        #expect(terminal.wait { $0.lines.count == 2 && self.atPrompt($0) })
        #expect(terminal.screen.lines[0].hasPrefix(" 25% ["))
        #expect(terminal.screen.lines[0].contains("100 B/s  ETA  0:08  2 peers  f.bin"))
        terminal.type("join")
        peer.set { $0.downloads = [.sample(state: .downloading, verified: 500, rate: 100)] }
        #expect(
            terminal.wait {
                $0.lines.count == 2 && $0.lines[0].hasPrefix(" 50% [") && $0.cursor.column == 11
            })
        #expect(terminal.screen.lines[1] == "12345> join")
        terminal.type("_group g\r")
        #expect(terminal.wait(for: "asked to join g"))
        #expect(terminal.wait(until: atPrompt))
        // What scrolls away is what was typed and answered, not the progress.
        #expect(
            terminal.screen.lines.map { $0.prefix(6) } == ["12345>", "asked ", " 50% [", "12345>"])
        peer.set { $0.downloads = [.sample(state: .complete, verified: 1000)] }
        #expect(terminal.wait { $0.lines.count == 3 && self.atPrompt($0) })
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `hashing shows progress and an interrupt cancels it alone`() {
        let peer = peer {
            $0.blocks = true
            $0.hashProgress = HashProgress(hashed: 300, total: 1000, bytesPerSecond: 10)
        }
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("upload_file /tmp/f.bin g\r")
        #expect(terminal.wait { $0.lines.last?.hasPrefix(" 30% [") == true })
        #expect(terminal.screen.lines.last?.contains("10 B/s  ETA  1:10  f.bin") == true)
        #expect(!terminal.echoes)
        peer.interrupt()
        #expect(terminal.wait { $0.text.contains("error: cancelled") && self.atPrompt($0) })
        #expect(!peer.isStopped)
        #expect(!terminal.screen.text.contains("30%"))
        peer.set { $0.blocks = false }
        terminal.type("upload_file /tmp/f.bin g\r")
        #expect(terminal.wait(for: "sharing f.bin in g: 1.00 MiB, 64 pieces of 16.0 KiB, sha1"))
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `waiting shows the downloads' progress and ends with their lines`() {
        let peer = peer {
            $0.blocks = true
            $0.downloads = [.sample(state: .downloading, verified: 500, rate: 100)]
        }
        let shell = start(peer)
        #expect(terminal.wait { $0.lines.count == 2 && self.atPrompt($0) })
        terminal.type("wait\r")
        #expect(terminal.wait { $0.lines.first == "12345> wait" && $0.lines.count == 2 })
        peer.set {
            $0.downloads = [
                .sample(
                    state: .complete, verified: 1000,
                    contributions: [.init(endpoint: "127.0.0.1:7001", bytes: 1000)])
            ]
        }
        // Waiting tells this one itself; of another download there is a notice.
        peer.send(.downloadEnded(.sample(state: .complete, verified: 1000)))
        peer.send(.downloadEnded(.sample(number: 2, name: "x", state: .complete, size: 5)))
        peer.release()
        #expect(terminal.wait { $0.lines.count == 5 && self.atPrompt($0) })
        #expect(
            terminal.screen.lines == [
                "12345> wait", "[C] [g] f.bin  100%  1000 B  in /tmp/f.bin",
                "    from 127.0.0.1:7001=1000 B",
                "download of x complete: 5 B in /tmp/f.bin", "12345>",
            ])
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `NO_COLOR and dumb terminals get no colours, others do`() {
        func colours(_ environment: [String: String]) -> Bool {
            let terminal = TestTerminal()
            let shell = start(peer(), on: terminal, environment: environment)
            #expect(terminal.wait(until: atPrompt))
            terminal.type("nope\r")
            #expect(terminal.wait(for: "error: unknown command"))
            #expect(terminal.wait(until: atPrompt))
            terminal.type("exit\r")
            #expect(shell.exitCode() == .success)
            terminal.draw()
            return String(decoding: terminal.bytes, as: UTF8.self).contains("\u{1B}[31m")
        }
        #expect(colours(["TERM": "xterm"]))
        #expect(!colours(["TERM": "xterm", "NO_COLOR": "1"]))
        #expect(!colours(["TERM": "dumb"]))
    }

    @Test func `the prompt is bold and what is typed is not`() {
        let shell = start(peer(), environment: ["TERM": "xterm"])
        #expect(terminal.wait(until: atPrompt))
        #expect(
            String(decoding: terminal.bytes, as: UTF8.self)
                .contains("\u{1B}[1m12345>\u{1B}[0m "))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `a line that wraps is edited in one piece, and a notice goes above it`() {
        let terminal = TestTerminal(columns: 30, rows: 10)
        let peer = peer()
        let shell = start(peer, on: terminal)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("join_group abcdefghijklmnopqrstuvwxyz")
        #expect(terminal.wait { $0.lines.last == "mnopqrstuvwxyz" })
        peer.send(.message("hello"))
        #expect(terminal.wait { $0.lines.first == "hello" && $0.lines.count == 3 })
        #expect(
            terminal.screen.lines == [
                "hello", "12345> join_group abcdefghijkl", "mnopqrstuvwxyz",
            ])
        terminal.type("\r")
        #expect(terminal.wait(for: "asked to join"))
        #expect(peer.calls == ["joinGroup abcdefghijklmnopqrstuvwxyz"])
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `a window that changes its size is noticed`() {
        let shell = start(peer())
        #expect(terminal.wait(until: atPrompt))
        terminal.resize(columns: 40, rows: 10)
        terminal.type("join_group g\r")
        #expect(terminal.wait(for: "asked to join g"))
        #expect(terminal.wait(until: atPrompt))
        terminal.type("\u{4}")
        #expect(shell.exitCode() == .success)
    }

    @Test func `a peer that stops takes the shell out of its line`() {
        let peer = peer()
        let shell = start(peer)
        #expect(terminal.wait(until: atPrompt))
        terminal.type("lo")
        #expect(terminal.wait { $0.lines.last == "12345> lo" })
        peer.stop()
        #expect(shell.exitCode() == .success)
        #expect(terminal.echoes)
    }
}
