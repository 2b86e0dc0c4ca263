import Testing
import TrackerCore
import Wire

@testable import Tracker

/// A server with a standby of its own, by PostgreSQL's streaming replication.
@Suite struct TakeoverTests {
    @Test func `trackers follow to the standby that takes over`() throws {
        let primary = try PostgreSQLServer()
        let database = try primary.database()
        let standby = try PostgreSQLServer(standbyOf: primary)
        let location = primary.location(database, or: standby)
        func tracker() throws -> RunningTracker {
            try RunningTracker(postgreSQL: location) { $0.pollInterval = .milliseconds(100) }
        }
        let (first, second) = (try tracker(), try tracker())
        let ann = try first.member("ann")
        try ann.createGroup("before")
        let f = try ann.addFile("f", to: "before")
        let stream = try ann.events()
        _ = try ann.announce(f)
        // A standby takes no changes: it can be asked whether it has them.
        let there = database.replacing("host=", with: "target_session_attrs=any&host=")
        let copy = PostgreSQLDatabase(location: standby.location(of: there, at: primary))
        try eventually("the group at the standby") {
            try copy.queryOne("SELECT count(*) FROM files") { $0.int(0) } == 1
        }
        try primary.stop()
        try eventually("degraded health") {
            try ann.client.call(.get, "/healthz").body == Array("degraded\n".utf8)
        }
        #expect(try ann.announce(f).complete == 1)
        try standby.promote()
        let group = CreateGroupRequest(groupID: "after", kind: .open)
        try eventually("a command that is done") {
            [201, 409].contains(try ann.call(.post, "/groups", group).status)
        }
        try eventually("all of it at the other tracker") {
            second.inspect { service in
                service.directory.group("before") != nil && !service.isDegraded
                    && service.directory.group("after") != nil
                    && service.presence.onlineSessions.count == 1
                    && service.swarms.counts(of: f)?.seeders == 1
            } == true
        }
        withExtendedLifetime(stream) {}
    }
}
