import Foundation

/// Where the programs are that these tests start.
enum Programs {
    static let tracker = folder + "/mtorrent-tracker"
    static let peer = folder + "/mtorrent"
    static let simulation = folder + "/mtorrent-sim"

    /// The build puts the programs and the bundle of the tests into one folder. On Linux the
    /// bundle is an executable that runs itself.
    private static let folder: String = {
        let arguments = CommandLine.arguments
        if let index = arguments.firstIndex(of: "--test-bundle-path"),
            index + 1 < arguments.count
        {
            return URL(fileURLWithPath: arguments[index + 1]).deletingLastPathComponent().path
        }
        return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().path
    }()
}

/// What a program said that ran to its end.
struct Finished {
    let status: ExitStatus
    let output: [String]
    let errors: [String]

    /// Its exit code; nil when a signal ended it.
    var code: Int32? {
        if case .exited(let code) = status { code } else { nil }
    }
}

/// Runs a program to its end.
func run(
    _ executable: String, _ arguments: [String], input: [String] = [],
    environment: [String: String] = [:], within limit: Duration = .seconds(60)
) async throws -> Finished {
    let process = try ChildProcess(executable, arguments, environment: environment)
    defer { process.kill() }
    for line in input { process.send(line) }
    process.closeInput()
    let status = try await process.end(within: limit)
    return Finished(status: status, output: process.output.lines, errors: process.errors.lines)
}

/// The SHA-1 of a file in hex, by the system's own program.
func sha1sum(_ path: String) async throws -> String {
    let finished = try await run("sha1sum", ["--binary", "--", path])
    guard finished.code == 0, let line = finished.output.first else {
        throw SpawnError(description: "sha1sum \(path): \(finished.errors)")
    }
    return String(line.prefix(40))
}
