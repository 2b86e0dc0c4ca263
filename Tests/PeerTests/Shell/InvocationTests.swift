import Foundation
import Options
import Testing
import Wire

@testable import Peer

struct InvocationTests {
    private let scratch = ScratchDirectory()

    private func parse(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) throws -> Invocation {
        // No config file of whoever runs the tests.
        let all = environment.merging(["XDG_CONFIG_HOME": scratch.path]) { given, _ in given }
        guard
            case .run(let invocation) = try Invocation.parse(arguments: arguments, environment: all)
        else { throw CommandError("nothing to run") }
        return invocation
    }

    private func message(_ arguments: [String]) -> String? {
        #expect(throws: CommandError.self) { try parse(arguments) }?.message
    }

    private func file(_ text: String) throws -> String {
        let path = scratch.path + "/tracker_info.txt"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test func `a file names the trackers, and a free port is taken`() throws {
        let path = try file("# ours\n127.0.0.1 9000\n[::1]:9001\n")
        let invocation = try parse([path])
        #expect(invocation.listenAddress == .everywhere(port: 0))
        #expect(invocation.trackerEndpoints.map(\.description) == ["127.0.0.1:9000", "[::1]:9001"])
        #expect(invocation.dataDirectory == nil)
        #expect(invocation.commands.isEmpty && !invocation.isDaemon)
        #expect(invocation.logLevel == .error && invocation.logFile == nil)
    }

    @Test func `an address before the file is our own`() throws {
        let invocation = try parse(["127.0.0.1:7001", try file("127.0.0.1:9000\n")])
        #expect(try invocation.listenAddress == .at(#require(Endpoint("127.0.0.1:7001"))))
        #expect(invocation.trackerEndpoints.map(\.description) == ["127.0.0.1:9000"])
    }

    @Test func `one address alone is a tracker, of several the first is our own`() throws {
        var invocation = try parse(["127.0.0.1:9000"])
        #expect(invocation.listenAddress.port == 0)
        #expect(invocation.trackerEndpoints.map(\.description) == ["127.0.0.1:9000"])
        invocation = try parse(["127.0.0.1:0", "127.0.0.1:9000"])
        #expect(try invocation.listenAddress == .at(#require(Endpoint("127.0.0.1:0"))))
        #expect(invocation.trackerEndpoints.count == 1)
        invocation = try parse(["[::]:7001", "127.0.0.1:9000", "[::1]:9001"])
        #expect(try invocation.listenAddress == .at(#require(Endpoint("[::]:7001"))))
        #expect(invocation.trackerEndpoints.map(\.port) == [9000, 9001])
    }

    @Test func `options come before or after, and the command line wins`() throws {
        let config = scratch.path + "/c.conf"
        try "data-dir = /from/file\nlog-level = debug\ndaemon = on\n".write(
            toFile: config, atomically: true, encoding: .utf8)
        let invocation = try parse(
            [
                "-d", "/from/line", "127.0.0.1:9000", "-e", "login a b", "--execute=wait",
                "--config", config,
            ],
            ["MTORRENT_DATA_DIR": "/from/environment", "MTORRENT_LOG_FILE": "/log"])
        #expect(invocation.dataDirectory == "/from/line")
        #expect(invocation.logFile == "/log")
        #expect(invocation.logLevel == .debug)
        #expect(invocation.isDaemon)
        #expect(invocation.commands == ["login a b", "wait"])
        #expect(try parse(["--daemon", "127.0.0.1:9000"]).logLevel == .info)
    }

    @Test func `limits are options too`() throws {
        let plain = try parse(["127.0.0.1:9000"])
        #expect(plain.limits == RateLimits())
        #expect(plain.maxConnections == nil && plain.maxDownloads == nil)
        let limited = try parse(
            [
                "--up", "1.5M", "--down=64K", "--max-connections", "200", "--max-downloads=3",
                "127.0.0.1:9000",
            ], ["MTORRENT_UP": "1K"])
        #expect(limited.limits == RateLimits(up: 3 << 19, down: 64 << 10))
        #expect(limited.maxConnections == 200 && limited.maxDownloads == 3)
        #expect(try parse(["127.0.0.1:9000"], ["MTORRENT_DOWN": "2M"]).limits.down == 2 << 20)
        #expect(
            message(["--up", "ten", "127.0.0.1:9000"])?.hasPrefix("--up: `ten` is not right: ")
                == true)
        for wrong in ["--down=0", "--up=-5M", "--max-downloads=0", "--max-connections=many"] {
            #expect(message([wrong, "127.0.0.1:9000"])?.contains("is not right: ") == true)
        }
    }

    @Test func `help and version are printed`() throws {
        guard case .print(let help) = try Invocation.parse(arguments: ["--help"], environment: [:]),
            case .print(let version) = try Invocation.parse(
                arguments: ["--version"], environment: [:])
        else {
            Issue.record("nothing printed")
            return
        }
        #expect(help.hasPrefix("Usage: mtorrent [OPTIONS] [IP:PORT] tracker_info.txt\n"))
        for option in ["--data-dir", "--execute", "--daemon", "--log-level", "--log-file"] {
            #expect(help.contains(option))
        }
        #expect(version.hasPrefix("mtorrent \(Invocation.version) (OpenSSL "))
        #expect(version.hasSuffix(")\n") && version.contains(", kernel TLS: "))
    }

    @Test func `what is wrong is named, with the line of the file`() throws {
        #expect(message([])?.contains("a tracker is missing") == true)
        let path = try file("127.0.0.1 9000\n127.0.0.1 99999\n")
        #expect(message([path])?.hasPrefix("\(path): line 2: ") == true)
        #expect(message([scratch.path + "/none"])?.hasPrefix("FILE NOT FOUND: ") == true)
        #expect(message([scratch.path])?.contains("can't be read") == true)
        #expect(message(["nonsense", path])?.contains("'nonsense' is not IP:PORT") == true)
        #expect(message(["1.2.3.4:5", "1.2.3.4:6", path])?.contains("at most") == true)
        #expect(message(["1.2.3.4:5", "1.2.3.4:0"])?.hasPrefix("tracker ") == true)
        #expect(message(["--colour", "1.2.3.4:5"])?.contains("unknown option") == true)
        #expect(message(["--log-level", "loud", "1.2.3.4:5"])?.contains("warning") == true)
        #expect(message([try file("")])?.contains("no tracker listed") == true)
        #expect(message(["/dev/zero"])?.contains("longer than a list of trackers") == true)
    }

    @Test func `wrong usage has its exit code, and a missing file that of files`() throws {
        #expect(throws: CommandError.self) { try parse([]) }
        let usage = #expect(throws: CommandError.self) { try parse([]) }
        #expect(usage?.exitCode == .usage)
        let missing = #expect(throws: CommandError.self) { try parse([scratch.path + "/none"]) }
        #expect(missing?.exitCode == .cannotOpenFile)
    }

    @Test func `state lives under XDG_STATE_HOME or the home directory, by port`() throws {
        func directory(_ environment: [String: String]) throws -> String {
            try Invocation.defaultDataDirectory(port: 7001, environment: environment)
        }
        #expect(try directory(["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/mtorrent/7001")
        #expect(try directory(["HOME": "/h"]) == "/h/.local/state/mtorrent/7001")
        #expect(
            try directory(["XDG_STATE_HOME": "relative", "HOME": "/h"])
                == "/h/.local/state/mtorrent/7001")
        #expect(throws: CommandError.self) { try directory([:]) }
    }
}
