import Foundation

/// What a running peer answered to one command.
struct Answer {
    let lines: [String]

    /// The error, without `error: `; nil when the command did what it should.
    var error: String? {
        lines.first { $0.hasPrefix("error: ") }.map { String($0.dropFirst("error: ".count)) }
    }

    var text: String { lines.joined(separator: "\n") }
}

/// A command that should have succeeded, or failed, and did not.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

/// A running `mtorrent` that takes its commands from a pipe.
///
/// Its output and errors go to one pipe, so that their order is kept; `run(script:)` keeps them
/// apart. After each command a second one is sent whose answer is known, `help exit`: when that
/// has come, the first one's answer is complete.
final class PeerProcess: Sendable {
    let process: ChildProcess
    let address: String
    private let marker: [String]

    /// - Parameters:
    ///   - port: nil takes a free one.
    ///   - dataFolder: kept over restarts.
    ///   - host: nil is this machine.
    ///   - address: where it listens, without the port.
    init(
        tracker: String, dataFolder: String, port: UInt16? = nil, options: [String] = [],
        host: LossyNetwork.Host? = nil, address: String = "127.0.0.1"
    ) async throws {
        marker = try await PeerProcess.marker.value
        self.address = "\(host?.address ?? address):\(try port ?? freePort())"
        let words = (host?.entrance ?? []) + [Programs.peer, "--data-dir", dataFolder]
        process = try ChildProcess(
            words[0], words.dropFirst() + options + [self.address, tracker],
            environment: PeerProcess.environment(dataFolder), mergingErrors: true)
    }

    var port: UInt16 { UInt16(address.split(separator: ":").last ?? "") ?? 0 }

    static func environment(_ dataFolder: String) -> [String: String] {
        ["HOME": dataFolder, "LANG": "C.UTF-8"]
    }

    /// Runs a peer over a whole script, to its end.
    static func run(
        script: [String], tracker: String, dataFolder: String, options: [String] = [],
        within limit: Duration = .seconds(60)
    ) async throws -> Finished {
        try await IntegrationTests.run(
            Programs.peer, ["--data-dir", dataFolder] + options + ["127.0.0.1:0", tracker],
            input: script, environment: environment(dataFolder), within: limit)
    }

    /// The answer to `help exit`, asked for once.
    private static let marker = Task { try await learnMarker() }

    private static func learnMarker() async throws -> [String] {
        let scratch = try Scratch()
        let finished = try await run(
            script: ["help exit"], tracker: "127.0.0.1:9", dataFolder: scratch.path)
        guard finished.code == 0, let last = finished.output.last, !last.isEmpty else {
            throw CommandFailure(description: "`help exit` says nothing: \(finished)")
        }
        return finished.output
    }

    /// Sends a command and gives all lines of its answer.
    @discardableResult
    func answer(_ command: String, within limit: Duration = .seconds(30)) async throws -> Answer {
        let start = process.output.count
        process.send(command)
        process.send("help exit")
        let end = try await eventually(
            "the answer to `\(command)`", within: limit, context: process.transcript
        ) { () throws -> Int? in
            let hadEnded = process.output.hasEnded
            let lines = process.output.lines[start...]
            if let position = lines.firstRange(of: marker)?.lowerBound { return position }
            if hadEnded {
                throw CommandFailure(
                    description: "the peer ended at `\(command)`\n\(process.transcript)")
            }
            return nil
        }
        return Answer(lines: Array(process.output.lines[start..<end]))
    }

    /// Sends a command that has to succeed.
    @discardableResult
    func callAsFunction(
        _ command: String, within limit: Duration = .seconds(30)
    ) async throws -> [String] {
        let answer = try await answer(command, within: limit)
        if let error = answer.error {
            throw CommandFailure(description: "`\(command)` failed: \(error)")
        }
        return answer.lines
    }

    /// Sends a command that has to fail.
    /// - Returns: the words after `error: `.
    func refusal(of command: String) async throws -> String {
        let answer = try await answer(command)
        guard let error = answer.error else {
            throw CommandFailure(description: "`\(command)` did not fail: \(answer.text)")
        }
        return error
    }

    /// Asks again and again until an answer holds what is wanted.
    @discardableResult
    func repeatedly(
        _ command: String, within limit: Duration = .seconds(60), shows isWanted: (Answer) -> Bool
    ) async throws -> Answer {
        try await eventually(
            "the wanted answer to `\(command)`", within: limit, context: process.transcript
        ) {
            let answer = try await answer(command)
            return isWanted(answer) ? answer : nil
        }
    }

    /// Runs a command, again as long as the tracker says that it can't just now: on a busy machine
    /// a database may not answer in time.
    func insist(_ command: String) async throws {
        try await repeatedly(command) { $0.error?.contains("again") != true }
    }

    /// Creates the user and logs in.
    func enter(as user: String, password: String = "correct horse") async throws {
        try await self("create_user \(user) '\(password)'")
        try await self("login \(user) '\(password)'")
    }

    /// Downloads a file of a group to its end.
    func download(
        _ name: String, of group: String, to destination: String,
        within limit: Duration = .seconds(60)
    ) async throws {
        try await self("download_file \(group) \(name) \(destination)")
        try await self("wait \(name)", within: limit)
    }

    /// Ends the shell as the end of its input does.
    func quit() async throws -> ExitStatus {
        process.closeInput()
        return try await process.end()
    }
}
