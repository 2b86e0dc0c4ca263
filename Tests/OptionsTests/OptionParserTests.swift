import Testing

@testable import Options

private let parser = OptionParser(
    program: "mtorrent", usage: ["[OPTIONS] FILE", "[OPTIONS] IP:PORT"],
    summary: String(repeating: "Shares files. ", count: 20),
    options: [
        Option(long: "data-dir", short: "d", value: "DIR", help: "keep state in DIR"),
        Option(long: "verbose", short: "v", help: "say more"),
        Option(long: "quiet", short: "q", help: "say less"),
        Option(long: "port", short: "p", value: "N", help: "listen on N"),
        Option(long: "tracker", value: "IP:PORT", help: "one more tracker", repeatable: true),
    ])

private func parse(
    _ arguments: String..., environment: [String: String] = [:]
) throws(OptionError) -> ParsedOptions {
    try parser.parse(arguments: arguments, environment: environment)
}

private func message(_ arguments: String..., environment: [String: String] = [:]) -> String {
    do {
        _ = try parser.parse(arguments: arguments, environment: environment)
        return "no error"
    } catch {
        return error.message
    }
}

struct OptionParserTests {
    @Test func `long options take their value after an equals sign or a space`() throws {
        #expect(try parse("--data-dir=/a=b").string("data-dir") == "/a=b")
        #expect(try parse("--data-dir", "/a").string("data-dir") == "/a")
        #expect(try parse("--data-dir=").string("data-dir") == "")
    }

    @Test func `short options cluster and the last may carry a value`() throws {
        let parsed = try parse("-vqd/a", "-p", "7")
        #expect(try parsed.flag("verbose") && parsed.flag("quiet"))
        #expect(parsed.string("data-dir") == "/a")
        #expect(parsed.string("port") == "7")
    }

    @Test func `operands and options mix until a double dash`() throws {
        let parsed = try parse("a", "-v", "-", "b", "--", "-q", "--help")
        #expect(parsed.operands == ["a", "-", "b", "-q", "--help"])
        #expect(try parsed.flag("quiet") == false)
    }

    @Test func `the last of a plain option counts and all of a repeatable one`() throws {
        let parsed = try parse("-p1", "-p2", "--tracker=a", "--tracker", "b")
        #expect(parsed.strings("port") == ["2"])
        #expect(parsed.strings("tracker") == ["a", "b"])
    }

    @Test func `a flag can be turned off`() throws {
        let environment = ["MTORRENT_VERBOSE": "yes"]
        #expect(try parse(environment: environment).flag("verbose"))
        #expect(try parse("--no-verbose", environment: environment).flag("verbose") == false)
        #expect(try parse("--verbose=off", environment: environment).flag("verbose") == false)
    }

    @Test func `the command line wins over the environment and that over the file`() throws {
        let file = try ConfigurationFile("port = 3\ndata-dir = /file\nverbose = on\n")
        let environment = [
            "MTORRENT_CONFIG": file.path, "MTORRENT_PORT": "2", "MTORRENT_DATA_DIR": "/env",
        ]
        let parsed = try parse("--port=1", environment: environment)
        #expect(parsed.string("port") == "1")
        #expect(parsed.string("data-dir") == "/env")
        #expect(try parsed.flag("verbose"))
    }

    @Test func `an empty environment variable counts as not given`() throws {
        #expect(try parse(environment: ["MTORRENT_PORT": ""]).string("port") == nil)
    }

    @Test func `an unknown option suggests the nearest`() {
        #expect(message("--prot=1") == "--prot: unknown option; did you mean `--port`?")
        #expect(message("--data") == "--data: unknown option; did you mean `--data-dir`?")
        #expect(message("--zzzzzzz") == "--zzzzzzz: unknown option; see `mtorrent --help`")
        #expect(message("-vx") == "-x: unknown option; see `mtorrent --help`")
    }

