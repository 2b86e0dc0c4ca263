import Foundation
import Options
import Testing
import TrackerCore
import Wire

@testable import Tracker

@Suite struct OperatorCommandTests {
    private func filled(_ kind: StoreKind) throws -> StoreFixture {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob", "cay")
        try fixture.createGroup("g", owner: "ann", members: "bob")
        try fixture.createGroup("h", owner: "cay")
        try fixture.perform(.requestToJoin(group: "h", user: "bob"))
        try fixture.addFile("f", to: "g", by: "bob")
        try fixture.perform(
            .openSession(
                try session(1), user: "bob", port: 1, peerID: PeerID(hash("p").storage)))
        try fixture.perform(.registerHash(hash("open"), user: "ann"))
        try fixture.perform(.leaveAndReturn)
        return fixture
    }

    @Test(arguments: StoreKind.allCases, StoreKind.allCases)
    func `a copy has all that was there, and goes on with larger numbers`(
        from: StoreKind, to: StoreKind
    ) throws {
        let (old, new) = (try filled(from), try StoreFixture(to))
        #expect(try StoreCopy.isEmpty(new.store.database))
        try StoreCopy.copy(from: old.store.database, to: new.store.database)
        #expect(try !StoreCopy.isEmpty(new.store.database))
        try new.reopen()
        #expect(new.store.networkID == old.store.networkID)
        #expect(new.store.secret == old.store.secret)
        #expect(DirectoryView(try new.reloaded()) == DirectoryView(old.directory))
        #expect(
            try new.store.events(after: 0, limit: 100) == old.store.events(after: 0, limit: 100))
        #expect(try new.store.info(of: "f", in: "g") == old.store.info(of: "f", in: "g"))
        let last = try #require(try old.store.events(after: 0, limit: 100).last?.sequence)
        _ = try new.store.perform(
            .createUser(user: "dan", password: "x", passkey: key("dan")), at: 9)
        let added = try new.store.events(after: last, limit: 10)
        #expect(added.map(\.event.kind) == ["user_created"])
    }

    /// The directory of an older program, with a network in it.
    private func oldDirectory(_ path: String) throws {
        _ = try SQLiteConnection(
            path: path, synchronous: .full, steps: Array(SQLiteSchema.steps.dropLast()),
            signals: nil
        ) {
            let id = String(repeating: "0", count: 32)
            try $0.execute("INSERT INTO network (id) VALUES (?)", id)
        }
    }

    @Test func `an old backup is restored, and stays as it is`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/old.db"
        try oldDirectory(file)
        let before = try Data(contentsOf: URL(filePath: file))
        let store = StoreLocation.folder(try DataFolder(path: folder.path + "/new"))
        try OperatorCommand.restore(file).run(on: store)
        #expect(try store.open(migrates: false).directory.networkID.allSatisfy { $0 == "0" })
        #expect(try Data(contentsOf: URL(filePath: file)) == before)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left.sorted() == ["new", "old.db"])
    }

    @Test func `a network moves from a folder to a server and back`() throws {
        let folder = try TemporaryFolder()
        let stores: [StoreLocation] = [
            .folder(try DataFolder(path: folder.path + "/old")),
            .postgreSQL(try PostgreSQLServer.shared.get().database()),
            .folder(try DataFolder(path: folder.path + "/new")),
        ]
        _ = try stores[0].open().directory.perform(
            .createUser(user: "ann", password: "x", passkey: key("ann")), at: 1)
        for place in 0..<2 {
            let file = "\(folder.path)/network-\(place).db"
            try OperatorCommand.export(file).run(on: stores[place])
            try OperatorCommand.import(file).run(on: stores[place + 1])
            #expect(throws: StartError.self) {
                try OperatorCommand.import(file).run(on: stores[place + 1])
            }
            try OperatorCommand.restore(file).run(on: stores[place + 1])
        }
        let (first, last) = (try stores[0].open().directory, try stores[2].open().directory)
        #expect(last.networkID == first.networkID && last.secret == first.secret)
        #expect(try last.password(of: "ann") == "x")
        // While a tracker tells of itself there, nothing is replaced.
        let log = try stores[1].open().swarmLog
        var generator = SystemRandomness()
        try log.publish([], by: TrackerInstance(random: &generator), at: StoreWorker.wallClock)
        #expect(throws: StartError.self) {
            try OperatorCommand.restore("\(folder.path)/network-1.db").run(on: stores[1])
        }
    }

    @Test func `what trackers of an older program may be using is left as it is`() throws {
        let folder = try TemporaryFolder()
        try oldDirectory(folder.path + "/tracker.db")
        let store = StoreLocation.folder(try DataFolder(path: folder.path))
        for command in [OperatorCommand.backup(folder.path + "/b"), .seeders, .disable(user: "x")] {
            let error = #expect(throws: StoreError.self) { try command.run(on: store) }
            guard case .olderSchema? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        _ = try store.open()
        try OperatorCommand.backup(folder.path + "/b").run(on: store)
    }

    @Test func `what isn't a backup isn't restored, and isn't written to`() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/file"
        let store = StoreLocation.folder(try DataFolder(path: folder.path + "/data"))
        _ = try store.open().directory.perform(
            .createUser(user: "ann", password: "x", passkey: key("ann")), at: 1)
        for content in ["", "not a database, by far"] {
            try Data(content.utf8).write(to: URL(filePath: file))
            let error = #expect(throws: StartError.self) {
                try OperatorCommand.restore(file).run(on: store)
            }
            #expect(try #require(error).description.contains("\(file) is no backup"))
            #expect(try Data(contentsOf: URL(filePath: file)) == Data(content.utf8))
        }
        #expect(try store.open().directory.password(of: "ann") == "x")
    }

    @Test func `a backup to where nothing can be written says so`() throws {
        let folder = try TemporaryFolder()
        let store = StoreLocation.folder(try DataFolder(path: folder.path + "/data"))
        _ = try store.open()
        let file = folder.path + "/nowhere/b.db"
        let error = #expect(throws: StartError.self) {
            try OperatorCommand.backup(file).run(on: store)
        }
        #expect(
            try #require(error).description == "\(file) can't be written: No such file or directory"
        )
    }

    @Test(arguments: [["backup"], ["audit"], ["admin", "forget", "ann"], ["seeders", "all"]])
    func `what isn't whole is answered with how it is written`(operands: [String]) throws {
        let error = #expect(throws: OptionError.self) { try OperatorCommand(operands) }
        #expect(
            try #require(error).description.contains(
                "usage: mtorrent-tracker [OPTIONS] \(operands[0])"))
        #expect(try OperatorCommand(["127.0.0.1:7000"]) == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func `a disabled user can't log in, and is out at once`(kind: StoreKind) throws {
        let fixture = try filled(kind)
        let old = fixture.directory.users[1].passkey
        try fixture.perform(.disableUser("bob"))
        #expect(fixture.directory.users[1].sessions.isEmpty)
        #expect(fixture.directory.user(old) == nil)
        let again = DirectoryCommand.openSession(
            try session(2), user: "bob", port: 1, peerID: PeerID(hash("p").storage))
        #expect(try fixture.refusal(of: again) == .userDisabled("bob"))
        try fixture.perform(.enableUser("bob"))
        #expect(try fixture.refusal(of: again) == nil)
        #expect(try fixture.refusal(of: .disableUser("nobody")) == .noSuchUser("nobody"))
    }

    @Test(arguments: StoreKind.allCases)
    func `another password ends the sessions that the old one opened`(kind: StoreKind) throws {
        let fixture = try filled(kind)
        try fixture.perform(.setPassword("other hash", user: "bob"))
        #expect(try fixture.store.password(of: "bob") == "other hash")
        #expect(fixture.directory.users[1].sessions.isEmpty)
    }

    @Test func `a group's events are told without secrets`() throws {
        let fixture = try filled(.sqlite)
        let events = try fixture.store.events(ofGroup: "g")
        let lines = events.map { ([$0.event.kind] + $0.event.subject).joined(separator: " ") }
        #expect(
            lines.prefix(4) == [
                "group_created ann open", "join_requested bob", "member_accepted bob",
                "file_added bob f \(hash("g/f/"))",
            ])
        #expect(try fixture.store.events(ofGroup: "x").isEmpty)
    }

    @Test func `seeders are those who announced last as such, and haven't left`() {
        func entry(_ identity: PeerIdentity, port: UInt16, isSeeder: Bool) -> SwarmChange {
            .entered(
                SwarmEntry(
                    infoHash: hash("f"), identity: identity, user: 3,
                    endpoint: Endpoint(address: IPAddress(ipv4: 0x7f00_0001), port: port),
                    isSeeder: isSeeder, isPaused: false, hasCompleted: false,
                    lifetime: .seconds(100)))
        }
        var list = SeederList()
        list.apply(entry(1, port: 1, isSeeder: true), at: 0)
        list.apply(entry(2, port: 2, isSeeder: false), at: 0)
        list.apply(entry(3, port: 3, isSeeder: true), at: 50)
        list.apply(entry(2, port: 2, isSeeder: true), at: 60)
        list.apply(.left(hash("f"), 3), at: 70)
        #expect(list.endpoints(of: hash("f"), at: 80).map(\.port) == [1, 2])
        #expect(list.endpoints(of: hash("f"), at: 120).map(\.port) == [2])
        list.apply(.disconnected(3, port: 2), at: 90)
        #expect(list.endpoints(of: hash("f"), at: 120).isEmpty)
    }
}

extension DirectoryCommand {
    /// The owner of `g` leaves, so that the numbers of rows have gaps.
    fileprivate static var leaveAndReturn: DirectoryCommand {
        .removeMember(group: "g", user: "ann", by: "ann")
    }
}
