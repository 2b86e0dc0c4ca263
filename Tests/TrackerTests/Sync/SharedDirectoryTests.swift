import Foundation
import Synchronization
import Testing
import TrackerCore
import Wire

@testable import Tracker

/// Trackers of one network, over the same data folder or the same server.
struct TrackerPair {
    let first: RunningTracker
    let second: RunningTracker
    /// Of a PostgreSQL database.
    let location: String?

    init(
        _ kind: StoreKind = .sqlite, _ configure: (inout TrackerConfiguration) -> Void = { _ in }
    ) throws {
        location = kind == .sqlite ? nil : try PostgreSQLServer.shared.get().database()
        first = try RunningTracker(postgreSQL: location, configure)
        second = try RunningTracker(folder: first.folder, postgreSQL: location, configure)
    }

    /// One more tracker of the network.
    func another() throws -> RunningTracker {
        try RunningTracker(folder: first.folder, postgreSQL: location)
    }

    /// The member with a connection to the other tracker, in the same session.
    func moved(_ member: TestMember) throws -> TestMember {
        let other = member.tracker === first ? second : first
        return TestMember(tracker: other, client: try other.connect(), session: member.session)
    }
}

/// Waits until the condition holds, for 20 s at most.
func eventually(_ what: String, _ condition: () throws -> Bool) throws {
    let end = ContinuousClock.now + .seconds(20)
    while try !condition() {
        guard ContinuousClock.now < end else { throw ClientError("waited in vain for \(what)") }
        usleep(5000)
    }
}

@Suite struct SharedDirectoryTests {
    @Test(arguments: StoreKind.allCases)
    func `a session and a passkey count at the other tracker at once`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let ann = try pair.first.member("ann")
        let there = try pair.moved(ann)
        #expect(try there.call(.get, "/sessions/current").status == 200)
        try there.createGroup("g")
        let f = try there.addFile("f", to: "g")
        try eventually("the file at the first tracker") {
            try ann.call(.get, "/groups/g/files").status == 200
                && pair.first.inspect { $0.directory.isGroupFile(f) } == true
        }
        #expect(try ann.announce(f).complete == 1)
        #expect(try ann.call(.delete, "/sessions/current").status == 204)
        try eventually("the session's end at the second") {
            try there.call(.get, "/sessions/current").status == 401
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `of the same command at both trackers one is done`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let ann = try pair.first.member("ann")
        let there = try pair.moved(ann)
        for number in 0..<20 {
            let statuses = Mutex<[Int]>([])
            let group = DispatchGroup()
            for (member, queue) in [(ann, "a"), (there, "b")] {
                let member = Sent(member)
                DispatchQueue(label: queue).async(group: group) {
                    let request = CreateGroupRequest(groupID: "g\(number)", kind: .open)
                    let answer = try? member.value.call(.post, "/groups", request)
                    statuses.withLock { $0.append(answer?.status ?? 0) }
                }
            }
            group.wait()
            #expect(statuses.withLock { $0.sorted() } == [201, 409])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `commands at both trackers make the same directory in the same order`(kind: StoreKind)
        throws
    {
        let pair = try TrackerPair(kind)
        let ann = try pair.first.member("ann")
        let bob = try pair.second.member("bob", peerPort: 5001)
        for number in 0..<10 {
            try ann.createGroup("a\(number)")
            try bob.createGroup("b\(number)")
        }
        try eventually("the same place in the log") {
            let places = [pair.first, pair.second].map { tracker in
                tracker.inspect { $0.directory.appliedThrough }
            }
            return places[0] == places[1] && places[0] != nil
        }
        let views = [pair.first, pair.second].map { tracker in
            tracker.inspect { Sent(DirectoryView($0.directory)) }?.value
        }
        #expect(views[0] != nil && views[0] == views[1])
        #expect(views[0]?.groups.count == 20)
    }

    /// As after a commit whose notification, or touch of the watched file, was lost.
    @Test(arguments: StoreKind.allCases)
    func `what nobody is woken up for is seen all the same`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind) { $0.pollInterval = .milliseconds(100) }
        let database: any SQLDatabase =
            if let location = pair.location {
                PostgreSQLDatabase(location: location)
            } else {
                try SQLiteConnection(
                    path: pair.first.folder.path + "/tracker.db", synchronous: .full,
                    steps: SQLiteSchema.steps, signals: nil)
            }
        try database.execute(
            "INSERT INTO users (user_id, password, passkey, created_at) VALUES (?, ?, ?, ?)", "eve",
            "x", key("eve").hex, 1)
        let event = DirectoryEvent.userCreated(user: "eve", passkey: key("eve"))
        try database.execute(
            "INSERT INTO events (at, kind, body) VALUES (?, ?, ?)", 1, event.kind,
            String(decoding: WireJSON.encode(event), as: UTF8.self))
        for tracker in [pair.first, pair.second] {
            try eventually("the user at each tracker") {
                tracker.inspect { $0.directory.user(named: "eve") != nil } == true
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what one tracker is asked the members at the other hear of`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let ann = try pair.first.member("ann")
        try ann.createGroup("g")
        let bob = try pair.second.member("bob", peerPort: 5001)
        let events = try ann.events()
        #expect(try bob.call(.post, "/groups/g/requests").status == 202)
        let asked = MembershipEvent(groupID: "g", userID: "bob", change: .requested)
        #expect(try events.next() == .membership(asked))
    }
}

/// Carried to another thread, which alone uses it then.
struct Sent<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
