import Testing
import Wire

@testable import Tracker

@Suite struct EventTests {
    @Test func `members hear of requests, members, files and shares as they come`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        let stream = try ann.events()
        try bob.join("g", of: ann)
        let f = try bob.addFile("f", to: "g")
        _ = try bob.call(.delete, "/groups/g/files/f/share")
        _ = try bob.call(.delete, "/groups/g/members/bob")
        func share() -> ShareEvent {
            ShareEvent(groupID: "g", name: "f", infoHash: f, userID: "bob", online: false)
        }
        let expected: [TrackerEvent] = [
            .membership(MembershipEvent(groupID: "g", userID: "bob", change: .requested)),
            .membership(MembershipEvent(groupID: "g", userID: "bob", change: .accepted)),
            .catalogue(CatalogueEvent(groupID: "g", name: "f", change: .added)),
            .share(share()), .share(share()),
            .catalogue(CatalogueEvent(groupID: "g", name: "f", change: .removed)),
            .membership(MembershipEvent(groupID: "g", userID: "bob", change: .left)),
        ]
        for event in expected { #expect(try stream.next() == event) }
    }

    @Test func `a stranger hears of its own request only`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        let stream = try bob.events()
        try ann.addFile("f", to: "g")
        _ = try bob.call(.post, "/groups/g/requests")
        _ = try ann.call(.delete, "/groups/g/requests/bob")
        for change in [MembershipEvent.Change.requested, .rejected] {
            let event = MembershipEvent(groupID: "g", userID: "bob", change: change)
            #expect(try stream.next() == .membership(event))
        }
    }

    @Test func `a sharer is online as long as the event stream is open`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let f = try bob.addFile("f", to: "g")
        let stream = try ann.events()
        var bobs: TestEventStream? = try bob.events()
        func event(_ online: Bool) -> TrackerEvent {
            .share(
                ShareEvent(groupID: "g", name: "f", infoHash: f, userID: "bob", online: online))
        }
        #expect(try stream.next() == event(true))
        var list = try ann.call(.get, "/groups/g/files").decode(FileList.self)
        #expect(list.files[0].sharersOnline == 1)
        #expect(try bob.announce(f, port: 6000).complete == 1)
        #expect(try bob.announce(f, port: 7000).complete == 2)
        withExtendedLifetime(bobs) {}
        bobs = nil
        #expect(try stream.next() == event(false))
        list = try ann.call(.get, "/groups/g/files").decode(FileList.self)
        #expect(list.files[0].sharersOnline == 0 && list.files[0].sharers == 1)
        // The peer's entry is gone at once, that of another client of the same user isn't.
        let entry = try ann.client.scrape([f], passkey: ann.session.passkey).files[f]
        #expect(entry?.complete == 1)
    }

    @Test func `a new stream of the session replaces the old one without going offline`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        try ann.addFile("f", to: "g")
        let old = try ann.events()
        let new = try ann.events()
        #expect(try old.ends())
        try ann.addFile("f2", to: "g")
        // Nothing about going offline comes before.
        let added = CatalogueEvent(groupID: "g", name: "f2", change: .added)
        #expect(try new.next() == .catalogue(added))
    }

    @Test func `logging out ends the stream and the presence`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let stream = try ann.events()
        _ = try ann.announce(f)
        #expect(try ann.call(.delete, "/sessions/current").status == 204)
        #expect(try stream.ends())
        let entry = try ann.client.scrape([f], passkey: ann.session.passkey).files[f]
        #expect(entry?.complete == 0)
        #expect(tracker.inspect { $0.presence.onlineSessions.count } == 0)
    }

    @Test func `logging out drops the peer's entries, event stream or not`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        #expect(try ann.announce(f).complete == 1)
        #expect(try ann.call(.delete, "/sessions/current").status == 204)
        let entry = try ann.client.scrape([f], passkey: ann.session.passkey).files[f]
        #expect(entry?.complete == 0)
    }

    @Test func `a peer that doesn't take its events is cut off and offline`() throws {
        let tracker = try RunningTracker { $0.http.streamBacklog = 1 << 20 }
        let ann = try tracker.member("ann")
        let stream = try ann.events()
        _ = tracker.inspect { service in
            let ping = [UInt8](repeating: UInt8(ascii: ":"), count: 64 << 10)
            for _ in 0..<400 { service.streams.values.first?.send(ping) }
        }
        #expect(tracker.inspect { $0.presence.onlineSessions.count } == 0)
        #expect(try stream.ends())
    }

    @Test func `two sessions of one user are online one by one`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann", peerPort: 5000)
        let second = try tracker.logIn("ann", peerPort: 6000)
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        var one: TestEventStream? = try ann.events()
        let two = try second.events()
        _ = try ann.announce(f, port: 5000)
        _ = try ann.announce(f, port: 6000)
        withExtendedLifetime(one) {}
        one = nil
        var seeders = 2
        while seeders != 1 {
            let entry = try ann.client.scrape([f], passkey: ann.session.passkey).files[f]
            seeders = try #require(entry).complete
        }
        let list = try ann.call(.get, "/groups/g/files").decode(FileList.self)
        #expect(list.files[0].sharersOnline == 1)
        withExtendedLifetime(two) {}
    }

    @Test func `a silent stream shows that it lives`() throws {
        let tracker = try RunningTracker { $0.pingInterval = .milliseconds(50) }
        let ann = try tracker.member("ann")
        let stream = try ann.events()
        #expect(try stream.nextBytes() == Array(":\n\n".utf8))
    }

    @Test func `requests behind an event stream on one connection are not answered`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        let client = try tracker.connect()
        let token = ann.session.token
        try client.send(
            client.request(.get, "/api/v1/groups", token: token)
                + client.request(.get, "/api/v1/events", token: token)
                + client.request(.get, "/api/v1/groups", token: token))
        #expect(try client.answer().status == 200)
        client.shutdownWrite()
        let rest = try client.receiveToEnd()
        #expect(rest.contains("text/event-stream") && rest.contains("event: hello"))
        #expect(!rest.contains("application/json"))
    }

    @Test func `answers that come after their event stream's end trouble nobody`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let (client, other) = (try tracker.connect(), try tracker.connect())
        func account(_ name: String) -> [UInt8] {
            WireJSON.encode(CreateUserRequest(userID: name, password: "x"))
        }
        // Passwords take their time, one after the other.
        let accounts = (0..<8).flatMap {
            client.request(.post, "/api/v1/users", body: account("u\($0)"))
        }
        try client.send(
            accounts + client.request(.get, "/api/v1/events", token: ann.session.token))
        while tracker.inspect({ $0.streams.count }) != 1 {}
        let new = try ann.events()
        _ = try client.receiveToEnd()
        try other.send(other.request(.post, "/api/v1/users", body: account("last")))
        #expect(try other.answer(to: .post).status == 201)
        try ann.addFile("f", to: "g")
        let added = CatalogueEvent(groupID: "g", name: "f", change: .added)
        #expect(try new.next() == .catalogue(added))
    }

    @Test func `a removed member is told and has no access from then on`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let f = try ann.addFile("f", to: "g")
        let stream = try bob.events()
        _ = try bob.announce(f, left: 5, port: 6000)
        #expect(try ann.call(.delete, "/groups/g/members/bob").status == 200)
        let removed = MembershipEvent(groupID: "g", userID: "bob", change: .removed)
        #expect(try stream.next() == .membership(removed))
        let entry = try ann.client.scrape([f], passkey: ann.session.passkey).files[f]
        #expect(
            entry == ScrapeResponse.Entry(complete: 0, downloaded: 0, downloaders: 0, incomplete: 0)
        )
        #expect(throws: AnnounceResponseError.self) { try bob.announce(f, left: 5, port: 6000) }
        #expect(try bob.call(.get, "/groups/g/files").errorCode == "not_member")
    }
}
