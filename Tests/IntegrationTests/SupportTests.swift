import Foundation
import Testing

/// The harness itself: what it tells of a program must be so.
struct SupportTests {
    @Test func `output, errors and exit code of a program are kept apart`() async throws {
        let finished = try await run(
            "sh", ["-c", "read a; echo $a; echo b >&2; exit 3"], input: ["x"])
        #expect(finished.output == ["x"])
        #expect(finished.errors == ["b"])
        #expect(finished.code == 3)
    }

    @Test func `a signal that ends a program is told`() async throws {
        let process = try ChildProcess("cat", [])
        process.signal(SIGTERM)
        #expect(try await process.end() == .signalled(SIGTERM))
    }

    @Test func `killing a program kills what it started`() async throws {
        let process = try ChildProcess("sh", ["-c", "sleep 1000 & echo $!; wait"])
        let line = try await process.line("the number of its child") { !$0.isEmpty }
        let child = try #require(pid_t(line))
        process.kill()
        #expect(process.exitStatus == .signalled(SIGKILL))
        try await eventually("the child's end") {
            // It may stay a zombie until the system's first process looks after it.
            let status = try? String(contentsOfFile: "/proc/\(child)/status", encoding: .utf8)
            return status?.contains("State:\tZ") ?? true
        }
    }

    @Test func `a program that isn't there is an error that names it`() {
        #expect(throws: SpawnError.self) { try ChildProcess("/nonexistent/program", []) }
    }

    @Test func `generated files depend on their seed alone`() async throws {
        let scratch = try Scratch()
        let a = try scratch.file("a", size: 100_001, seed: 1)
        let b = try scratch.file("b", size: 100_001, seed: 1)
        let c = try scratch.file("c", size: 100_001, seed: 2)
        #expect(fileSize(a) == 100_001)
        #expect(try await sha1sum(a) == sha1sum(b))
        #expect(try await sha1sum(a) != sha1sum(c))
    }

    @Test func `damage changes the bytes of a file and not its times`() async throws {
        let scratch = try Scratch()
        let file = try scratch.file("a", size: 1000, seed: 1)
        let sum = try await sha1sum(file)
        let date =
            try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
        try damage(file, at: 500, count: 10)
        let after =
            try FileManager.default.attributesOfItem(atPath: file)[.modificationDate] as? Date
        #expect(date == after)
        #expect(try await sha1sum(file) != sum)
    }

    @Test func `a condition that never comes true ends in an error`() async {
        await #expect(throws: NotInTime.self) {
            try await eventually("never", within: .milliseconds(20)) { false }
        }
    }
}
