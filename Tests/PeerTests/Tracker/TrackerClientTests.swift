import Logging
import Reactor
import Testing
import Wire

@testable import Peer

struct TrackerClientTests {
    private let quiet = Logger(level: .error, sink: LogSink { _ in })
    private let turning: LoopUnderTest
    private let tracker: FakeTracker

    init() throws {
        turning = try LoopUnderTest()
        tracker = try FakeTracker(turning.loop)
    }

    private func client(
        _ trackers: [Endpoint]? = nil,
        _ change: (inout TrackerClient.Limits) -> Void = { _ in }
    ) -> TrackerClient {
        var limits = TrackerClient.Limits()
        change(&limits)
        return TrackerClient(
            loop: turning.loop, trackers: trackers ?? [tracker.endpoint], logger: quiet,
            limits: limits)
    }

    /// What a call is answered; nil where it isn't in time.
    private func result<Value>(
        _ call: (@escaping (Result<Value, TrackerError>) -> Void) -> Void
    ) -> Result<Value, TrackerError>? {
        var answer: Result<Value, TrackerError>?
        call { answer = $0 }
        #expect(answer == nil, "a completion isn't called from within the call")
        _ = turning.run { answer != nil }
        return answer
    }

    private func failure<Value>(
        _ call: (@escaping (Result<Value, TrackerError>) -> Void) -> Void
    ) -> TrackerError? {
        guard case .failure(let error) = result(call) else { return nil }
        return error
    }

    /// An endpoint where nobody listens.
    private func unusedEndpoint() throws -> Endpoint {
        let other = try FakeTracker(turning.loop)
        other.hangUp(andStop: true)
        return other.endpoint
    }

