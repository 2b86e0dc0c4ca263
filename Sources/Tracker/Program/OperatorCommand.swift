import FoundationEssentials
import Glibc
import Options
import Reactor
import TrackerCore
import Wire

/// What an operator asks of a network's store beside its trackers, which may run meanwhile but for
/// `restore`.
enum OperatorCommand {
    case backup(String)
    case restore(String)
    case export(String)
    case `import`(String)
    case audit(group: String)
    case seeders
    case disable(user: String)
    case enable(user: String)
    case password(user: String)

    static let usage = [
        "[OPTIONS] backup FILE | restore FILE | export FILE | import FILE",
        "[OPTIONS] audit GROUP | seeders",
        "[OPTIONS] admin disable USER | admin enable USER | admin password USER",
    ]

    /// Nil for operands that name a tracker.
    init?(_ operands: [String]) throws(OptionError) {
        switch (operands.first, operands.count) {
        case ("backup", 2): self = .backup(operands[1])
        case ("restore", 2): self = .restore(operands[1])
        case ("export", 2): self = .export(operands[1])
        case ("import", 2): self = .import(operands[1])
        case ("audit", 2): self = .audit(group: operands[1])
        case ("seeders", 1): self = .seeders
        case ("admin", 3) where operands[1] == "disable": self = .disable(user: operands[2])
        case ("admin", 3) where operands[1] == "enable": self = .enable(user: operands[2])
        case ("admin", 3) where operands[1] == "password": self = .password(user: operands[2])
        default:
            guard let word = operands.first, let form = Self.forms[word] else { return nil }
            throw OptionError("usage: mtorrent-tracker [OPTIONS] \(word)\(form)")
        }
    }

    /// What stands behind each word.
    private static let forms = [
        "backup": " FILE", "restore": " FILE", "export": " FILE", "import": " FILE",
        "audit": " GROUP", "seeders": "", "admin": " disable|enable|password USER",
    ]

    /// Whether the store may be one that isn't there yet.
    var makesStore: Bool {
        switch self {
        case .restore, .import: true
        default: false
        }
    }

    /// - Parameter store: where the network's state is.
    func run(on store: StoreLocation) throws {
        switch self {
        case .backup(let file), .export(let file): try Self.write(store, to: file)
        case .restore(let file): try Self.read(file, into: store, replacing: true)
        case .import(let file): try Self.read(file, into: store, replacing: false)
        case .audit(let group): try Self.audit(group, try store.open(migrates: false).directory)
        case .seeders: try Self.listSeeders(try store.open(migrates: false))
        case .disable(let user): try Self.change(.disableUser(user), store, "disabled \(user)")
        case .enable(let user): try Self.change(.enableUser(user), store, "enabled \(user)")
        case .password(let user):
            guard let password = Self.readPassword(), Password.isAcceptable(password) else {
                throw StartError("give the new password, 1 to 1024 bytes, on standard input")
            }
            try Self.change(
                .setPassword(Password.hash(password), user: user), store,
                "changed the password of \(user), and ended the sessions")
        }
    }

    private static func change(
        _ command: DirectoryCommand, _ store: StoreLocation, _ done: String
    ) throws {
        do {
            _ = try store.open(migrates: false).directory
                .perform(command, at: StoreWorker.wallClock)
        } catch StoreError.refused(.noSuchUser(let user)) {
            throw StartError("there is no user '\(user)'")
        }
        print(done)
    }

    /// A line of the standard input; of a terminal without its being shown.
    private static func readPassword() -> String? {
        guard isatty(STDIN_FILENO) == 1 else { return readLine() }
        return getpass("new password: ").map { String(cString: $0) }
    }

    // MARK: Copies

    /// The file has the whole directory when it has its name.
    private static func write(_ store: StoreLocation, to file: String) throws {
        guard access(file, F_OK) != 0 else {
            throw StartError("\(file) exists already: remove it or name another file")
        }
        let source = try store.database(migrates: false)
        let unfinished = file + ".part"
        unlink(unfinished)
        let descriptor = open(unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartError("\(file) can't be written: \(String(cString: strerror(errno)))")
        }
        close(descriptor)
        do {
            // Closed at the end of this, and with it the file is whole.
            try StoreCopy.copy(from: source, to: try copyFile(unfinished))
        } catch {
            for name in [unfinished, unfinished + "-wal", unfinished + "-shm"] { unlink(name) }
            throw error
        }
        guard rename(unfinished, file) == 0 else {
            throw StartError("\(file): \(String(cString: strerror(errno)))")
        }
        print("wrote \(file)")
    }

    private static func copyFile(_ path: String) throws -> SQLiteConnection {
        try SQLiteConnection(
            path: path, synchronous: .full, steps: SQLiteSchema.steps, signals: nil)
    }

