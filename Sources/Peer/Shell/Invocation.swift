import Glibc
import Logging
import Options
import Reactor
import Wire

/// What `mtorrent` was called to do: its command line, environment and config file, read.
package struct Invocation: Sendable {
    package static let version = "0.1.0"

    /// What comes of reading the command line.
    package enum Outcome: Sendable {
        case run(Invocation)
        /// `--help` or `--version`: print this and exit with success.
        case print(String)
    }

    /// Where to listen; port 0 is any free one.
    package var listenAddress: ListenAddress
    /// In order of preference, one at least.
    package var trackers: [TrackerAddress]
    /// Whether passwords and sessions go to trackers on other machines without TLS.
    package var isInsecure: Bool
    /// nil: ``defaultDataDirectory(port:environment:)`` of the port that was taken.
    package var dataDirectory: String?
    /// Where what is shared and downloaded may lie.
    package var shareRoot: ShareRoot.Choice
    /// Commands to run instead of reading the input.
    package var commands: [String]
    /// Keep serving after the commands until a signal; never read the input.
    package var isDaemon: Bool
    /// Whether a finished download's whole-file SHA-1 is checked too; each piece's always is.
    package var checksWholeFile: Bool
    package var limits: RateLimits
    /// nil: what the system's limit of open files leaves room for.
    package var maxConnections: Int?
    /// Active at a time; nil: the node's default.
    package var maxDownloads: Int?
    package var logLevel: Logger.Level
    /// nil: the standard error output.
    package var logFile: String?

    /// The trackers' addresses.
    package var trackerEndpoints: [Endpoint] {
        trackers.compactMap { Endpoint($0.description) }
    }

    /// SHA-256 of the trackers' certificates, where the list has them.
    package var pins: [Endpoint: String] {
        trackers.reduce(into: [:]) { pins, tracker in
            guard let endpoint = Endpoint(tracker.description) else { return }
            pins[endpoint] = tracker.certificatePin
        }
    }

    /// Reads everything that says what to do, `tracker_info.txt` included. Errors have the exit
    /// code to end with.
    /// - Parameter arguments: without the program's name.
    package static func parse(
        arguments: [String], environment: [String: String]
    ) throws(CommandError) -> Outcome {
        do {
            let parsed = try parser.parse(arguments: arguments, environment: environment)
            if parsed.wantsHelp { return .print(parser.helpText) }
            if parsed.wantsVersion { return .print("mtorrent \(version) (\(KernelTLS.summary))\n") }
            return .run(try Invocation(parsed))
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError("\(error)", .usage)
        }
    }

    /// The folder of a peer that listens on `port`: under `$XDG_STATE_HOME/mtorrent`, with
    /// `~/.local/state` standing in (XDG Base Directory Specification).
    package static func defaultDataDirectory(
        port: UInt16, environment: [String: String]
    ) throws(CommandError) -> String {
        // A relative path there is to be ignored.
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return "\(state)/mtorrent/\(port)"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw CommandError(
                "neither XDG_STATE_HOME nor HOME says where to keep state: use --data-dir",
                .usage)
        }
        return "\(home)/.local/state/mtorrent/\(port)"
    }

    // MARK: Reading

    private static let parser = OptionParser(
        program: "mtorrent",
        usage: [
            "[OPTIONS] [IP:PORT] tracker_info.txt", "[OPTIONS] [IP:PORT] IP:PORT [IP:PORT ...]",
        ],
        summary: """
            Shares files within groups. The first IP:PORT is where this program listens (a free \
            port where it is missing), the others are trackers; a single IP:PORT is a tracker. \
            Commands are read from the standard input, a line each; `help` lists them.
            """,
        options: [
            Option(
                long: "data-dir", short: "d", value: "DIR",
                help: "keep state here (default: $XDG_STATE_HOME/mtorrent/PORT)"),
            Option(
                long: "share-root", value: "DIR",
                help: "share and download only below DIR, which no link leads out of; \"auto\" is "
                    + "the folder here that is named for the listening port"),
            Option(
                long: "execute", short: "e", value: "COMMAND",
                help: "run this command instead of reading the input, then stop; repeatable",
                repeatable: true),
            Option(
                long: "daemon",
                help: "keep serving until SIGTERM or SIGINT, after the commands of --execute; "
                    + "the input isn't read"),
            Option(
                long: "insecure",
                help: "speak to trackers on other machines without TLS: anybody on the way can "
                    + "read passwords then; those whose certificate the list names keep it"),
            Option(
                long: "verify", value: "WHAT",
                help: "what to check of a download by SHA-1: each piece and the whole \"file\" "
                    + "(default), or \"pieces\" only, which takes half the time"),
            Option(
                long: "up", value: "RATE",
                help: "send no more than this to peers, in all: bytes a second, or 500K, 1.5M, 1G "
                    + "(default: off)"),
            Option(
                long: "down", value: "RATE", help: "take no more than this from peers, in all"),
            Option(
                long: "max-connections", value: "N",
                help: "connections to peers, of all files together (default: as many as the "
                    + "system's limit of open files leaves room for, up to 10000)"),
            Option(
                long: "max-downloads", value: "N",
                help: "downloads that go on at a time; others wait (default: 20)"),
            Option(
                long: "log-level", value: "LEVEL",
                help: "least level that is logged: debug, info, warning or error "
                    + "(default: error; info with --daemon)"),
            Option(
                long: "log-file", value: "FILE",
                help: "append the log to FILE (default: standard error)"),
        ])

    private init(_ parsed: ParsedOptions) throws {
        (listenAddress, trackers) = try Self.addresses(parsed.operands)
        dataDirectory = parsed.string("data-dir")
        shareRoot =
            switch parsed.string("share-root") {
            case nil: .anywhere
            case "auto": .namedForPort
            case let path?: .directory(path)
            }
        commands = parsed.strings("execute")
        isDaemon = try parsed.flag("daemon")
        isInsecure = try parsed.flag("insecure")
        checksWholeFile = try parsed.choice("verify", of: ["file", "pieces"]) != "pieces"
        limits = RateLimits(
            up: try parsed.rate("up")?.bytesPerSecond,
            down: try parsed.rate("down")?.bytesPerSecond)
        maxConnections = try parsed.integer("max-connections", in: 1...1_000_000)
        maxDownloads = try parsed.integer("max-downloads", in: 1...100_000)
        let levels = Logger.Level.allCases.map(\.description)
        let level = try parsed.choice("log-level", of: levels).flatMap(Logger.Level.init(named:))
        logLevel = level ?? (isDaemon ? .info : .error)
        logFile = parsed.string("log-file")
    }

    /// The operands: our own address, where it is given, and the trackers.
    private static func addresses(
        _ operands: [String]
    ) throws(CommandError) -> (ListenAddress, [TrackerAddress]) {
        guard let last = operands.last else {
            throw CommandError(
                "a tracker is missing: name a tracker_info.txt, or a tracker's IP:PORT "
                    + "(see `mtorrent --help`)", .usage)
        }
        if Endpoint(last) == nil {
            guard operands.count <= 2 else {
                throw CommandError(
                    "'\(operands[1])': a tracker_info.txt is preceded by one IP:PORT at most",
                    .usage)
            }
            let own = operands.count == 2 ? operands[0] : nil
            return (try listenAddress(own), try readTrackers(last))
        }
        // With one address alone, a tracker is what can't be done without.
        let own = operands.count > 1 ? operands[0] : nil
        let named = operands.suffix(max(1, operands.count - 1))
        var trackers: [TrackerAddress] = []
        for text in named { trackers.append(try tracker(text)) }
        return (try listenAddress(own), trackers)
    }

    private static func tracker(_ text: String) throws(CommandError) -> TrackerAddress {
        do {
            return try TrackerAddress(parsing: text)
        } catch {
            throw CommandError("tracker \(error)", .usage)
        }
    }

    private static func listenAddress(_ text: String?) throws(CommandError) -> ListenAddress {
        guard let text else { return .everywhere(port: 0) }
        guard let endpoint = Endpoint(text) else {
            throw CommandError(
                "'\(text)' is not IP:PORT, for example 192.0.2.1:6881 (0 as the port is any "
                    + "free one)", .usage)
        }
        return .at(endpoint)
    }

    private static let maximumFileBytes = 1 << 20

    private static func readTrackers(_ path: String) throws(CommandError) -> [TrackerAddress] {
        let text = try readText(path)
        do {
            return try TrackerList(parsing: text).trackers
        } catch {
            throw CommandError("\(path): \(error)", .usage)
        }
    }

    private static func readText(_ path: String) throws(CommandError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let reason =
                errno == ENOENT
                ? "FILE NOT FOUND: \(path): name a tracker_info.txt, or a tracker's IP:PORT"
                : "\(path) can't be opened: \(String(cString: strerror(errno)))"
            throw CommandError(reason, .cannotOpenFile)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= maximumFileBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandError(
                    "\(path) can't be read: \(String(cString: strerror(errno)))", .ioError)
            }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= maximumFileBytes else {
            throw CommandError("\(path) is longer than a list of trackers can be", .usage)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError("\(path) is not UTF-8 text", .usage)
        }
        return text
    }
}
