import Foundation
import Synchronization

/// A PostgreSQL server of the distribution's package on a loopback port, or on another host's, which
/// a test may kill, stop and start again. It runs as the user `postgres` where the tests run as root.
final class DatabaseServer: Sendable {
    /// Where its database is.
    let location: String
    private let folder: String
    private let port: UInt16
    private let programs: String
    private let host: LossyNetwork.Host?
    private let running: Mutex<ChildProcess?>

    init(on host: LossyNetwork.Host? = nil) async throws {
        self.host = host
        port = try freePort()
        location = "postgresql://mtorrent@\(host?.address ?? "127.0.0.1"):\(port)/postgres"
        let found = try await run("pg_config", ["--bindir"])
        programs = found.output.first ?? ""
        folder = try DatabaseServer.makeFolder()
        running = Mutex(nil)
        let words =
            DatabaseServer.privilege + [
                "\(programs)/initdb", "--no-sync", "--auth=trust", "--username=mtorrent",
                "--encoding=UTF8", "--locale=C", "--pgdata=\(folder)/data",
            ]
        let made = try await run(words[0], Array(words.dropFirst()))
        guard made.code == 0 else { throw SpawnError(description: "initdb: \(made)") }
        try append("host all all 10.0.0.0/8 trust\n", to: "pg_hba.conf")
        try await start()
    }

    deinit {
        // Those that are stopped wouldn't see that the first one is gone.
        signal(SIGCONT)
        kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The server refuses to run as root.
    private static var privilege: [String] {
        geteuid() == 0
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : []
    }

    private static func makeFolder() throws -> String {
        let base = FileManager.default.temporaryDirectory.path
        var template = Array("\(base)/mtorrent-database-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw SpawnError(description: "\(base): \(String(cString: strerror(errno)))")
        }
        if geteuid() == 0, let user = getpwnam("postgres") {
            chown(made, user.pointee.pw_uid, user.pointee.pw_gid)
        }
        return String(cString: made)
    }

    private func append(_ text: String, to file: String) throws {
        let handle = try FileHandle(
            forUpdating: URL(fileURLWithPath: "\(folder)/data/\(file)"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    /// Starts it and waits until it takes questions.
    func start() async throws {
        let words =
            (host?.entrance ?? []) + DatabaseServer.privilege + [
                "\(programs)/postgres", "-D", "\(folder)/data", "-p", "\(port)",
                "-c", "listen_addresses=\(host?.address ?? "127.0.0.1")",
                "-c", "unix_socket_directories=", "-c", "fsync=off",
            ]
        // What is left of one that was killed takes a moment to go.
        try await eventually("a server on port \(port)", within: .seconds(60)) {
            let process = try ChildProcess(
                words[0], Array(words.dropFirst()), mergingErrors: true)
            let isReady = try? await process.line("the server's word") {
                $0.contains("ready to accept connections")
            }
            guard isReady != nil else {
                process.kill()
                return false
            }
            running.withLock { $0 = process }
            return true
        }
    }

    /// As `kill -9` of its first process, which ends them all.
    func kill() {
        running.withLock { process in
            process?.kill()
            process = nil
        }
    }

    /// To all of its processes.
    func signal(_ number: Int32) {
        guard let first = running.withLock({ $0 }) else { return }
        first.signal(number)
        let list = "/proc/\(first.pid)/task/\(first.pid)/children"
        let children = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
        for child in children.split(separator: " ").compactMap({ pid_t($0) }) {
            Glibc.kill(child, number)
        }
    }
}
