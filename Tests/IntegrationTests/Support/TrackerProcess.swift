import Foundation

/// A running `mtorrent-tracker` with a data folder of its own.
final class TrackerProcess: Sendable {
    let process: ChildProcess
    /// `127.0.0.1:PORT`, or `[::1]:PORT`.
    let address: String

    /// Starts the tracker and waits until it says that it is listening.
    /// - Parameters:
    ///   - dataFolder: kept over restarts.
    ///   - address: port 0 takes a free one; a restart names the one it had.
    ///   - host: nil is this machine.
    ///   - openFiles: how many descriptors it may have.
    init(
        dataFolder: String, address: String = "127.0.0.1:0", options: [String] = [],
        host: LossyNetwork.Host? = nil, openFiles: Int? = nil
    ) async throws {
        let limit = openFiles.map { ["/bin/sh", "-c", "ulimit -n \($0); exec \"$@\"", "sh"] }
        let words =
            (host?.entrance ?? []) + (limit ?? [])
            + [Programs.tracker, "--data-dir", dataFolder]
        process = try ChildProcess(
            words[0], words.dropFirst() + options + [address],
            environment: ["HOME": dataFolder, "LANG": "C.UTF-8"])
        self.address = try await TrackerProcess.address(of: process)
    }

    /// The N-th tracker of a list, with its state where it is by default below `home`.
    init(list: String, number: Int, home: String, options: [String] = []) async throws {
        process = try ChildProcess(
            Programs.tracker, options + [list, "\(number)"],
            environment: ["HOME": home, "LANG": "C.UTF-8"])
        address = try await TrackerProcess.address(of: process)
    }

    /// Waits until the tracker says that it is listening.
    private static func address(of process: ChildProcess) async throws -> String {
        let prefix = "listening on "
        let line = try await process.line("the tracker's address") { $0.hasPrefix(prefix) }
        return String(line.dropFirst(prefix.count))
    }

    /// `sha256:` and the hash of its certificate, as lists have it.
    func pin() async throws -> String {
        let start = "certificate "
        let line = try await process.line("its certificate") { $0.hasPrefix(start + "sha256:") }
        return String(line.dropFirst(start.count))
    }

    var port: UInt16 { UInt16(address.split(separator: ":").last ?? "") ?? 0 }

    /// The body of an HTTP answer, by curl.
    func get(_ path: String) async throws -> (status: Int, body: String) {
        let finished = try await run(
            "curl",
            [
                "--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}",
                "http://\(address)\(path)",
            ])
        guard finished.code == 0, let status = finished.output.last.flatMap({ Int($0) }) else {
            throw SpawnError(description: "curl \(path): \(finished.errors)")
        }
        return (status, finished.output.dropLast().joined(separator: "\n"))
    }
}
