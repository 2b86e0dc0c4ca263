import Foundation
import Testing
import Wire

@testable import Peer

struct ShellOnPipesTests {
    private let scratch = ScratchDirectory()

    private func peer(_ change: (inout FakePeer.Answers) -> Void = { _ in }) -> FakePeer {
        var answers = FakePeer.Answers()
        change(&answers)
        return FakePeer(dataDirectory: scratch.path, answers: answers)
    }

    private func run(
        _ input: String, _ peer: FakePeer, environment: [String: String] = ["TERM": "xterm"]
    ) -> ShellOnPipes.Ended {
        let shell = ShellOnPipes(service: peer, scratch: scratch, environment: environment)
        shell.send(input)
        return shell.end()
    }

    @Test func `each line is a command, and every command reaches the peer`() {
        let peer = peer()
        let ended = run(
            """
            # a comment, and blank lines

            create_user alice "pass word"
            login alice pass\\ word
            create_group g
            create_group h open
            join_group g
            list_requests g
            accept_request g bob
            reject_request g carol
            remove_member g bob
            list_groups
            list_files g
            upload_file '/tmp/my file' g
            download_file g f.bin /tmp/out
            show_downloads
            wait
            stop_share g f.bin
            export g f.bin /tmp/f.torrent
            share /tmp/f /tmp/f.mtorrent
            get /tmp/f.mtorrent /tmp/saved
            remove /tmp/f.mtorrent
            remove --data /tmp/f.mtorrent
            leave_group g
            leaves_group g
            help
            logout
            """, peer)
        #expect(ended.errors == "")
        #expect(ended.code == .success)
        #expect(
            peer.calls == [
                "createUser alice pass word", "logIn alice pass word", "createGroup g sealed",
                "createGroup h open", "joinGroup g", "listRequests g", "acceptRequest g bob",
                "rejectRequest g carol", "removeMember g bob", "listGroups", "listFiles g",
                "uploadFile /tmp/my file g", "downloadFile g f.bin /tmp/out",
                "waitForDownloads *", "stopShare g f.bin", "export g f.bin /tmp/f.torrent",
                "share /tmp/f /tmp/f.mtorrent", "get /tmp/f.mtorrent /tmp/saved",
                "remove /tmp/f.mtorrent false", "remove /tmp/f.mtorrent true", "leaveGroup g",
                "leaveGroup g", "logOut",
            ])
        #expect(peer.isStopped)
    }

    @Test func `answers have no prompt and no escape sequences`() {
        let peer = peer { $0.downloads = [.sample(state: .complete, verified: 1000)] }
        let ended = run("login alice x\nupload_file f g\nshow_downloads\nhelp\nnope\n", peer)
        #expect(!ended.output.contains("\u{1B}") && !ended.errors.contains("\u{1B}"))
        #expect(!ended.output.contains("\r") && !ended.output.contains("12345>"))
        #expect(ended.lines[0] == "logged in as alice")
    }

    @Test func `a failed command goes to the errors, the next ones run, its code is the program's`()
    {
        let peer = peer {
            $0.errors["joinGroup"] = CommandError("no group h: list_groups lists them", .notFound)
            $0.errors["logOut"] = CommandError("not logged in", .notAuthorized)
        }
        let ended = run("join_group h\nlogout\nlist_groups\n", peer)
        #expect(ended.code == .notFound)
        #expect(ended.errors == "error: no group h: list_groups lists them\nerror: not logged in\n")
        #expect(peer.calls.last == "listGroups")
    }

    @Test(arguments: [
        ("login", "usage: login <user_id> <password>"),
        ("login alice", "usage: login <user_id> <password>"),
        ("login a b c", "usage: login <user_id> <password>"),
        ("create_user alice", "usage: create_user <user_id> <password>"),
        ("create_group", "usage: create_group <group_id> [open|sealed]"),
        ("create_group g other", "usage: create_group <group_id> [open|sealed]"),
        ("leaves_group", "usage: leave_group <group_id>"),
        ("wait a b", "usage: wait [file_name]"),
        ("remove --all x", "usage: remove <mtorrent_file | magnet-URI> [--data]"),
        ("remove", "usage: remove <mtorrent_file | magnet-URI> [--data]"),
        ("logout now", "usage: logout"), ("passkey rest", "usage: passkey [reset]"),
        (
            "download_file g f",
            "usage: download_file <group_id> <file_name> <destination_path> [--only PATTERN]..."
                + " [--sequential]"
        ),
        ("get f", "usage: get <mtorrent_file | magnet-URI> <save_path> [--sequential]"),
    ])
    func `wrong usage names the right usage`(line: String, message: String) {
        let peer = peer()
        let ended = run(line + "\n", peer)
        #expect(ended.errors == "error: \(message)\n")
        #expect(ended.code == .usage)
        #expect(peer.calls.isEmpty)
    }

    @Test(arguments: [
        ("download_file g d/ /out --only '*.jpg' --only=sub", "downloadFile g d /out *.jpg sub"),
        ("download_file --sequential g d --only -- /out", "downloadFile g d /out -- sequential"),
        ("download_file -- g --only /out", "downloadFile g --only /out"),
        ("get --sequential f /out", "get f /out sequential"),
    ])
    func `options of a download stand anywhere, with their values`(line: String, call: String) {
        let peer = peer()
        #expect(run(line + "\n", peer).errors.isEmpty)
        #expect(peer.calls == [call])
    }

    @Test(arguments: ["--only", "--sequential=yes", "--other", "--only="])
    func `an option without its value, or with one too many, is wrong usage`(option: String) {
        let peer = peer()
        let ended = run("download_file g d /out \(option)\n", peer)
        #expect(ended.code == .usage)
        #expect(peer.calls.isEmpty)
    }

    @Test(arguments: [
        ("logn a b", "unknown command 'logn': did you mean 'login'?"),
        ("LIST_GROUPS", "unknown command 'LIST_GROUPS': did you mean 'list_groups'?"),
        ("frobnicate", "unknown command 'frobnicate': 'help' lists all commands"),
        ("help logi", "unknown command 'logi': did you mean 'login'?"),
        ("\u{1B}[2Jx", "unknown command '\\u{1b}[2Jx': 'help' lists all commands"),
        ("login 'a b", "a ' is opened and never closed"),
    ])
    func `what isn't a command is told what it may have meant`(line: String, message: String) {
        let ended = run(line + "\n", peer())
        #expect(ended.errors == "error: \(message)\n")
        #expect(ended.code == .usage)
    }

    @Test func `a last line without newline counts, and carriage returns don't`() {
        let peer = peer()
        let ended = run("join_group a\r\njoin_group b", peer)
        #expect(ended.code == .success)
        #expect(peer.calls == ["joinGroup a", "joinGroup b"])
    }

    @Test(arguments: ["exit", "quit"])
    func `exit ends the shell before the rest of the input`(word: String) {
        let peer = peer()
        let ended = run("join_group a\n\(word)\njoin_group b\n", peer)
        #expect(ended.code == .success)
        #expect(peer.calls == ["joinGroup a"])
        #expect(peer.isStopped)
    }

    @Test func `a line that is no text or too long is refused and the next one runs`() {
        let peer = peer()
        let shell = ShellOnPipes(service: peer, scratch: scratch)
        shell.send([0x6A, 0xFF, 0xFE, 0x0A])
        shell.send([0x6A, 0x00, 0x0A])
        shell.send(String(repeating: "x", count: 200_000) + "\njoin_group g\n")
        let ended = shell.end()
        #expect(
            ended.errors == """
                error: a line is not UTF-8 text
                error: a line is not UTF-8 text
                error: a line is longer than 65536 bytes

                """)
        #expect(peer.calls == ["joinGroup g"])
    }

    @Test func `an answer is out before the next command is read`() throws {
        let peer = peer()
        let shell = ShellOnPipes(service: peer, scratch: scratch)
        shell.send("join_group g\n")
        let deadline = Date().addingTimeInterval(10)
        var size: UInt64 = 0
        while size == 0, Date() < deadline {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: scratch.path + "/output")
            size = attributes[.size] as? UInt64 ?? 0
        }
        #expect(size > 0)
        #expect(shell.end().code == .success)
    }

    @Test func `a shell that waits for input leaves when the peer stops`() {
        let peer = peer()
        let shell = ShellOnPipes(service: peer, scratch: scratch)
        peer.stop()
        #expect(shell.thread.exitCode() == .success)
    }

    @Test func `given commands run without reading the input`() {
        let peer = peer { $0.errors["joinGroup"] = CommandError("no", .refused) }
        let shell = ShellOnPipes(service: peer, scratch: scratch) {
            $0.commands = ["join_group a", "create_group b"]
        }
        #expect(shell.thread.exitCode() == .refused)
        #expect(peer.calls == ["joinGroup a", "createGroup b sealed"])
        #expect(peer.isStopped)
    }

    @Test func `a daemon stays after its commands until the peer stops`() {
        let peer = peer()
        let shell = ShellOnPipes(service: peer, scratch: scratch) {
            $0.commands = ["wait", "join_group g"]
            $0.isDaemon = true
        }
        let hasRun = LimitedPoll { peer.calls.last == "joinGroup g" }
        #expect(hasRun.holds && !peer.isStopped)
        peer.stop()
        #expect(shell.thread.exitCode() == .success)
    }

    @Test func `a daemon's exit command stops it`() {
        let shell = ShellOnPipes(service: peer(), scratch: scratch) {
            $0.commands = ["exit"]
            $0.isDaemon = true
        }
        #expect(shell.thread.exitCode() == .success)
    }
}
