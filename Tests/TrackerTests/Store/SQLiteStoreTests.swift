import Glibc
import SQLite
import Testing
import TrackerCore
import Wire

@testable import Tracker

/// Each with both databases.
@Suite struct SQLStoreTests {
    @Test(arguments: StoreKind.allCases)
    func `a user is created once`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann")
        #expect(fixture.directory.user(named: "ann") == 0)
        #expect(try fixture.store.password(of: "ann") == "hash of ann")
        #expect(try fixture.store.password(of: "bob") == nil)
        let again = DirectoryCommand.createUser(user: "ann", password: "x", passkey: key("x"))
        #expect(try fixture.refusal(of: again) == .userExists("ann"))
        #expect(try fixture.store.password(of: "ann") == "hash of ann")
    }

    @Test(arguments: StoreKind.allCases)
    func `a passkey that was reset is nobody's, after a restart too`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob")
        let old = try #require(fixture.directory.users.first).passkey
        try fixture.perform(.resetPasskey(key("new"), user: "ann"))
        #expect(fixture.directory.user(old) == nil && fixture.directory.user(key("new")) == 0)
        let reloaded = try fixture.reloaded()
        #expect(reloaded.user(old) == nil && reloaded.user(key("new")) == 0)
        let unknown = DirectoryCommand.resetPasskey(key("x"), user: "cay")
        #expect(try fixture.refusal(of: unknown) == .noSuchUser("cay"))
    }

    @Test(arguments: StoreKind.allCases)
    func `the owner accepts and rejects, and nobody else`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob", "cay")
        try fixture.createGroup("g", owner: "ann")
        try fixture.perform(.requestToJoin(group: "g", user: "bob"))
        let byBob = DirectoryCommand.acceptRequest(group: "g", user: "bob", by: "bob")
        #expect(try fixture.refusal(of: byBob) == .notOwner(group: "g", owner: "ann"))
        let byCay = DirectoryCommand.rejectRequest(group: "g", user: "bob", by: "cay")
        #expect(try fixture.refusal(of: byCay) == .notOwner(group: "g", owner: "ann"))
        try fixture.perform(.acceptRequest(group: "g", user: "bob", by: "ann"))
        #expect(fixture.directory.group("g")?.members == [0, 1])
        try fixture.perform(.requestToJoin(group: "g", user: "cay"))
        try fixture.perform(.rejectRequest(group: "g", user: "cay", by: "ann"))
        try fixture.perform(.requestToJoin(group: "g", user: "cay"))
        try fixture.perform(.rejectRequest(group: "g", user: "cay", by: "cay"))
        #expect(fixture.directory.group("g")?.requests == [])
    }

    @Test(arguments: StoreKind.allCases)
    func `what can't be asked for is refused by name`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob")
        try fixture.createGroup("g", owner: "ann")
        try fixture.perform(.requestToJoin(group: "g", user: "bob"))
        let refusals: [(DirectoryCommand, DirectoryRefusal)] = [
            (.createGroup(group: "g", kind: .open, owner: "bob"), .groupExists("g")),
            (.requestToJoin(group: "x", user: "bob"), .noSuchGroup("x")),
            (
                .requestToJoin(group: "g", user: "ann"),
                .alreadyMember(group: "g", user: "ann")
            ),
            (
                .requestToJoin(group: "g", user: "bob"),
                .alreadyRequested(group: "g", user: "bob")
            ),
            (
                .acceptRequest(group: "g", user: "cay", by: "ann"),
                .noSuchRequest(group: "g", user: "cay")
            ),
            (.acceptRequest(group: "x", user: "cay", by: "ann"), .noSuchGroup("x")),
            (
                .rejectRequest(group: "g", user: "cay", by: "ann"),
                .noSuchRequest(group: "g", user: "cay")
            ),
            (.rejectRequest(group: "x", user: "ann", by: "ann"), .noSuchGroup("x")),
            (.removeMember(group: "g", user: "bob", by: "bob"), .notMember(group: "g")),
            (
                .removeMember(group: "g", user: "bob", by: "ann"),
                .noSuchMember(group: "g", user: "bob")
            ),
            (
                .removeMember(group: "g", user: "ann", by: "bob"),
                .notOwner(group: "g", owner: "ann")
            ),
            (.removeMember(group: "x", user: "ann", by: "ann"), .noSuchGroup("x")),
            (.share(group: "g", name: "f", user: "bob"), .notMember(group: "g")),
            (.share(group: "g", name: "f", user: "ann"), .noSuchFile(group: "g", name: "f")),
            (
                .stopSharing(group: "g", name: "f", user: "ann"),
                .noSuchFile(group: "g", name: "f")
            ),
            (
                .addFile(group: "g", file: record("f", group: "g", by: "bob"), info: []),
                .notMember(group: "g")
            ),
            (.endSession(try session(1)), .sessionExpired),
            (
                .openSession(
                    try session(1), user: "cay", port: 1, peerID: PeerID(hash("p").storage)),
                .noSuchUser("cay")
            ),
        ]
        let before = DirectoryView(fixture.directory)
        for (command, refusal) in refusals {
            #expect(try fixture.refusal(of: command) == refusal)
        }
        try fixture.catchUp()
        #expect(DirectoryView(fixture.directory) == before)
    }

    @Test(arguments: StoreKind.allCases)
    func `an owner who leaves hands the group to its longest-standing member`(kind: StoreKind)
        throws
    {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob", "cay")
        try fixture.createGroup("g", owner: "ann", members: "cay", "bob")
        let answer = try fixture.perform(.removeMember(group: "g", user: "ann", by: "ann"))
        #expect(answer == .memberRemoved(newOwner: "cay", groupDeleted: false))
        #expect(fixture.directory.group("g")?.owner == 2)
        #expect(fixture.directory.group("g")?.members == [2, 1])
        let changes = fixture.notices.compactMap { notice -> MembershipEvent.Change? in
            if case .membership(let event, _) = notice { event.change } else { nil }
        }
        #expect(changes == [.left, .owner])
    }

    @Test(arguments: StoreKind.allCases)
    func `the last member's leaving deletes the group with its catalogue`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob")
        try fixture.createGroup("g", owner: "ann")
        try fixture.addFile("f", to: "g", by: "ann")
        try fixture.perform(.requestToJoin(group: "g", user: "bob"))
        let answer = try fixture.perform(.removeMember(group: "g", user: "ann", by: "ann"))
        #expect(answer == .memberRemoved(newOwner: nil, groupDeleted: true))
        #expect(fixture.directory.group("g") == nil)
        #expect(fixture.directory.file(hash("g/f/")) == nil)
        try fixture.createGroup("g", owner: "bob")
        #expect(fixture.directory.group("g")?.requests == [])
        #expect(try fixture.store.info(of: "f", in: "g") == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func `a member who leaves takes along the shares, and files that nobody else has`(
        kind: StoreKind
    ) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob")
        try fixture.createGroup("g", owner: "ann", members: "bob")
        try fixture.addFile("both", to: "g", by: "bob")
        try fixture.perform(.share(group: "g", name: "both", user: "ann"))
        try fixture.addFile("only bob's", to: "g", by: "bob")
        try fixture.perform(.removeMember(group: "g", user: "bob", by: "ann"))
        #expect(fixture.directory.group("g")?.files.keys.map(\.text).sorted() == ["both"])
        #expect(fixture.directory.file("both", of: "g")?.sharers == [0])
        #expect(fixture.notices.contains(.swarmEnded(hash("g/only bob's/"))))
    }

    @Test(arguments: StoreKind.allCases)
    func `the same file under the same name makes another sharer`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob")
        try fixture.createGroup("g", owner: "ann", members: "bob")
        try fixture.addFile("f", to: "g", by: "ann")
        let same = record("f", group: "g", by: "bob")
        let answer = try fixture.perform(.addFile(group: "g", file: same, info: [1]))
        #expect(answer == .fileAdded(created: false))
        #expect(fixture.directory.file("f", of: "g")?.sharers == [0, 1])
        #expect(fixture.directory.file("f", of: "g")?.record.addedBy == "ann")
        let other = record("f", group: "g", by: "bob", content: "other")
        let refusal = try fixture.refusal(of: .addFile(group: "g", file: other, info: []))
        #expect(refusal == .nameTaken(group: "g", name: "f"))
    }

    @Test(arguments: StoreKind.allCases)
    func `a file leaves the catalogue with its last share`(kind: StoreKind) throws {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann", "bob")
        try fixture.createGroup("g", owner: "ann", members: "bob")
        try fixture.addFile("f", to: "g", by: "ann")
        try fixture.perform(.share(group: "g", name: "f", user: "bob"))
        try fixture.perform(.share(group: "g", name: "f", user: "bob"))
        #expect(fixture.notices.isEmpty)
        try fixture.perform(.stopSharing(group: "g", name: "f", user: "ann"))
        try fixture.perform(.stopSharing(group: "g", name: "f", user: "ann"))
        #expect(fixture.notices.isEmpty)
        #expect(fixture.directory.file("f", of: "g")?.sharers == [1])
        #expect(try fixture.store.info(of: "f", in: "g") == Array("f".utf8))
        try fixture.perform(.stopSharing(group: "g", name: "f", user: "bob"))
        #expect(fixture.directory.file("f", of: "g") == nil)
        #expect(try fixture.store.info(of: "f", in: "g") == nil)
    }

    @Test(arguments: StoreKind.allCases)
    func `a user's oldest session makes room for one more`(kind: StoreKind) throws {
        var limits = DirectoryLimits()
        limits.sessionsPerUser = 2
        let fixture = try StoreFixture(kind, limits: limits)
        try fixture.createUsers("ann")
        for number in 1...3 as ClosedRange<UInt8> {
            try fixture.perform(
                .openSession(
                    try session(number), user: "ann", port: UInt16(number),
                    peerID: PeerID(hash("p").storage)))
        }
        #expect(fixture.directory.users[0].sessions == [try session(2), try session(3)])
        let ended = fixture.notices.compactMap { notice -> SessionID? in
            if case .sessionEnded(let id, _) = notice { id } else { nil }
        }
        #expect(ended == [try session(1)])
        try fixture.perform(.endSession(try session(2)))
        #expect(fixture.directory.users[0].sessions == [try session(3)])
    }

    @Test(arguments: StoreKind.allCases)
    func `limits are said by name`(kind: StoreKind) throws {
        var limits = DirectoryLimits()
        (limits.users, limits.groupsPerOwner) = (3, 1)
        (limits.requestsPerGroup, limits.filesPerGroup) = (1, 1)
        let fixture = try StoreFixture(kind, limits: limits)
        try fixture.createUsers("ann", "bob", "cay")
        try fixture.createGroup("g", owner: "ann")
        try fixture.addFile("f", to: "g", by: "ann")
        try fixture.perform(.requestToJoin(group: "g", user: "bob"))
        let commands: [DirectoryCommand] = [
            .createUser(user: "dan", password: "", passkey: key("d")),
            .createGroup(group: "h", kind: .open, owner: "ann"),
            .requestToJoin(group: "g", user: "cay"),
            .addFile(group: "g", file: record("f2", group: "g", by: "ann"), info: []),
        ]
        for command in commands {
            guard case .limitReached = try fixture.refusal(of: command) else {
                Issue.record("\(command) was not refused")
                continue
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `sessions that nobody uses end, and their old events are forgotten`(kind: StoreKind) throws
    {
        let fixture = try StoreFixture(kind)
        try fixture.createUsers("ann")
        for number in 1...2 as ClosedRange<UInt8> {
            try fixture.perform(
                .openSession(
                    try session(number), user: "ann", port: 1,
                    peerID: PeerID(hash("p").storage)))
        }
        fixture.time += SQLStore.sessionLifetime + 10
        try fixture.store.maintain(online: [try session(2)], at: fixture.time)
        try fixture.catchUp()
        #expect(fixture.directory.users[0].sessions == [try session(2)])
        let kinds = try fixture.store.events(after: 0, limit: 100).map(\.event.kind)
        #expect(kinds == ["user_created", "session_ended"])
        #expect(DirectoryView(try fixture.reloaded()) == DirectoryView(fixture.directory))
    }
}

@Suite struct SQLiteStoreDurabilityTests {
    @Test func `a reopened store has all that was answered, and the same network`() throws {
        let fixture = try StoreFixture()
        try fixture.createUsers("ann", "bob")
        try fixture.createGroup("g", owner: "ann", members: "bob")
        try fixture.addFile("f", to: "g", by: "bob")
        let network = fixture.store.networkID
        try fixture.reopen()
        #expect(fixture.store.networkID == network)
        #expect(DirectoryView(try fixture.reloaded()) == DirectoryView(fixture.directory))
    }

    @Test func `another connection's commands are found in the log`() throws {
        let fixture = try StoreFixture()
        let other = try openStore(fixture.databasePath, foundingID: "other")
        #expect(other.networkID == fixture.store.networkID)
        let command = DirectoryCommand.createUser(user: "x", password: "", passkey: key("x"))
        _ = try other.perform(command, at: 5)
        try fixture.catchUp()
        #expect(fixture.directory.user(named: "x") == 0)
    }

    @Test func `loading the present state gives what applying the whole log gives`() throws {
        let fixture = try StoreFixture()
        var random = SmallGenerator(seed: 3)
        let users = (0..<3).map { "user\($0)" }
        let groups = ["g", "h"]
        for user in users { try fixture.createUsers(user) }
        for step in 0..<800 {
            let user = users.randomElement(using: &random) ?? ""
            let other = users.randomElement(using: &random) ?? ""
            let group = groups.randomElement(using: &random) ?? ""
            let name = "file\(Int.random(in: 0..<4, using: &random))"
            let commands: [DirectoryCommand] = [
                .createGroup(group: group, kind: .open, owner: user),
                .requestToJoin(group: group, user: user),
                .requestToJoin(group: group, user: other),
                .acceptRequest(group: group, user: other, by: user),
                .rejectRequest(group: group, user: other, by: user),
                .removeMember(group: group, user: other, by: user),
                .removeMember(group: group, user: user, by: user),
                .addFile(group: group, file: record(name, group: group, by: user), info: []),
                .share(group: group, name: name, user: user),
                .stopSharing(group: group, name: name, user: user),
                .openSession(
                    try session(UInt8(step % 250)), user: user, port: 1,
                    peerID: PeerID(hash("p").storage)),
                .endSession(try session(UInt8(Int.random(in: 0..<250, using: &random)))),
            ]
            guard let command = commands.randomElement(using: &random) else { continue }
            do {
                if step % 7 == 0 { try fixture.perform(.registerHash(hash(name), user: user)) }
                if step % 35 == 0 { try fixture.perform(.withdrawHash(hash(name), user: user)) }
                try fixture.perform(command)
            } catch StoreError.refused {
                continue
            } catch StoreError.failed(let message) where message.contains("token_hash") {
                continue
            }
        }
        let view = DirectoryView(fixture.directory)
        #expect(DirectoryView(try fixture.reloaded()) == view)
        #expect(view.groups.count == 2 && view.groups.contains { !$0.files.isEmpty })
        #expect(!view.registrations.isEmpty)
    }

    @Test func `a full disk refuses a command and loses nothing`() throws {
        let fixture = try StoreFixture()
        try fixture.createUsers("ann")
        try fixture.createGroup("g", owner: "ann")
        let pages = try fixture.store.database.queryOne("PRAGMA page_count") { $0.int(0) } ?? 0
        try fixture.store.database.execute("PRAGMA max_page_count = \(pages)")
        let big = [UInt8](repeating: 7, count: 1 << 20)
        let file = record("f", group: "g", by: "ann")
        let add = DirectoryCommand.addFile(group: "g", file: file, info: big)
        let error = #expect(throws: StoreError.self) { try fixture.perform(add) }
        #expect(error == .full)
        try fixture.catchUp()
        #expect(fixture.directory.file("f", of: "g") == nil)
        try fixture.store.database.execute("PRAGMA max_page_count = \(pages + 1000)")
        #expect(try fixture.perform(add) == .fileAdded(created: true))
        #expect(DirectoryView(try fixture.reloaded()) == DirectoryView(fixture.directory))
    }

    @Test func `a newer schema is refused and left alone`() throws {
        let fixture = try StoreFixture()
        do {
            let database = try Database(path: fixture.databasePath, synchronous: .full)
            try database.setUserVersion(99)
        }
        let error = #expect(throws: StoreError.self) { try fixture.reopen() }
        #expect(
            error
                == .newerSchema(
                    path: fixture.databasePath, version: 99, known: SQLiteSchema.version))
    }

    @Test func `a database of the first version is carried over with its files and shares`() throws
    {
        let folder = try TemporaryFolder()
        let path = folder.path + "/tracker.db"
        let file = record("f", group: "g", by: "ann")
        do {
            let database = try Database(path: path, synchronous: .full)
            try database.executeScript(SQLiteSchema.steps[0])
            try database.transaction {
                try database.executeScript(
                    """
                    INSERT INTO network VALUES ('old');
                    INSERT INTO users VALUES (1, 'ann', 'hash', '\(key("ann").hex)', 7);
                    INSERT INTO groups VALUES (1, 'g', 'open', 'ann', 7);
                    INSERT INTO members VALUES (1, 'g', 'ann', 7);
                    """)
                try database.execute(
                    "INSERT INTO files VALUES (1, 'g', 'f', ?, 100, ?, 16384, 1, 'ann', 7, ?)",
                    file.infoHash.bytes, SHA1Hasher.hash([]).bytes, Array("info".utf8))
                try database.executeScript("INSERT INTO shares VALUES (1, 'g', 'f', 'ann', 7)")
            }
            try database.setUserVersion(1)
        }
        for _ in 0..<2 {
            let store = try openStore(path, foundingID: "new")
            #expect(store.networkID == "old")
            let snapshot = try store.snapshot()
            let directory = try Directory(snapshot: snapshot.events, through: snapshot.through)
            #expect(directory.file("f", of: "g")?.record == file)
            #expect(directory.file("f", of: "g")?.sharers == [0])
            #expect(try store.info(of: "f", in: "g") == Array("info".utf8))
        }
        let store = try openStore(path, foundingID: "new")
        let added = FileRecord(
            name: "d", infoHash: hash("d"), size: 5, sha1: nil, fileCount: 2, pieceLength: 16_384,
            pieceCount: 1, addedBy: "ann")
        let answer = try store.perform(.addFile(group: "g", file: added, info: []), at: 8)
        #expect(answer == .fileAdded(created: true))
    }

    @Test func `a directory is kept with its number of files and no hash`() throws {
        let fixture = try StoreFixture()
        try fixture.createUsers("ann")
        try fixture.createGroup("g", owner: "ann")
        let directory = FileRecord(
            name: "d", infoHash: hash("d"), size: 5, sha1: nil, fileCount: 2, pieceLength: 16_384,
            pieceCount: 1, addedBy: "ann")
        try fixture.perform(.addFile(group: "g", file: directory, info: [1]))
        try fixture.addFile("f", to: "g", by: "ann")
        #expect(fixture.directory.file("d", of: "g")?.record == directory)
        #expect(DirectoryView(try fixture.reloaded()) == DirectoryView(fixture.directory))
    }

    @Test func `a file without hash and a directory of no files are no entries`() throws {
        let fixture = try StoreFixture()
        try fixture.createUsers("ann")
        try fixture.createGroup("g", owner: "ann")
        var record = record("f", group: "g", by: "ann")
        for (sha1, count) in [(nil, nil), (nil, 0), (SHA1Hasher.hash([]), 1)] {
            (record.sha1, record.fileCount) = (sha1, count)
            #expect(throws: StoreError.self) {
                try fixture.perform(.addFile(group: "g", file: record, info: []))
            }
        }
    }

    @Test func `a file that is no database is refused`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/tracker.db"
        let file = try #require(fopen(path, "w"))
        for _ in 0..<500 { fputs("not a database ", file) }
        fclose(file)
        let error = #expect(throws: StoreError.self) {
            try openStore(path, foundingID: "x")
        }
        #expect("\(try #require(error))".contains("not a database"))
    }

    @Test func `the database's files are for their owner only`() throws {
        let fixture = try StoreFixture()
        try fixture.createUsers("ann")
        for suffix in ["", "-wal", "-shm"] {
            var status = stat()
            #expect(stat(fixture.databasePath + suffix, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func `an event from a newer program is reported, not skipped`() throws {
        let fixture = try StoreFixture()
        let database = try Database(path: fixture.databasePath, synchronous: .full)
        try database.execute(
            "INSERT INTO events (at, kind, body) VALUES (1, 'strange', '{\"strange\":{}}')")
        #expect(throws: StoreError.self) { try fixture.catchUp() }
    }
}
