import FoundationEssentials
import Glibc
import SQLite
import Testing
import TrackerCore
import Wire

@testable import Tracker

/// A folder that is deleted with this object.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/mtorrent-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StoreError.failed("mkdtemp: \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The databases that the same tests are run with.
enum StoreKind: CaseIterable, Sendable {
    case sqlite
    case postgreSQL
}

/// A store in a real database, and the projection fed from its log as a tracker does it.
final class StoreFixture {
    let folder: TemporaryFolder
    /// Of a PostgreSQL server's database.
    private let location: String?
    private(set) var store: SQLStore
    private(set) var directory = Directory()
    private(set) var notices: [DirectoryNotice] = []
    private let limits: DirectoryLimits
    var time: Int64 = 1_000_000

    init(_ kind: StoreKind = .sqlite, limits: DirectoryLimits = DirectoryLimits()) throws {
        folder = try TemporaryFolder()
        location = kind == .sqlite ? nil : try PostgreSQLServer.shared.get().database()
        self.limits = limits
        store = try Self.open(folder, location, limits)
    }

    var databasePath: String { folder.path + "/tracker.db" }

    private static func open(
        _ folder: TemporaryFolder, _ location: String?, _ limits: DirectoryLimits
    ) throws -> SQLStore {
        if let location {
            let database = PostgreSQLDatabase(location: location)
            try database.migrate(foundingID: String(repeating: "ab", count: 16))
            return try SQLStore(database, limits: limits)
        }
        return try openStore(
            folder.path + "/tracker.db", foundingID: String(repeating: "ab", count: 16),
            limits: limits)
    }

    /// As after a restart: what was kept in memory is gone.
    func reopen() throws {
        store = try Self.open(folder, location, limits)
    }

    @discardableResult func perform(_ command: DirectoryCommand) throws -> DirectoryAnswer {
        time += 1
        let answer = try store.perform(command, at: time)
        try catchUp()
        return answer
    }

    func catchUp() throws {
        notices.removeAll()
        for event in try store.events(after: directory.appliedThrough, limit: 1000) {
            try directory.apply(event, into: &notices)
        }
    }

    /// The refusal that the command meets; nil when it is performed.
    func refusal(of command: DirectoryCommand) throws -> DirectoryRefusal? {
        do {
            try perform(command)
            return nil
        } catch StoreError.refused(let refusal) {
            return refusal
        }
    }

    func createUsers(_ names: String...) throws {
        for name in names {
            try perform(.createUser(user: name, password: "hash of \(name)", passkey: key(name)))
        }
    }

    /// A group with its owner and members.
    func createGroup(_ group: String, owner: String, members: String...) throws {
        try perform(.createGroup(group: group, kind: .open, owner: owner))
        for member in members {
            try perform(.requestToJoin(group: group, user: member))
            try perform(.acceptRequest(group: group, user: member, by: owner))
        }
    }

    func addFile(_ name: String, to group: String, by user: String) throws {
        let file = record(name, group: group, by: user)
        try perform(.addFile(group: group, file: file, info: Array(name.utf8)))
    }

    /// The state that a tracker starting now would load.
    func reloaded() throws -> Directory {
        let snapshot = try store.snapshot()
        return try Directory(snapshot: snapshot.events, through: snapshot.through)
    }
}

func openStore(
    _ path: String, foundingID: String, limits: DirectoryLimits = DirectoryLimits()
) throws -> SQLStore {
    let folder = path.split(separator: "/").dropLast().joined(separator: "/")
    return try SQLStore(
        sqliteFile: path, foundingID: foundingID, signals: ChangeSignals(folder: "/" + folder),
        limits: limits)
}

func key(_ name: String) -> Passkey {
    var generator = SmallGenerator(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
    return Passkey(random: &generator)
}

func hash(_ text: String) -> InfoHash { InfoHash(SHA1Hasher.hash(Array(text.utf8))) }

func record(
    _ name: String, group: String, by user: String, content: String = ""
) -> FileRecord {
    FileRecord(
        name: name, infoHash: hash("\(group)/\(name)/\(content)"), size: 100,
        sha1: SHA1Hasher.hash([]), pieceLength: 16384, pieceCount: 1, addedBy: user)
}

func session(_ number: UInt8) throws -> SessionID {
    try #require(SessionID([UInt8](repeating: number, count: 32)))
}

/// What can be seen of a directory, free of the order in which it was built.
struct DirectoryView: Equatable {
    let users: [String]
    let passkeys: [Passkey]
    let sessions: [[SessionID]]
    let memberships: [Set<String>]
    let groups: [Directory.Group]
    let registrations: [InfoHash: Set<UserIndex>]
    let appliedThrough: Int64

    init(_ directory: borrowing Directory) {
        users = directory.users.map(\.id)
        passkeys = directory.users.map(\.passkey)
        sessions = directory.users.map(\.sessions)
        memberships = directory.users.map { Set($0.groups) }
        groups = directory.groups
        registrations = directory.registrations
        appliedThrough = directory.appliedThrough
    }
}
