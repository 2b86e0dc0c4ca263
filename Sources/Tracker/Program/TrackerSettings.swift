import Certificates
import Glibc
import Logging
import Options
import Reactor
import TrackerCore
import Wire

/// What the command line, the environment and the config file ask for.
struct TrackerSettings {
    let address: SocketAddress
    /// The port that the network's folder is named for: of the first tracker of the list, so that
    /// those of one machine share it. Nil without a list.
    let networkPort: UInt16?
    /// Nil: the default one.
    let dataFolder: String?
    /// The location of a PostgreSQL server; nil: the data folder.
    let store: String?
    /// Nil: the data folder's own.
    let certificateFiles: TrackerCertificate.Files?
    /// Nil: the data folder's own.
    let secretKeyFile: String?
    let logFile: String?
    let logLevel: Logger.Level
    let configuration: TrackerConfiguration

    static func parser(program: String) -> OptionParser {
        OptionParser(
            program: program,
            usage: ["[OPTIONS] tracker_info.txt N", "[OPTIONS] IP:PORT"] + OperatorCommand.usage,
            summary: """
                Keeps the accounts, groups and catalogues of a network, and tells its peers about \
                each other. Listens on the N-th line (from 1) of tracker_info.txt, or on IP:PORT; \
                [::] stands for all addresses, IPv4 and IPv6, and port 0 takes a free one. On a \
                terminal, `quit` stops it.
                """,
            options: [
                Option(
                    long: "data-dir", short: "d", value: "DIR",
                    help: "keep the state in DIR, which the trackers of one machine share "
                        + "(default: $XDG_STATE_HOME/mtorrent-tracker/PORT, PORT being that of "
                        + "the list's first tracker)"),
                Option(
                    long: "store", short: "s", value: "URL",
                    help: "keep the state in the PostgreSQL server at URL, postgresql://HOST/DB, "
                        + "which trackers of several machines share (default: the data folder)"),
                Option(
                    long: "announce-interval", short: "i", value: "TIME",
                    help: "ask clients to announce every TIME (default: 120s)"),
                Option(
                    long: "open-swarms", short: "o", value: "on|registered|off",
                    help: "take announces without an account, as `share` and `get` make them: of "
                        + "anything, or of what users have registered by `share` (default: on)"),
                Option(
                    long: "swarm-log", value: "on|off",
                    help: "tell the network's other trackers, and this one after a restart, of "
                        + "announces (default: on)"),
                Option(
                    long: "reactors", value: "N",
                    help: "answer announces on N threads, each with swarms of its own in memory "
                        + "(default: 1)"),
                Option(
                    long: "connection-id-lifetime", value: "TIME",
                    help: "take a UDP client's connection id for TIME at least (default: 10m)"),
                Option(
                    long: "announces-per-address", value: "RATE|off",
                    help: "take so many announces and scrapes a second from one address "
                        + "(default: 2000, and 10000 at once)"),
                Option(
                    long: "connections-per-address", value: "N",
                    help: "keep so many connections of one address, trusted proxies apart "
                        + "(default: 4000)"),
                Option(
                    long: "certificate", value: "FILE",
                    help: "show the certificate in FILE (PEM, its chain behind it) to who speaks "
                        + "TLS (default: one that is made at the first start and signed by itself)"),
                Option(
                    long: "key", value: "FILE",
                    help: "the certificate's private key (default: in the certificate's file)"),
                Option(
                    long: "secret-key", value: "FILE",
                    help:
                        "keep the keys of sealed groups under the one in FILE, which all trackers "
                        + "of the network have to have (default: secret.key in the data folder, made at "
                        + "the first start)"),
                Option(
                    long: "insecure",
                    help: "take passwords and sessions from other machines without TLS too"),
                Option(
                    long: "trusted-proxy", value: "IP",
                    help: "believe the X-Forwarded-For of the proxy at IP; may be repeated",
                    repeatable: true),
                Option(
                    long: "admin-token-file", value: "FILE",
                    help: "let who has the token in FILE read /metrics and the status page from "
                        + "elsewhere (default: from this machine only)"),
                Option(
                    long: "log-level", short: "l", value: "LEVEL",
                    help: "log debug, info, warning or error and above (default: info)"),
                Option(
                    long: "log-file", short: "L", value: "FILE",
                    help: "log to FILE, not to standard error; SIGHUP opens it again and "
                        + "reads the options again"),
            ])
    }