    @Test func `each call has its method, path and body`() throws {
        let client = client()
        client.token = "secret"
        var answered = 0
        func then<Value>(_ result: Result<Value, TrackerError>) { answered += 1 }
        client.createUser(CreateUserRequest(userID: "a", password: "p"), then: then)
        client.logOut(then: then)
        client.resetPasskey(then: then)
        client.groups(then: then)
        client.createGroup(CreateGroupRequest(groupID: "g", kind: .open), then: then)
        client.requestMembership(group: "g", then: then)
        client.requests(group: "g", then: then)
        client.acceptRequest(group: "g", user: "u", then: then)
        client.rejectRequest(group: "g", user: "u", then: then)
        client.removeMember(group: "g", user: "u", then: then)
        client.files(group: "g", then: then)
        client.file(group: "g", name: "ü/?#%.bin", then: then)
        client.addFile(group: "g", AddFileRequest(info: Base64Bytes([1, 2])), then: then)
        client.share(group: "g", name: "f", then: then)
        client.unshare(group: "g", name: "f", then: then)
        client.report(HoldingsReport(holdings: []), then: then)
        #expect(turning.run { answered == 16 })
        let lines = Set(tracker.heard.map(\.line))
        #expect(
            lines == [
                "POST /api/v1/users", "DELETE /api/v1/sessions/current", "GET /api/v1/groups",
                "POST /api/v1/passkey", "POST /api/v1/groups",
                "POST /api/v1/groups/g/requests", "GET /api/v1/groups/g/requests",
                "PUT /api/v1/groups/g/members/u", "DELETE /api/v1/groups/g/requests/u",
                "DELETE /api/v1/groups/g/members/u", "GET /api/v1/groups/g/files",
                "GET /api/v1/groups/g/files/%C3%BC%2F%3F%23%25.bin",
                "POST /api/v1/groups/g/files", "PUT /api/v1/groups/g/files/f/share",
                "DELETE /api/v1/groups/g/files/f/share", "PUT /api/v1/holdings",
            ])
        #expect(
            tracker.heard.allSatisfy { $0.request.header("authorization") == "Bearer secret" })
        let users = try #require(tracker.heard.first { $0.line == "POST /api/v1/users" })
        #expect(users.body == #"{"password":"p","user_id":"a"}"#)
        #expect(users.request.header("content-type") == "application/json")
        #expect(users.request.header("host") == tracker.endpoint.description)
        #expect(tracker.connectionCount <= 4)
    }

    @Test func `an answer is decoded, and one without content too`() throws {
        tracker.answer = { request in
            request.method == .get
                ? .json(
                    #"{"groups":[{"group_id":"g","owner":"o","kind":"open","members":2,"#
                        + #""is_member":true,"is_pending":false}]}"#)
                : .response(HTTPResponse(status: 204), keepAlive: true)
        }
        let client = client()
        let groups = try #require(try result { client.groups(then: $0) }?.get())
        #expect(groups.groups.map(\.groupID) == ["g"])
        _ = try #require(try result { client.logOut(then: $0) }?.get())
        #expect(tracker.connectionCount == 1)
    }

    @Test func `a refusal brings the tracker's own words`() {
        tracker.answer = { _ in .error(409, "group_exists", "there is a group g: name another") }
        let client = client()
        let error = failure {
            client.createGroup(CreateGroupRequest(groupID: "g", kind: .open), then: $0)
        }
        #expect(
            error
                == .refused(
                    status: 409, code: "group_exists", message: "there is a group g: name another"))
        #expect(error?.description == "there is a group g: name another")
    }

    @Test func `an error page of another server names tracker and status`() {
        tracker.answer = { _ in .json("<html>", status: 503) }
        let client = client()
        let error = failure { client.groups(then: $0) }
        #expect(
            error?.description == "tracker \(tracker.endpoint) answered 503 Service Unavailable")
    }

    @Test(arguments: ["SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
    func `what isn't HTTP is told as such`(greeting: String) {
        tracker.answer = { _ in .raw(Array(greeting.utf8)) }
        let client = client()
        guard case .malformed(let words)? = failure({ client.groups(then: $0) }) else {
            Issue.record("not malformed")
            return
        }
        #expect(
            words.hasPrefix("tracker \(tracker.endpoint) sent an answer that is not understood"))
    }

    @Test func `JSON that isn't what was asked for is told as such`() {
        let client = client()
        guard case .malformed(let words)? = failure({ client.groups(then: $0) }) else {
            Issue.record("not malformed")
            return
        }
        #expect(words.contains("groups"))
    }

    @Test func `a tracker that isn't there is named with the reason and the remedy`() throws {
        let nowhere = try unusedEndpoint()
        let client = client([nowhere])
        let error = failure { client.groups(then: $0) }
        #expect(
            error?.description
                == "tracker \(nowhere) can't be reached (connection refused): is it running?")
        // It is tried anew each time.
        let revived = try FakeTracker(turning.loop, port: nowhere.port) { _ in
            .json(#"{"groups":[]}"#)
        }
        #expect((try? result { client.groups(then: $0) }?.get()) != nil)
        #expect(revived.heard.count == 1)
    }

    @Test func `a connection is kept and used again`() {
        let client = client()
        for _ in 0..<5 { _ = result { client.logOut(then: $0) } }
        #expect(tracker.heard.count == 5)
        #expect(tracker.connectionCount == 1)
    }

    @Test func `a connection that the tracker ends after its answer isn't used again`() {
        tracker.answer = { _ in .json("{}", keepAlive: false) }
        let client = client()
        for _ in 0..<3 {
            guard case .success? = result({ client.logOut(then: $0) }) else {
                Issue.record("failed")
                return
            }
        }
        #expect(tracker.connectionCount == 3)
    }

    @Test func `a kept connection that turns out closed is replaced once`() {
        let client = client()
        _ = result { client.logOut(then: $0) }
        var isFirst = true
        tracker.answer = { _ in
            defer { isFirst = false }
            return isFirst ? .hangUp : .json("{}")
        }
        guard case .success? = result({ client.logOut(then: $0) }) else {
            Issue.record("failed")
            return
        }
        #expect(tracker.heard.count == 3)
        #expect(tracker.connectionCount == 2)
        // A connection that is new and closed is a tracker that can't be reached.
        tracker.answer = { _ in .hangUp }
        let error = failure { client.logOut(then: $0) }
        #expect(tracker.heard.count == 5)
        guard case .unreachable(tracker.endpoint, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `an answer that is cut off is a failure`() {
        tracker.answer = { [tracker] _ in
            turning.loop.schedule(after: .milliseconds(5)) { tracker.hangUp() }
            return .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123".utf8))
        }
        let client = client()
        guard case .unreachable? = failure({ client.logOut(then: $0) }) else {
            Issue.record("no failure")
            return
        }
    }

    @Test func `a tracker that doesn't answer in time has failed, and log-in has more of it`() {
        tracker.answer = { $0.path.hasSuffix("sessions") ? .json("{}") : .silence }
        let client = client {
            $0.request = .milliseconds(60)
            $0.login = .seconds(5)
        }
        let error = failure { client.logOut(then: $0) }
        #expect(
            error?.description
                == "tracker \(tracker.endpoint) can't be reached (no answer within 0.06 seconds):"
                + " is it running?")
        tracker.answer = { [tracker] _ in
            let answer = Array(
                """
                HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n\
                {"token":"t","user_id":"a","passkey":"p","network_id":"n"}       
                """.utf8)
            turning.loop.schedule(after: .milliseconds(150)) { tracker.send(answer) }
            return .silence
        }
        var random = SystemRandomness()
        let request = LoginRequest(
            userID: "a", password: "p", port: 1, peerID: PeerID(random: &random))
        #expect((try? result { client.logIn(request, then: $0) }?.get().token) == "t")
    }

    @Test func `the next tracker is asked when one can't be reached, and stays in use`() throws {
        let nowhere = try unusedEndpoint()
        let client = client([nowhere, tracker.endpoint])
        guard case .success? = result({ client.logOut(then: $0) }) else {
            Issue.record("failed")
            return
        }
        #expect(client.tracker == tracker.endpoint)
        _ = result { client.logOut(then: $0) }
        #expect(tracker.heard.count == 2)
        #expect(tracker.connectionCount == 1)
    }

    @Test func `when none can be reached the last one tried is named`() throws {
        let (first, second) = (try unusedEndpoint(), try unusedEndpoint())
        let client = client([first, second])
        let error = failure { client.logOut(then: $0) }
        #expect(error == .unreachable(second, "connection refused"))
    }

    @Test func `what may have been done isn't asked of another tracker`() throws {
        tracker.answer = { _ in .hangUp }
        let other = try FakeTracker(turning.loop)
        let client = client([tracker.endpoint, other.endpoint])
        let error = failure {
            client.createUser(CreateUserRequest(userID: "a", password: "p"), then: $0)
        }
        guard case .unreachable(tracker.endpoint, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(other.heard.isEmpty)
        // The next question goes to the other one at once.
        _ = result { client.logOut(then: $0) }
        #expect(other.heard.count == 1)
    }

    @Test func `many calls share a few connections in order`() {
        let client = client()
        var order: [Int] = []
        for number in 0..<100 { client.logOut { _ in order.append(number) } }
        #expect(turning.run { order.count == 100 })
        #expect(order.sorted() == Array(0..<100))
        #expect(tracker.connectionCount == 4)
    }

    @Test func `an announce goes to the group's path with the passkey, or to the open one`() throws
    {
        let peer = Endpoint(address: IPAddress(ipv4: 0x7F00_0001), port: 7001)
        tracker.answer = { _ in
            var body: [UInt8] = []
            AnnounceResponse(interval: 1800, complete: 1, incomplete: 0, peers: [peer])
                .encode(compact: true, into: &body)
            return .response(HTTPResponse(status: 200, body: body), keepAlive: true)
        }
        let client = client()
        var random = SystemRandomness()
        let request = AnnounceRequest(
            infoHash: try #require(InfoHash([UInt8](repeating: 0xFE, count: 20))),
            peerID: PeerID(random: &random), port: 7002, left: 5, event: .started)
        let response = try #require(
            try result { client.announce(request, passkey: "k3y", then: $0) }?.get())
        #expect(response.interval == 1800)
        #expect(response.peers == [peer])
        _ = result { client.announce(request, passkey: nil, then: $0) }
        #expect(tracker.heard.map(\.line) == ["GET /announce/k3y", "GET /announce"])
        let query = try #require(tracker.heard[0].request.query)
        #expect(try AnnounceRequest(parsingQuery: Array(query.utf8)) == request)
    }

    @Test func `a refused announce brings the tracker's reason`() throws {
        tracker.answer = { _ in
            var body: [UInt8] = []
            AnnounceFailure(reason: "not a member").encode(into: &body)
            return .response(HTTPResponse(status: 403, body: body), keepAlive: true)
        }
        let client = client()
        var random = SystemRandomness()
        let request = AnnounceRequest(
            infoHash: try #require(InfoHash([UInt8](repeating: 1, count: 20))),
            peerID: PeerID(random: &random), port: 7002, left: 5)
        #expect(
            failure { client.announce(request, passkey: "k", then: $0) }
                == .refused(status: 403, code: "announce_refused", message: "not a member"))
        tracker.answer = { _ in .json("not bencoded") }
        guard case .malformed? = failure({ client.announce(request, passkey: "k", then: $0) })
        else {
            Issue.record("not malformed")
            return
        }
    }
}
