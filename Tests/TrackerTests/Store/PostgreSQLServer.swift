import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import Tracker

/// A PostgreSQL server of the distribution's package, on a UNIX socket in a folder of its own. One
/// serves all tests of this process, each in a database of its own; it ends with the process.
final class PostgreSQLServer: Sendable {
    static let shared = Result { try PostgreSQLServer() }

    private let folder: TemporaryFolder
    private let programs: String
    /// What makes a program run as the user `postgres`, where that has to be.
    private let prefix: [String]
    private let databases = Atomic(0)
    /// Open as long as the server is wanted.
    private let guardInput: Int32

    init() throws {
        folder = try TemporaryFolder()
        programs = try Self.output(["pg_config", "--bindir"])
        // The server refuses to run as root.
        if geteuid() == 0 {
            guard let user = getpwnam("postgres") else {
                throw ClientError("there is no user postgres to run the server as")
            }
            chown(folder.path, user.pointee.pw_uid, user.pointee.pw_gid)
            prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        } else {
            prefix = []
        }
        let ends = try Self.pipe()
        guardInput = ends[1]
        defer { close(ends[0]) }
        // The shell ends the server when this process has gone, however it goes.
        let script = """
            read -r line
            "$1/pg_ctl" -D "$0/data" -m immediate stop
            rm -rf "$0"
            """
        _ = try Self.start(prefix + ["sh", "-c", script, folder.path, programs], input: ends[0])
        _ = try Self.output(
            prefix + [
                "\(programs)/initdb", "--no-sync", "--auth=trust", "--username=mtorrent",
                "--encoding=UTF8", "--locale=C", "--pgdata=\(folder.path)/data",
            ])
        try start()
    }

    deinit { close(guardInput) }

    func start() throws {
        _ = try Self.output(
            prefix + [
                "\(programs)/pg_ctl", "-D", folder.path + "/data", "-w", "-l",
                folder.path + "/log", "-o",
                "-k \(folder.path) -c listen_addresses= -c max_connections=300 -c fsync=off",
                "start",
            ])
    }

    /// Stops it as a crash does.
    func stop() throws {
        _ = try Self.output(
            prefix + ["\(programs)/pg_ctl", "-D", folder.path + "/data", "-m", "immediate", "stop"])
    }

    private func command(_ sql: String) -> [String] {
        ["psql", "--no-psqlrc", "-h", folder.path, "-U", "mtorrent", "-d", "postgres", "-c", sql]
    }

    /// The location of a new, empty database.
    func database() throws -> String {
        let name = "test\(databases.add(1, ordering: .relaxed).newValue)"
        _ = try Self.output(command("CREATE DATABASE \(name)"))
        return "postgresql:///\(name)?host=\(folder.path)&user=mtorrent"
    }

    /// Ends all connections to the database, as a server that is restarted does.
    func disconnectAll(from location: String) throws {
        let name = location.dropFirst("postgresql:///".count).prefix { $0 != "?" }
        _ = try Self.output(
            command(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'"))
    }

    // MARK: Programs

    /// Held while a program is started, so that it doesn't inherit a pipe that isn't marked yet.
    private static let starting = Mutex<Void>(())

    /// The end to read from, and the one to write to; no program inherits them.
    private static func pipe() throws -> [Int32] {
        var ends: [Int32] = [0, 0]
        let isMade = starting.withLock { _ in
            guard Glibc.pipe(&ends) == 0 else { return false }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return true
        }
        guard isMade else { throw ClientError("no pipe") }
        return ends
    }

    private static func start(
        _ words: [String], input: Int32? = nil, output: Int32? = nil
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let ends: [(Int32, Int32?)] = [
            (STDIN_FILENO, input), (STDOUT_FILENO, output), (STDERR_FILENO, nil),
        ]
        for (descriptor, end) in ends {
            if let end {
                posix_spawn_file_actions_adddup2(&actions, end, descriptor)
            } else {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            }
        }
        let arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid = pid_t()
        let result = starting.withLock { _ in
            posix_spawnp(&pid, words[0], &actions, nil, arguments, environ)
        }
        guard result == 0 else {
            throw ClientError("\(words[0]) can't be run: scripts/bootstrap --tests installs it")
        }
        return pid
    }

    /// What the program prints, without the last line break.
    private static func output(_ words: [String]) throws -> String {
        let ends = try Self.pipe()
        let pid: pid_t
        do {
            defer { close(ends[1]) }
            pid = try start(words, output: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        defer { close(ends[0]) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(ends[0], &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw ClientError("\(words.joined(separator: " ")) failed") }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: "\n")
    }
}
