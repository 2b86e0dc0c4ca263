import Testing

@testable import Peer

/// Pausing, limiting, and what is said of downloads that don't go on.
struct ShellTransfersTests {
    private let scratch = ScratchDirectory()

    private func run(
        _ lines: String..., change: (inout FakePeer.Answers) -> Void = { _ in }
    ) -> (ended: ShellOnPipes.Ended, calls: [String]) {
        var answers = FakePeer.Answers()
        change(&answers)
        let peer = FakePeer(dataDirectory: scratch.path, answers: answers)
        let shell = ShellOnPipes(service: peer, scratch: scratch)
        for line in lines { shell.send(line + "\n") }
        return (shell.end(), peer.calls)
    }

    @Test func `limits are shown, set and lifted`() {
        let (ended, _) = run(
            "limit", "limit down 10M", "limit up 1536K/s", "limit up", "limit up off", "limit")
        #expect(
            ended.lines == [
                "up off", "down off", "down 10.0 MiB/s", "up 1.50 MiB/s", "up 1.50 MiB/s",
                "up off", "up off", "down 10.0 MiB/s",
            ])
        #expect(ended.errors == "" && ended.code == .success)
    }

    @Test(arguments: [
        ("limit sideways 1M", "'sideways' is no direction: up or down"),
        (
            "limit up ten",
            "'ten' is not right: it is a number of bytes a second, such as `500K`, `1.5M` or `1G`,"
                + " or `off`"
        ),
        ("limit up 0", "'0' is not right: the least is `1K`; `off` lifts the limit"),
        ("limit up 1 M", "usage: limit [up|down] [rate|off]"),
        ("pause", "usage: pause [group_id] <file_name>"),
        ("cancel g a.bin b.bin", "usage: cancel [group_id] <file_name>"),
    ])
    func `what is wrong is named`(line: String, message: String) {
        let (ended, calls) = run(line)
        #expect(ended.errors == "error: \(message)\n")
        #expect(ended.code == .usage)
        #expect(calls.isEmpty)
    }

    @Test func `a download is named by itself or with its group`() {
        let (ended, calls) = run(
            "pause f.bin", "pause lab f.bin", "resume '' f.bin", "cancel lab f.bin")
        #expect(
            calls == ["pause * f.bin", "pause lab f.bin", "resume  f.bin", "cancel lab f.bin"])
        #expect(
            ended.lines == [
                "paused f.bin at 43%", "paused f.bin at 43%",
                "f.bin (1000 B) waits for its turn; it goes to /tmp/f.bin",
                "cancelled f.bin; what there was of it is deleted",
            ])
    }

    @Test func `those that wait and those that are paused have their letters`() {
        let (ended, _) = run("show_downloads") {
            $0.downloads = [
                .sample(number: 1, name: "a", state: .downloading, verified: 100, rate: 50),
                .sample(number: 2, name: "b", state: .queued),
                .sample(number: 3, name: "c", state: .paused, verified: 500),
            ]
        }
        #expect(
            ended.lines == [
                "[D] [g] a\t10%\t100\t1000\t50\t18\t2\t-\t-",
                "[Q] [g] b\t0%\t0\t1000\t0\t-\t2\t-\t-",
                "[P] [g] c\t50%\t500\t1000\t0\t-\t2\t-\t-",
            ])
    }

    @Test func `a wait for all passes paused ones over, and says so`() {
        let (ended, _) = run("wait") {
            $0.downloads = [
                .sample(number: 1, name: "a", state: .complete, verified: 1000),
                .sample(number: 2, name: "b", state: .paused),
            ]
        }
        #expect(ended.lines.count == 3)
        #expect(ended.lines.last == "b is paused and isn't waited for")
        #expect(ended.code == .success)
    }

    @Test func `a wait for one that is paused fails with the remedy`() {
        let (ended, _) = run("wait b") {
            $0.downloads = [.sample(number: 2, name: "b", state: .paused)]
        }
        #expect(ended.errors == "error: b is paused and isn't waited for: resume b\n")
        #expect(ended.code == .unfinishedDownloads)
    }

    @Test func `a log-in tells of paused downloads`() {
        let (ended, _) = run("login a b") {
            $0.login = LoginSummary(userID: "a", downloadsResumed: 2, downloadsPaused: 1)
        }
        #expect(ended.output == "logged in as a, 2 downloads resumed, 1 download paused\n")
    }
}
