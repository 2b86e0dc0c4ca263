import Foundation
import Synchronization

/// Where the programs are that these tests start.
enum Programs {
    static let tracker = folder + "/mtorrent-tracker"
    static let peer = folder + "/mtorrent"

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

/// A TCP port of 127.0.0.1 for programs that must be told one. Below those that the system takes
/// for connections, which could take it in the meantime, and another one for each caller.
func freePort() throws -> UInt16 {
    for _ in 0..<1000 {
        let port = nextPort.withLock { port in
            defer { port = port == 32_000 ? 12_000 : port + 1 }
            return port
        }
        if isFree(port) { return port }
    }
    throw SpawnError(description: "no free port")
}

private let nextPort = Mutex(UInt16.random(in: 12_000...32_000))

private func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    // As the programs do: connections that linger from an earlier run don't count.
    var on: Int32 = 1
    setsockopt(
        descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafeBytes(of: &address) { bytes in
        let pointer = bytes.assumingMemoryBound(to: sockaddr.self).baseAddress
        return bind(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
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