    init(_ options: ParsedOptions) throws {
        (address, networkPort) = try Self.address(options.operands)
        dataFolder = options.string("data-dir")
        store = try Self.postgreSQL(options)
        certificateFiles = try Self.certificateFiles(options)
        secretKeyFile = options.string("secret-key")
        logFile = options.string("log-file")
        let levels = Logger.Level.allCases.map(\.description)
        let level = try options.choice("log-level", of: levels)
        logLevel = level.flatMap { Logger.Level(named: $0) } ?? .info
        var configuration = TrackerConfiguration()
        if let interval = try options.duration("announce-interval") {
            guard (.seconds(1) ... .seconds(86_400)).contains(interval) else {
                throw options.error("announce-interval", "it is from 1s to 1d")
            }
            configuration.announceInterval = interval
        }
        let kinds = OpenSwarms.allCases.map(\.rawValue)
        if let open = try options.choice("open-swarms", of: kinds) {
            configuration.openSwarms = OpenSwarms(rawValue: open) ?? .on
        }
        if let log = try options.choice("swarm-log", of: ["on", "off"]) {
            configuration.tellsSwarms = log == "on"
        }
        if let lifetime = try options.duration("connection-id-lifetime") {
            guard (.seconds(1) ... .seconds(86_400)).contains(lifetime) else {
                throw options.error("connection-id-lifetime", "it is from 1s to 1d")
            }
            configuration.connectionIDLifetime = lifetime
        }
        configuration.takesSecretsInClear = try options.flag("insecure")
        try Self.readLimits(options, into: &configuration)
        configuration.trustedProxies = TrustedProxies(
            try Set(options.strings("trusted-proxy").map { try Self.proxy($0) }))
        configuration.administratorToken = try options.string("admin-token-file")
            .map { try Self.token(inFile: $0) }
        self.configuration = configuration
    }

    private static func postgreSQL(_ options: ParsedOptions) throws -> String? {
        guard let location = options.string("store") else { return nil }
        guard location.hasPrefix("postgresql://") || location.hasPrefix("postgres://") else {
            throw options.error("store", "it is postgresql://HOST/DATABASE")
        }
        return location
    }

    func storeLocation(
        port: UInt16, environment: [String: String]
    ) throws(StartError) -> StoreLocation {
        if let store { return .postgreSQL(store) }
        return .folder(try folder(port: port, environment: environment))
    }

    func certificate(
        port: UInt16, environment: [String: String]
    ) throws(StartError) -> TrackerCertificate {
        if let certificateFiles { return try TrackerCertificate(certificateFiles) }
        return try TrackerCertificate(in: folder(port: port, environment: environment))
    }

    func secrets(
        port: UInt16, environment: [String: String]
    ) throws(StartError) -> SecretBox {
        if let secretKeyFile { return try SecretKeyFile.read(secretKeyFile) }
        return try SecretKeyFile.box(in: folder(port: port, environment: environment))
    }

    private func folder(
        port: UInt16, environment: [String: String]
    ) throws(StartError) -> DataFolder {
        if let dataFolder { return try DataFolder(path: dataFolder) }
        return try DataFolder(
            path: DataFolder.defaultPath(port: networkPort ?? port, environment: environment))
    }

    /// Where an operator's command finds the state: no tracker is named with it.
    static func storeLocation(
        _ options: ParsedOptions, mayBeNew: Bool
    ) throws -> StoreLocation {
        if let location = try postgreSQL(options) { return .postgreSQL(location) }
        guard let path = options.string("data-dir") else {
            throw OptionError("name the network's state: --data-dir DIR, or --store URL")
        }
        guard mayBeNew || access(path + "/tracker.db", F_OK) == 0 else {
            throw StartError("no tracker keeps its state in \(path)")
        }
        return .folder(try DataFolder(path: path))
    }

