import Foundation
import Testing

@testable import Peer

struct ShellHistoryTests {
    private let scratch = ScratchDirectory()
    private var path: String { scratch.path + "/history" }

    @Test(arguments: [
        "login alice secret", "create_user alice secret", "  login  alice  'my secret'",
        "login alice 'unfinished", "logn alice secret", "Login alice secret",
        "create_usr alice secret", "# login alice secret", "login alice secret extra",
        "\\login alice secret", "\"login\" alice secret",
    ])
    func `a line that may hold a password is never kept`(line: String) {
        #expect(ShellHistory.mayHoldPassword(line))
        var history = ShellHistory(path: path)
        let isTaken = history.append(line)
        #expect(!isTaken)
        #expect(history.lines.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(arguments: [
        "login alice", "create_user alice", "logout", "list_files group", "upload_file a b",
        "download_file g f /tmp/x", "help login", "",
    ])
    func `other lines hold none`(line: String) {
        #expect(!ShellHistory.mayHoldPassword(line))
    }

    @Test func `lines are there again in the next run, without blanks and repetitions`() {
        var history = ShellHistory(path: path)
        for line in ["a", "a", "  ", "b ü", "a"] { _ = history.append(line) }
        #expect(ShellHistory(path: path).lines == ["a", "b ü", "a"])
    }

    @Test func `the file is its owner's alone, even where it was not`() throws {
        try "old\n".write(toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o644)
        var history = ShellHistory(path: path)
        _ = history.append("new")
        var status = stat()
        stat(path, &status)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `a long history is cut to its newest lines`() throws {
        let lines = (0..<5000).map { "line \($0)" }
        try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
        #expect(ShellHistory(path: path).lines == Array(lines.suffix(ShellHistory.limit)))
        #expect(
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
                == ShellHistory.limit)
    }

    @Test func `a history that can't be read or written is done without`() {
        var history = ShellHistory(path: scratch.path + "/missing/history")
        #expect(history.lines.isEmpty)
        _ = history.append("a")
        #expect(history.lines == ["a"])
        #expect(ShellHistory(path: "/dev/zero").lines.count <= ShellHistory.limit)
    }
}
