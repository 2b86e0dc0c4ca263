import Foundation

/// A measurement that can't go on.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension ChildProcess {
    /// Seconds of processor time so far, of all threads, or nil when it has ended.
    var processorSeconds: Double? {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            return nil
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// A line of `/proc/PID/status` in bytes, such as `VmHWM`; nil when it has ended.
    func memory(_ key: String) -> Int? {
        Machine.text("/proc/\(pid)/status").split(separator: "\n")
            .first { $0.hasPrefix(key + ":") }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first
            .flatMap { Int($0) }.map { $0 << 10 }
    }

    /// Bytes that it has written to files and pipes by write(2) and its kin.
    var writtenBytes: Int {
        Machine.text("/proc/\(pid)/io").split(separator: "\n")
            .first { $0.hasPrefix("wchar:") }?
            .split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}

extension rusage {
    /// User and system time together.
    var processorSeconds: Double {
        Double(ru_utime.tv_sec + ru_stime.tv_sec)
            + Double(ru_utime.tv_usec + ru_stime.tv_usec) / 1e6
    }
}

/// A peer's shell on a pipe. After each command `help exit` is sent, whose answer is known: when
/// that has come, the first one's is complete.
struct Shell {
    let process: ChildProcess
    private let marker: String

    init(_ programs: Programs, tracker: String, folder: String, port: UInt16) async throws {
        marker = try await Self.learnMarker(programs, tracker, folder)
        process = try ChildProcess(
            programs.peer, ["--data-dir", folder, "127.0.0.1:\(port)", tracker],
            environment: ["HOME": folder], mergingErrors: true)
    }

    /// - Parameter start: starts the peer, its errors on its standard output.
    init(
        _ programs: Programs, tracker: String, folder: String, start: () throws -> ChildProcess
    ) async throws {
        marker = try await Self.learnMarker(programs, tracker, folder)
        process = try start()
    }

    private static func learnMarker(
        _ programs: Programs, _ tracker: String, _ folder: String
    ) async throws -> String {
        let learned = try await finish(
            programs.peer, ["--data-dir", folder + "/marker", tracker], input: ["help exit"])
        guard let first = learned.first else { throw BenchmarkError("`help exit` says nothing") }
        return first
    }

    /// The lines of the answer; an error is thrown.
    @discardableResult
    func callAsFunction(
        _ command: String, within limit: Duration = .seconds(60),
        longestPause: Duration = .milliseconds(50)
    ) async throws -> [String] {
        let start = process.output.count
        process.send(command)
        process.send("help exit")
        let lines = try await eventually(
            "the answer to `\(command)`", within: limit, longestPause: longestPause,
            context: process.transcript
        ) { () throws -> ArraySlice<String>? in
            let ended = process.output.hasEnded
            let lines = process.output.lines[start...]
            if let end = lines.firstIndex(of: marker) { return lines[..<end] }
            if ended { throw BenchmarkError("the peer ended\n\(process.transcript)") }
            return nil
        }
        if let error = lines.first(where: { $0.hasPrefix("error: ") }) {
            throw BenchmarkError("`\(command)`: \(error)")
        }
        return Array(lines)
    }

    func quit() async throws {
        process.closeInput()
        _ = try await process.end(within: .seconds(20))
    }
}

/// Where the built programs are.
struct Programs {
    let folder: String
    var peer: String { folder + "/mtorrent" }
    var tracker: String { folder + "/mtorrent-tracker" }
}

/// Runs a program to its end, which has to be a good one, and gives its output.
func finish(
    _ executable: String, _ arguments: [String], input: [String] = [],
    within limit: Duration = .seconds(120)
) async throws -> [String] {
    let process = try ChildProcess(executable, arguments)
    for line in input { process.send(line) }
    process.closeInput()
    guard try await process.end(within: limit) == .exited(0) else {
        throw BenchmarkError("\(executable) failed\n\(process.transcript)")
    }
    return process.output.lines
}

func sha1sum(_ path: String) async throws -> String {
    String(try await finish("sha1sum", ["--", path]).first?.prefix(40) ?? "")
}
