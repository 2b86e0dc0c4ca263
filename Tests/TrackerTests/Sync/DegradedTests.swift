import SQLite
import Testing
import TrackerCore
import Wire

@testable import Tracker

/// A database that goes away and comes back.
@Suite struct DegradedTests {
    @Test func `while the database is away announces go on and commands are refused`() throws {
        let server = try PostgreSQLServer()
        let location = try server.database()
        let tracker = try RunningTracker(postgreSQL: location) {
            $0.pollInterval = .milliseconds(100)
        }
        let other = try RunningTracker(postgreSQL: location) {
            $0.pollInterval = .milliseconds(100)
        }
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let stream = try ann.events()
        try server.stop()
        try eventually("degraded health") {
            try ann.client.call(.get, "/healthz").body == Array("degraded\n".utf8)
        }
        let group = CreateGroupRequest(groupID: "h", kind: .open)
        let refused = try ann.call(.post, "/groups", group)
        #expect(refused.status == 503 && refused.errorCode == "storage_away")
        // It may be a session of another tracker: it isn't said to have ended.
        let unknown = try ann.client.call(
            .get, "/api/v1/groups", token: String(repeating: "ab", count: 32))
        #expect(unknown.status == 503 && unknown.errorCode == "storage_away")
        #expect(try ann.announce(f).complete == 1)
        // What was there is known, and nobody has gone.
        #expect(try ann.call(.get, "/groups/g/files").status == 200)
        try server.start()
        try eventually("good health") {
            try ann.client.call(.get, "/healthz").body == Array("ok\n".utf8)
        }
        try eventually("a command that is done") {
            [201, 409].contains(try ann.call(.post, "/groups", group).status)
        }
        try eventually("both at the other tracker") {
            other.inspect { service in
                service.directory.group("h") != nil && service.presence.onlineSessions.count == 1
                    && service.swarms.counts(of: f)?.seeders == 1
            } == true
        }
        withExtendedLifetime(stream) {}
    }

    @Test func `a connection that the server ends is made again without a word`() throws {
        let server = try PostgreSQLServer.shared.get()
        let location = try server.database()
        let fixture = try SQLStore(migrated: location)
        let create = DirectoryCommand.createUser(user: "ann", password: "x", passkey: key("ann"))
        _ = try fixture.perform(create, at: 1)
        try server.disconnectAll(from: location)
        #expect(try fixture.password(of: "ann") == "x")
        try server.disconnectAll(from: location)
        let group = DirectoryCommand.createGroup(group: "g", kind: .open, owner: "ann")
        #expect(try fixture.perform(group, at: 2) == .done)
    }

    @Test func `a newer schema of a server is refused and left alone`() throws {
        let location = try PostgreSQLServer.shared.get().database()
        _ = try SQLStore(migrated: location)
        let database = PostgreSQLDatabase(location: location)
        _ = try database.execute("UPDATE schema_version SET version = 99")
        let error = #expect(throws: StoreError.self) { try SQLStore(migrated: location) }
        guard case .newerSchema(_, 99, PostgreSQLSchema.steps.count)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a server that isn't there is an error with the server's words`() {
        let location = "postgresql:///none?host=/dev/null/none"
        let error = #expect(throws: StoreError.self) { try SQLStore(migrated: location) }
        let words = String(describing: error)
        #expect(words.contains("/dev/null/none"), "\(words)")
    }

    @Test func `an error doesn't tell the password of a URL that isn't understood`() {
        let location = "postgresql://ann:secret@[none/none"
        let error = #expect(throws: StoreError.self) { try SQLStore(migrated: location) }
        #expect(error?.description.contains("secret") == false, "\(String(describing: error))")
    }

    @Test func `no statement is run outside of its transaction when the connection breaks`()
        throws
    {
        let server = try PostgreSQLServer.shared.get()
        let location = try server.database()
        _ = try SQLStore(migrated: location)
        let database = PostgreSQLDatabase(location: location)
        #expect(throws: (any Error).self) {
            try database.transaction(.appending(.directory)) {
                try server.disconnectAll(from: location)
                for _ in 0..<2 {
                    _ = try? database.execute("INSERT INTO network (id) VALUES (?)", "x")
                }
            }
        }
        #expect(try database.queryOne("SELECT count(*) FROM network") { $0.int(0) } == 1)
    }

    @Test func `a tracker that has read more than the database now has ends`() throws {
        let server = try PostgreSQLServer.shared.get()
        let location = try server.database()
        let tracker = try RunningTracker(postgreSQL: location) {
            $0.pollInterval = .milliseconds(100)
        }
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        // As after the take-over of a server that the last commits had not reached.
        let database = PostgreSQLDatabase(location: location)
        _ = try database.execute("DELETE FROM events WHERE group_id = ?", "g")
        _ = try database.execute("DELETE FROM groups")
        try server.disconnectAll(from: location)
        try eventually("the tracker's word") { tracker.logText.contains("earlier state") }
        #expect(tracker.stop())
    }

    /// As a tracker does that is stopped (SIGSTOP) in the middle of a transaction.
    @Test func `while another program holds the database commands are refused at once`() throws {
        let tracker = try RunningTracker { $0.pollInterval = .milliseconds(100) }
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let holder = try Database(path: tracker.folder.path + "/tracker.db", synchronous: .full)
        try holder.execute("BEGIN IMMEDIATE")
        let group = CreateGroupRequest(groupID: "h", kind: .open)
        for _ in 0..<2 {
            let refused = try ann.call(.post, "/groups", group)
            #expect(refused.status == 503 && refused.errorCode == "busy")
        }
        #expect(try ann.client.call(.get, "/healthz").body == Array("degraded\n".utf8))
        #expect(try ann.announce(f).complete == 1)
        #expect(try ann.call(.get, "/groups/g/files").status == 200)
        try holder.execute("ROLLBACK")
        try eventually("good health") {
            try ann.client.call(.get, "/healthz").body == Array("ok\n".utf8)
        }
        #expect(try ann.call(.post, "/groups", group).status == 201)
    }
}

extension SQLStore {
    convenience init(migrated location: String) throws {
        let database = PostgreSQLDatabase(location: location)
        do {
            try database.migrate(foundingID: String(repeating: "ab", count: 16))
        } catch {
            throw StoreError(error)
        }
        try self.init(database)
    }
}