    /// Opens a copy of the file, which may have to be brought up to date, and calls `body`.
    private static func withWorkingCopy(
        of file: String, _ body: (SQLiteConnection) throws -> Void
    ) throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/XXXXXX").utf8CString)
        // For its owner only.
        guard mkdtemp(&template) != nil else {
            throw StartError("no temporary folder: \(String(cString: strerror(errno)))")
        }
        let folder = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: file, toPath: folder + "/copy.db")
        try body(try copyFile(folder + "/copy.db"))
    }

    private static func read(
        _ file: String, into store: StoreLocation, replacing: Bool
    ) throws {
        guard access(file, R_OK) == 0 else {
            throw StartError("\(file): \(String(cString: strerror(errno)))")
        }
        guard isDatabase(file) else {
            throw StartError("\(file) is no backup: `backup` and `export` write them")
        }
        let lock = try store.lockForReplacing()
        let target = try store.database(migrates: true)
        guard try replacing || StoreCopy.isEmpty(target) else {
            throw StartError(
                "there are accounts already: `restore` replaces them, `import` doesn't")
        }
        try withWorkingCopy(of: file) { try StoreCopy.copy(from: $0, to: target) }
        try store.forgetSwarms()
        withExtendedLifetime(lock) {}
        print("read \(file)")
    }

    /// Whether it begins as SQLite's files do (https://sqlite.org/fileformat.html §1.3).
    private static func isDatabase(_ path: String) -> Bool {
        guard let file = fopen(path, "re") else { return false }
        defer { fclose(file) }
        var start = [UInt8](repeating: 0, count: 16)
        return fread(&start, 1, 16, file) == 16 && start == Array("SQLite format 3\0".utf8)
    }

    // MARK: Questions

    /// A line for each event of the group: its number, time, kind, and what it tells.
    private static func audit(_ group: String, _ store: any DirectoryStore) throws {
        let events = try store.events(ofGroup: group)
        guard !events.isEmpty else { throw StartError("there is and was no group '\(group)'") }
        for event in events {
            let time = Date(timeIntervalSince1970: Double(event.time))
                .formatted(.iso8601)
            print(
                "\(event.sequence)\t\(time)\t\(event.event.kind)\t"
                    + event.event.subject.map(terminalSafe).joined(separator: "\t"))
        }
    }

    /// `file_path file_hash peer_ip:port`, a line for each seeder of a group's file; the path is
    /// the group's and the file's name.
    private static func listSeeders(_ stores: TrackerStores) throws {
        let snapshot = try stores.directory.snapshot()
        let directory = try Directory(snapshot: snapshot.events, through: snapshot.through)
        var seeders = SeederList()
        var readThrough: Int64 = 0
        while true {
            let entries = try stores.swarmLog.batches(after: readThrough, limit: 64)
            guard let last = entries.last else { break }
            readThrough = last.sequence
            for entry in entries {
                guard let batch = TrackerBatch(decoding: entry.body), !batch.swarms.isEmpty,
                    let swarms = try? SwarmBatch(
                        decoding: batch.swarms, user: { directory.user(named: $0) })
                else { continue }
                for change in swarms.changes { seeders.apply(change, at: swarms.time) }
            }
        }
        for group in directory.groups {
            for file in directory.files(of: group) {
                let infoHash = file.record.infoHash
                let endpoints = seeders.endpoints(of: infoHash, at: StoreWorker.wallClock) {
                    // Who was excluded is in the log for a while.
                    directory.isMember($0, ofGroupOwning: infoHash)
                }
                for endpoint in endpoints {
                    let path = terminalSafe("\(group.id)/\(file.record.name)")
                    print("\(path) \(infoHash) \(endpoint)")
                }
            }
        }
    }
}

/// Who seeds what, made of the swarms' log.
struct SeederList {
    private struct Entry {
        let entry: SwarmEntry
        let end: Int64
    }

    private var peers: [InfoHash: [PeerIdentity: Entry]] = [:]

    /// - Parameter time: of the change, seconds since 1970.
    mutating func apply(_ change: SwarmChange, at time: Int64) {
        switch change {
        case .entered(let entry):
            peers[entry.infoHash, default: [:]][entry.identity] = Entry(
                entry: entry, end: time + entry.lifetime.components.seconds)
        case .left(let infoHash, let identity): peers[infoHash]?[identity] = nil
        case .disconnected(let user, let port):
            for infoHash in peers.keys {
                peers[infoHash] = peers[infoHash]?.filter {
                    $0.value.entry.user != user || $0.value.entry.endpoint.port != port
                }
            }
        }
    }

    func endpoints(
        of infoHash: InfoHash, at time: Int64, where isMember: (UserIndex) -> Bool = { _ in true }
    ) -> [Endpoint] {
        (peers[infoHash] ?? [:]).values.filter { $0.entry.isSeeder && $0.end >= time }
            .filter { $0.entry.user.map(isMember) ?? true }
            .map(\.entry.endpoint).sorted { $0.description < $1.description }
    }
}