    /// The options that count only from the next start on, and aren't what they were.
    func needingRestart(since old: TrackerSettings) -> [String] {
        let changes = [
            ("data-dir", dataFolder != old.dataFolder), ("store", store != old.store),
            ("log-file", logFile != old.logFile),
            ("log-level", logLevel != old.logLevel),
            ("secret-key", secretKeyFile != old.secretKeyFile),
            ("reactors", configuration.reactors != old.configuration.reactors),
            (
                "connection-id-lifetime",
                configuration.connectionIDLifetime != old.configuration.connectionIDLifetime
            ),
        ]
        return changes.filter(\.1).map(\.0)
    }

    private static func readLimits(
        _ options: ParsedOptions, into configuration: inout TrackerConfiguration
    ) throws {
        let most = 1_000_000
        if options.string("announces-per-address") == "off" {
            configuration.announces = nil
        } else if let rate = try options.integer("announces-per-address", in: 1...most) {
            configuration.announces = AddressRate(perSecond: Double(rate))
        }
        if let count = try options.integer("reactors", in: 1...64) {
            configuration.reactors = count
        }
        if let count = try options.integer("connections-per-address", in: 1...most) {
            configuration.http.connectionsPerAddress = count
        }
    }

    private static func certificateFiles(
        _ options: ParsedOptions
    ) throws -> TrackerCertificate.Files? {
        guard let certificate = options.string("certificate") else {
            guard options.string("key") == nil else {
                throw options.error("key", "its certificate is missing: --certificate FILE")
            }
            return nil
        }
        return TrackerCertificate.Files(
            certificate: certificate, key: options.string("key") ?? certificate)
    }

    private static func proxy(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else {
            throw OptionError("--trusted-proxy: `\(text)` is not an IP address")
        }
        return address
    }

    /// The first line of the file.
    private static func token(inFile path: String) throws -> String {
        let line = try TextFile.read(path).prefix { !$0.isNewline }
        guard line.utf8.count >= 16, line.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw StartError(
                "\(path): its first line is to be a token of 16 or more printable ASCII "
                    + "characters; `openssl rand -hex 32` makes one")
        }
        return String(line)
    }

    private static func address(
        _ operands: [String]
    ) throws -> (SocketAddress, networkPort: UInt16?) {
        switch operands.count {
        case 1: (try socketAddress(ofText: operands[0]), nil)
        case 2: try socketAddress(inFile: operands[0], line: operands[1])
        default:
            throw OptionError(
                "give either `tracker_info.txt N` or `IP:PORT`; see `mtorrent-tracker --help`")
        }
    }

    private static func socketAddress(ofText text: String) throws -> SocketAddress {
        do throws(TrackerListError) {
            return socketAddress(try TrackerAddress(parsing: text, allowingPortZero: true))
        } catch {
            guard access(text, F_OK) == 0 else { throw OptionError("\(error)") }
            throw OptionError(
                "which tracker of \(text) is this one? give its number: "
                    + "`mtorrent-tracker \(text) 1`")
        }
    }

    private static func socketAddress(
        inFile path: String, line number: String
    ) throws -> (SocketAddress, networkPort: UInt16?) {
        let list: TrackerList
        do {
            list = try TrackerList(parsing: try TextFile.read(path))
        } catch let error as TrackerListError {
            throw StartError("\(path): \(error)")
        }
        guard let index = Int(number), list.trackers.indices.contains(index - 1) else {
            throw OptionError(
                "`\(number)` is no tracker of \(path): it is a number from 1 to "
                    + "\(list.trackers.count)")
        }
        return (socketAddress(list.trackers[index - 1]), list.trackers[0].port)
    }

    private static func socketAddress(_ address: TrackerAddress) -> SocketAddress {
        guard let address = SocketAddress(parsing: address.description) else {
            preconditionFailure("an address was taken that can't be one")
        }
        return address
    }
}
