import FoundationEssentials
import Options
import Testing

@testable import Tracker

@Suite struct TrackerSettingsTests {
    private func settings(
        _ arguments: String..., environment: [String: String] = [:]
    ) throws -> TrackerSettings {
        let parser = TrackerSettings.parser(program: "mtorrent-tracker")
        let options = try parser.parse(arguments: arguments, environment: environment)
        return try TrackerSettings(options)
    }

    private func error(_ body: () throws -> TrackerSettings) -> String {
        do {
            _ = try body()
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test func `an address is named directly or by its line`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/tracker_info.txt"
        try "# ours\n192.0.2.1 7001\n[2001:db8::1]:7002\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try settings("127.0.0.1:0").address.description == "127.0.0.1:0")
        #expect(try settings("[::1]:7000").address.description == "[::1]:7000")
        #expect(try settings(file, "1").address.description == "192.0.2.1:7001")
        #expect(try settings(file, "2").address.description == "[2001:db8::1]:7002")
        #expect(error { try settings(file, "3") }.contains("a number from 1 to 2"))
        #expect(error { try settings(file, "x") }.contains("`x` is no tracker of"))
        #expect(error { try settings(file) }.contains("mtorrent-tracker \(file) 1"))
        #expect(error { try settings("no-such-file", "1") }.contains("No such file"))
        try "192.0.2.1 7001\nnonsense\n".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(error { try settings(file, "1") }.hasPrefix("\(file): line 2: 'nonsense'"))
        #expect(error { try settings() }.contains("tracker_info.txt N"))
        #expect(error { try settings("a", "b", "c") }.contains("tracker_info.txt N"))
    }

    @Test func `options are read and checked`() throws {
        let plain = try settings("127.0.0.1:1")
        #expect(plain.configuration.announceInterval == .seconds(120))
        #expect(plain.configuration.openSwarms == .on)
        #expect(plain.dataFolder == nil)
        let set = try settings(
            "-i", "5s", "--open-swarms=off", "-d", "/data", "-l", "debug", "127.0.0.1:1")
        #expect(set.configuration.announceInterval == .seconds(5))
        #expect(set.configuration.openSwarms == .off)
        #expect(set.dataFolder == "/data")
        #expect(set.logLevel == .debug)
        let variables = ["MTORRENT_ANNOUNCE_INTERVAL": "1m"]
        let fromEnvironment = try settings("127.0.0.1:1", environment: variables)
        #expect(fromEnvironment.configuration.announceInterval == .seconds(60))
        let some = try settings("-o", "registered", "127.0.0.1:1")
        #expect(some.configuration.openSwarms == .registered)
        #expect(error { try settings("-i", "0s", "127.0.0.1:1") }.contains("from 1s to 1d"))
        #expect(error { try settings("-o", "maybe", "127.0.0.1:1") }.contains("`maybe`"))
        #expect(error { try settings("-l", "loud", "127.0.0.1:1") }.contains("`loud`"))
    }

    @Test func `wrong usage has its own exit code`() {
        #expect(TrackerProgram.run(arguments: ["--nonsense"], environment: [:]) == 2)
        #expect(TrackerProgram.run(arguments: [], environment: [:]) == 2)
        #expect(TrackerProgram.run(arguments: ["--version"], environment: [:]) == 0)
        #expect(TrackerProgram.run(arguments: ["--help"], environment: [:]) == 0)
    }
}