    @Test func `a missing value names the option`() {
        #expect(message("--port") == "--port: a value is missing: `--port N`")
        #expect(message("-vp") == "-p: a value is missing: `--port N`")
    }

    @Test func `a flag with another value is refused`() {
        #expect(
            message("--verbose=maybe")
                == "--verbose: `maybe` is not right: it is either `on` or `off`")
    }

    @Test(arguments: [["--help"], ["--nonsense", "-h"], ["--port", "--version"]])
    func `help and version answer whatever else is wrong`(arguments: [String]) throws {
        let parsed = try parser.parse(arguments: arguments, environment: [:])
        #expect(parsed.wantsHelp || parsed.wantsVersion)
    }

    @Test func `the help shows usage and every option`() {
        let help = parser.helpText
        #expect(help.hasPrefix("Usage: mtorrent [OPTIONS] FILE\n       mtorrent [OPTIONS] IP"))
        #expect(help.contains("  -d, --data-dir DIR     keep state in DIR\n"))
        #expect(help.contains("      --tracker IP:PORT  one more tracker\n"))
        #expect(help.contains("\n  -h, --help "))
        #expect(help.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
}

struct ParsedOptionsTests {
    @Test(arguments: [
        ("500ms", 500), ("30s", 30_000), ("30", 30_000), ("1.5m", 90_000), ("2h", 7_200_000),
        ("1d", 86_400_000), ("0", 0),
    ])
    func `durations have units`(text: String, milliseconds: Int64) throws {
        #expect(try parse("-p", text).duration("port") == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "s", "-1s", "1e9", "inf", "0x10s", "1 s", "1.2.3s", ".5s", "4000000d"])
    func `what is no duration is refused`(text: String) throws {
        let parsed = try parse("--port=\(text)")
        #expect(throws: OptionError.self) { try parsed.duration("port") }
    }

    @Test(arguments: [
        ("65536", 65536), ("64K", 65536), ("64k", 65536), ("64KiB", 65536), ("1.5M", 1_572_864),
        ("1G", 1 << 30), ("2TB", 2 << 40), ("12B", 12),
    ])
    func `sizes are powers of 1024`(text: String, bytes: Int64) throws {
        #expect(try parse("-p", text).size("port") == bytes)
    }

    @Test(arguments: ["", "K", "-1", "1X", "nan", "9999999999999999999999T"])
    func `what is no size is refused`(text: String) throws {
        let parsed = try parse("--port=\(text)")
        #expect(throws: OptionError.self) { try parsed.size("port") }
    }

    @Test func `integers keep to their range and choices to their words`() throws {
        let parsed = try parse("--port=70000")
        #expect(try parsed.integer("port", in: 0...100_000) == 70000)
        #expect(
            throws: OptionError(
                "--port: `70000` is not right: it must be a whole number from 1 to 65535")
        ) { try parsed.integer("port", in: 1...65535) }
        #expect(
            throws: OptionError("--port: `70000` is not right: it is one of `on`, `off`")
        ) { try parsed.choice("port", of: ["on", "off"]) }
        #expect(try parsed.choice("data-dir", of: ["on"]) == nil)
    }

    @Test func `errors name the environment variable or the line of the file`() throws {
        let range = 1...65535
        let fromVariable = try parse(environment: ["MTORRENT_PORT": "x"])
        #expect(
            throws: OptionError(
                "MTORRENT_PORT: `x` is not right: it must be a whole number from 1 to 65535")
        ) { try fromVariable.integer("port", in: range) }
        let file = try ConfigurationFile("# a comment\n\nport = x # another\n")
        let fromFile = try parse("--config", file.path)
        #expect(
            throws: OptionError(
                "\(file.path):3: port: `x` is not right: it must be a whole number from 1 to 65535")
        ) { try fromFile.integer("port", in: range) }
        #expect(fromFile.error("port", "it is taken").message.hasPrefix("\(file.path):3: port: "))
        #expect(fromFile.error("data-dir", "it is missing").message == "--data-dir: it is missing")
    }
}
