import Foundation

/// How soon the programs are there, and what they hold while idle.
struct Startup {
    let programs: Programs
    let folder: String
    let runs: Int

    struct Result {
        /// Seconds from the start to the prompt on a terminal.
        let prompt: Double
        /// Resident bytes of a peer at its prompt and of a tracker that listens.
        let peerMemory: Double
        let trackerMemory: Double
    }

    func run() async throws -> Result {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let tracker = try ChildProcess(
            programs.tracker, ["--data-dir", folder + "/tracker", "127.0.0.1:0"])
        defer { tracker.kill() }
        let line = try await tracker.line("the tracker's address") { $0.contains("listening on") }
        let address = String(line.split(separator: " ").last ?? "")
        var times: [Double] = []
        var memory: [Double] = []
        for _ in 0..<runs {
            let (time, resident) = try await promptOnTerminal(tracker: address)
            times.append(time)
            memory.append(resident)
        }
        return Result(
            prompt: median(times), peerMemory: median(memory),
            trackerMemory: Double(tracker.memory("VmRSS") ?? 0))
    }

    /// script(1) gives the program a terminal and copies what it shows.
    private func promptOnTerminal(tracker: String) async throws -> (Double, Double) {
        let port = 26884
        let command = "\(programs.peer) --data-dir \(folder)/state 127.0.0.1:\(port) \(tracker)"
        let clock = ContinuousClock()
        let start = clock.now
        let terminal = try ChildProcess(
            "script",
            ["--quiet", "--flush", "--return", "--command", "exec " + command, "/dev/null"],
            environment: ["HOME": folder, "TERM": "xterm"])
        defer { terminal.kill() }
        try await eventually(
            "the prompt", longestPause: .milliseconds(1), context: terminal.transcript
        ) { terminal.output.pending.contains("\(port)>") }
        let time = seconds(clock.now - start)
        let children = Machine.text("/proc/\(terminal.pid)/task/\(terminal.pid)/children")
        let child = children.split(separator: " ").first ?? ""
        let resident = Machine.text("/proc/\(child)/status").split(separator: "\n")
            .first { $0.hasPrefix("VmRSS:") }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first
        terminal.send("exit")
        _ = try await terminal.end(within: .seconds(10))
        return (time, Double(Int(resident ?? "") ?? 0) * 1024)
    }
}
