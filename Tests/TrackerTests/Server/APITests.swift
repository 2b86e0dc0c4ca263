import Testing
import Wire

@testable import Tracker

@Suite struct AccountAPITests {
    @Test func `the network tells its id, version and whether open swarms are on`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let info = try client.call(.get, "/api/v1/network").decode(NetworkInfo.self)
        #expect(info.networkID.utf8.count == 32)
        #expect(info.version == TrackerProgram.version)
        #expect(info.openSwarms)
    }

    @Test func `an account is created once`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let account = CreateUserRequest(userID: "ann", password: "secret")
        let created = try client.call(.post, "/api/v1/users", body: account)
        #expect(try created.decode(CreateUserResponse.self, status: 201).userID == "ann")
        let again = try client.call(.post, "/api/v1/users", body: account)
        #expect(again.status == 409)
        #expect(again.errorCode == "user_exists")
        #expect(again.errorMessage?.contains("'ann'") == true)
    }

    @Test(arguments: [
        ("", "x", "invalid_id"), ("a b", "x", "invalid_id"), ("ä", "x", "invalid_id"),
        (String(repeating: "a", count: 65), "x", "invalid_id"), ("ann", "", "weak_password"),
        ("ann", String(repeating: "x", count: 1025), "weak_password"),
    ])
    func `ids and passwords have their limits`(
        user: String, password: String, code: String
    ) throws {
        let tracker = try RunningTracker()
        let request = CreateUserRequest(userID: user, password: password)
        let answer = try tracker.connect().call(.post, "/api/v1/users", body: request)
        #expect(answer.status == 400)
        #expect(answer.errorCode == code)
    }

    @Test func `a wrong password and an unknown user get the same words`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        var messages: [String] = []
        for user in ["ann", "nobody"] {
            let login = LoginRequest(
                userID: user, password: "wrong", port: 1,
                peerID: try #require(PeerID([UInt8](repeating: 1, count: 20))))
            let answer = try ann.client.call(.post, "/api/v1/sessions", body: login)
            #expect(answer.status == 401)
            #expect(answer.errorCode == "wrong_credentials")
            messages.append(try #require(answer.errorMessage))
        }
        #expect(messages[0] == messages[1])
    }

    @Test func `wrong passwords slow down their user and nobody else`() throws {
        let tracker = try RunningTracker {
            $0.loginPolicy.freeFailures = 1
            $0.loginPolicy.firstDelay = .milliseconds(900)
            $0.loginPolicy.longestWait = .seconds(10)
        }
        let bob = try tracker.member("bob")
        _ = try tracker.member("ann")
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<3 {
            let login = LoginRequest(
                userID: "ann", password: "wrong", port: 1,
                peerID: try #require(PeerID([UInt8](repeating: 1, count: 20))))
            times.append(
                try clock.measure {
                    let answer = try bob.client.call(.post, "/api/v1/sessions", body: login)
                    #expect(answer.errorCode == "wrong_credentials")
                })
        }
        #expect(times[1] + times[2] >= .milliseconds(900))
        #expect(try clock.measure { _ = try tracker.logIn("bob") } < .milliseconds(900))
        // The right password is slowed down like a wrong one, and then it counts.
        #expect(try clock.measure { _ = try tracker.logIn("ann") } > .milliseconds(900))
        #expect(try clock.measure { _ = try tracker.logIn("ann") } < .milliseconds(900))
    }

    @Test func `too many attempts at once are turned away`() throws {
        let tracker = try RunningTracker {
            $0.loginPolicy.freeFailures = 0
            $0.loginPolicy.firstDelay = .seconds(5)
            $0.loginPolicy.longestWait = .seconds(1)
        }
        let client = try tracker.connect()
        let login = LoginRequest(
            userID: "ann", password: "wrong", port: 1,
            peerID: try #require(PeerID([UInt8](repeating: 1, count: 20))))
        #expect(try client.call(.post, "/api/v1/sessions", body: login).status == 401)
        let answer = try client.call(.post, "/api/v1/sessions", body: login)
        #expect(answer.status == 429)
        #expect(answer.errorCode == "too_many_attempts")
        #expect(answer.head.header("retry-after") == "9")
    }

    @Test func `a kept token is good until the session ends`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        let info = try ann.call(.get, "/sessions/current").decode(SessionInfo.self)
        #expect(info.userID == "ann")
        #expect(info.passkey == ann.session.passkey)
        #expect(info.networkID == ann.session.networkID)
        #expect(try ann.call(.delete, "/sessions/current").status == 204)
        for path in ["/sessions/current", "/groups", "/events"] {
            let answer = try ann.call(.get, path)
            #expect(answer.status == 401)
            #expect(answer.errorCode == "session_expired")
        }
    }

    @Test(arguments: ["", "Basic abc", "Bearer", "Bearer 12", "Bearer zz"])
    func `without a session nothing but the public is answered`(header: String) throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        try client.send(
            "GET /api/v1/groups HTTP/1.1\r\nHost: x\r\nAuthorization: \(header)\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 401)
        #expect(answer.errorCode == "session_expired")
        #expect(answer.head.header("www-authenticate") == "Bearer")
    }

    @Test func `a log-in needs a port`() throws {
        let tracker = try RunningTracker()
        let login = LoginRequest(
            userID: "ann", password: "x", port: 0,
            peerID: try #require(PeerID([UInt8](repeating: 1, count: 20))))
        let answer = try tracker.connect().call(.post, "/api/v1/sessions", body: login)
        #expect(answer.errorCode == "invalid_request")
    }

    @Test func `when too many passwords wait the tracker says so`() throws {
        let tracker = try RunningTracker { $0.passwordQueue = 1 }
        let client = try tracker.connect()
        var requests: [UInt8] = []
        for number in 0..<12 {
            let account = CreateUserRequest(userID: "user\(number)", password: "x")
            let json = WireJSON.encode(account)
            requests += client.request(.post, "/api/v1/users", body: json)
        }
        try client.send(requests)
        let answers = try (0..<12).map { _ in try client.answer(to: .post) }
        #expect(answers.contains { $0.status == 201 })
        let busy = try #require(answers.first { $0.status == 503 })
        #expect(busy.errorCode == "busy")
        #expect(busy.head.header("retry-after") == "1")
    }

    @Test func `neither passkeys nor tokens nor passwords reach the log`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        let stream = try ann.events()
        try ann.createGroup("g")
        _ = try ann.announce(try ann.addFile("f", to: "g"))
        withExtendedLifetime(stream) {}
        #expect(tracker.stop())
        let log = tracker.logText
        #expect(log.contains("ann"))
        for secret in [ann.session.passkey, ann.session.token, "password of"] {
            #expect(!log.contains(secret))
        }
    }
}

@Suite struct GroupAPITests {
    @Test func `a group is created, joined, and listed as each user sees it`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        #expect(try bob.call(.post, "/groups/g/requests").status == 202)
        let pending = try bob.call(.get, "/groups").decode(GroupList.self)
        #expect(
            pending.groups == [
                GroupSummary(
                    groupID: "g", owner: "ann", kind: .open, members: 1, isMember: false,
                    isPending: true)
            ])
        let requests = try ann.call(.get, "/groups/g/requests").decode(RequestList.self)
        #expect(requests.requests.map(\.userID) == ["bob"])
        #expect(try ann.call(.put, "/groups/g/members/bob").status == 204)
        let joined = try bob.call(.get, "/groups").decode(GroupList.self)
        #expect(joined.groups[0].isMember && !joined.groups[0].isPending)
        #expect(joined.groups[0].members == 2)
    }

    @Test func `what can't be done has its code`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        let group = CreateGroupRequest(groupID: "g", kind: .open)
        let bad = CreateGroupRequest(groupID: "a/b", kind: .open)
        let sealed = CreateGroupRequest(groupID: "s", kind: .sealed)
        #expect(try bob.call(.post, "/groups", group).errorCode == "group_exists")
        #expect(try bob.call(.post, "/groups", bad).errorCode == "invalid_id")
        #expect(try bob.call(.post, "/groups", sealed).status == 201)
        #expect(try bob.call(.post, "/groups/x/requests").errorCode == "no_such_group")
        #expect(try ann.call(.post, "/groups/g/requests").errorCode == "already_member")
        #expect(try bob.call(.post, "/groups/g/requests").status == 202)
        #expect(try bob.call(.post, "/groups/g/requests").errorCode == "already_requested")
        #expect(try bob.call(.get, "/groups/g/requests").errorCode == "not_owner")
        #expect(try bob.call(.get, "/groups/x/requests").errorCode == "no_such_group")
        #expect(try bob.call(.put, "/groups/g/members/bob").errorCode == "not_owner")
        #expect(try ann.call(.put, "/groups/g/members/cay").errorCode == "no_such_request")
        #expect(try bob.call(.delete, "/groups/g/members/ann").errorCode == "not_owner")
        #expect(try bob.call(.delete, "/groups/g/members/bob").errorCode == "not_member")
        #expect(try ann.call(.delete, "/groups/g/members/bob").errorCode == "no_such_member")
        #expect(try bob.call(.get, "/groups/g/files").errorCode == "not_member")
        #expect(try bob.call(.get, "/groups/x/files").errorCode == "no_such_group")
        #expect(try bob.call(.get, "/groups/g/files/f").errorCode == "not_member")
        #expect(try ann.call(.get, "/groups/g/files/f").errorCode == "no_such_file")
        #expect(try ann.call(.put, "/groups/g/files/f/share").errorCode == "no_such_file")
        #expect(try ann.call(.delete, "/groups/g/files/f/share").errorCode == "no_such_file")
        #expect(try bob.call(.put, "/groups/g/files/f/share").errorCode == "not_member")
    }

    @Test func `the owner rejects, and who asked may withdraw`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        for rejecting in [ann, bob] {
            #expect(try bob.call(.post, "/groups/g/requests").status == 202)
            #expect(try rejecting.call(.delete, "/groups/g/requests/bob").status == 204)
            let again = try rejecting.call(.delete, "/groups/g/requests/bob")
            #expect(again.errorCode == "no_such_request")
        }
    }

    @Test func `leaving tells who owns the group now, and the last one deletes it`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let left = try ann.call(.delete, "/groups/g/members/ann")
            .decode(MembershipRemovedResponse.self)
        #expect(left == MembershipRemovedResponse(newOwner: "bob", groupDeleted: false))
        let last = try bob.call(.delete, "/groups/g/members/bob")
            .decode(MembershipRemovedResponse.self)
        #expect(last == MembershipRemovedResponse(newOwner: nil, groupDeleted: true))
        #expect(try bob.call(.get, "/groups").decode(GroupList.self).groups.isEmpty)
    }

    @Test func `a long list is whole`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        for number in 0..<260 { try ann.createGroup("g\(number)") }
        #expect(try ann.call(.get, "/groups").decode(GroupList.self).groups.count == 260)
    }

    @Test(arguments: ["{", "[]", "{\"group_id\":1,\"kind\":\"open\"}", "{\"kind\":\"open\"}", ""])
    func `a body that isn't the expected JSON is refused`(body: String) throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.client.send(
            ann.client.request(
                .post, "/api/v1/groups", token: ann.session.token, body: Array(body.utf8)))
        let answer = try ann.client.answer(to: .post)
        #expect(answer.status == 400)
        #expect(answer.errorCode == "invalid_request")
    }
}
