import Foundation
import Testing
import Wire

@testable import Tracker

@Suite struct HTTPServerTests {
    @Test func `answers come in the order of the requests, also where some take longer`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        let client = ann.client
        let token = ann.session.token
        let group = WireJSON.encode(CreateGroupRequest(groupID: "g", kind: .open))
        let account = WireJSON.encode(CreateUserRequest(userID: "bob", password: "x"))
        try client.send(
            client.request(.post, "/api/v1/users", body: account)
                + client.request(.get, "/healthz")
                + client.request(.post, "/api/v1/groups", token: token, body: group)
                + client.request(.get, "/nothing")
                + client.request(.get, "/api/v1/network"))
        let answers = try [HTTPMethod.post, .get, .post, .get, .get].map {
            try client.answer(to: $0)
        }
        #expect(answers.map(\.status) == [201, 200, 201, 404, 200])
        #expect(answers[1].body == Array("ok\n".utf8))
    }

    @Test func `a request split at every byte is answered`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        for byte in client.request(.get, "/healthz") { try client.send([byte]) }
        #expect(try client.answer().status == 200)
    }

    struct BadBytes: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: String
        let status: Int

        init(_ description: String, _ bytes: String, _ status: Int) {
            testDescription = description
            self.bytes = bytes
            self.status = status
        }

        static let all = [
            BadBytes("a handshake of peers", "\u{13}BitTorrent protocol", 400),
            BadBytes("no host", "GET / HTTP/1.1\r\n\r\n", 400),
            BadBytes("no version", "GET /\r\n\r\n", 400),
            BadBytes("another version", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
            BadBytes("bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", 400),
            BadBytes("two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
            BadBytes(
                "two lengths",
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                400),
            BadBytes(
                "chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
            BadBytes(
                "a huge body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
                413),
            BadBytes(
                "a long line", "GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n", 414),
            BadBytes(
                "a long header",
                "GET / HTTP/1.1\r\nHost: x\r\nA: \(String(repeating: "a", count: 17000))\r\n", 431),
        ]
    }

    @Test(arguments: BadBytes.all)
    func `bad bytes end their connection with a reason, and no other`(bad wrong: BadBytes) throws {
        let tracker = try RunningTracker()
        let (good, bad) = (try tracker.connect(), try tracker.connect())
        try good.send("GET /hea")
        try bad.send(wrong.bytes)
        let answer = try bad.receiveToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 \(wrong.status) "))
        #expect(answer.contains("Connection: close"))
        #expect(answer.contains("\"error\""))
        try good.send("lthz HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try good.answer().status == 200)
    }

    @Test func `random bytes do no harm`() throws {
        let tracker = try RunningTracker()
        for _ in 0..<200 {
            let client = try tracker.connect()
            let count = Int.random(in: 1...300)
            try? client.send((0..<count).map { _ in UInt8.random(in: 0...255) })
            client.shutdownWrite()
            _ = try client.receiveToEnd()
        }
        #expect(try tracker.connect().call(.get, "/healthz").status == 200)
    }

    @Test func `paths and methods that don't exist are said so`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let paths = [
            "/api", "/status", "/api/v1", "/api/v2/network", "/api/v1/nothing", "/announcement",
            "/api/v1/groups/g", "/api/v1/groups/g/files/f/x", "/api/v1/groups/%zz/files",
        ]
        for path in paths {
            let answer = try client.call(.get, path)
            #expect(answer.status == 404)
            #expect(answer.errorCode == "not_found")
        }
        let answer = try client.call(.delete, "/api/v1/network")
        #expect(answer.status == 405)
        #expect(answer.errorCode == "method_not_allowed")
        #expect(answer.head.header("allow") == "GET, HEAD")
    }

    @Test func `HEAD is answered with the head alone`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let full = try client.call(.get, "/api/v1/network")
        let head = try client.call(.head, "/api/v1/network")
        #expect(head.body.isEmpty)
        #expect(head.head.header("content-length") == String(full.body.count))
        #expect(try client.call(.get, "/healthz").status == 200)
    }

    @Test func `a connection is closed when the client asks for it`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        try client.send(
            "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                + "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        let all = try client.receiveToEnd()
        #expect(all.components(separatedBy: "HTTP/1.1 200").count == 2)
    }

    @Test func `who stops sending still gets the answers`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let account = WireJSON.encode(CreateUserRequest(userID: "ann", password: "x"))
        try client.send(client.request(.post, "/api/v1/users", body: account))
        client.shutdownWrite()
        #expect(try client.receiveToEnd().hasPrefix("HTTP/1.1 201"))
    }

    @Test func `a client that waits for leave to send its body gets it`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let body = WireJSON.encode(CreateUserRequest(userID: "ann", password: "x"))
        try client.send(
            "POST /api/v1/users HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                + "Content-Length: \(body.count)\r\n\r\n")
        let interim = String(decoding: try client.receive(), as: UTF8.self)
        #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send(body)
        #expect(try client.answer(to: .post).status == 201)
    }

    @Test func `a request that dribbles in is ended by its deadline`() throws {
        let tracker = try RunningTracker { $0.http.requestTime = .milliseconds(100) }
        let client = try tracker.connect()
        try client.send("GET /healthz HTTP/1.1\r\n")
        #expect(try client.receiveToEnd().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `an idle connection is closed by its deadline`() throws {
        let tracker = try RunningTracker { $0.http.idleTime = .milliseconds(100) }
        let client = try tracker.connect()
        #expect(try client.call(.get, "/healthz").status == 200)
        #expect(try client.receiveToEnd() == "")
    }

    @Test func `a client that never reads is not read either, and others are served`() throws {
        let tracker = try RunningTracker { $0.http.unreadAnswers = 64 << 10 }
        let deaf = try TestClient(port: tracker.port, timeout: 1)
        let requests = (0..<1000).flatMap { _ in deaf.request(.get, "/healthz") }
        var sent = 0
        // Until the kernel's buffers are full too: sending then times out.
        deaf.limitSending(milliseconds: 300)
        while (try? deaf.send(requests)) != nil, sent < 1000 { sent += 1 }
        #expect(sent < 1000)
        let good = try tracker.connect()
        #expect(try good.call(.get, "/healthz").status == 200)
    }

    @Test func `a client that never reads is closed in the end`() throws {
        let tracker = try RunningTracker {
            $0.http.unreadAnswers = 64 << 10
            $0.http.idleTime = .milliseconds(500)
        }
        let deaf = try TestClient(port: tracker.port, timeout: 1)
        let requests = (0..<1000).flatMap { _ in deaf.request(.get, "/healthz") }
        deaf.limitSending(milliseconds: 300)
        var reason = ""
        for _ in 0..<2000 where !(reason.contains("reset") || reason.contains("pipe")) {
            do { try deaf.send(requests) } catch { reason = "\(error)" }
        }
        #expect(reason.contains("reset") || reason.contains("pipe"), "\(reason)")
    }

    @Test func `incomplete requests together are bounded`() throws {
        let tracker = try RunningTracker { $0.http.incompleteRequests = 100_000 }
        let clients = try (0..<3).map { _ in try tracker.connect() }
        for client in clients {
            try client.send(
                "POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n")
            try client.send([UInt8](repeating: 0x20, count: 45_000))
        }
        #expect(try clients[2].receiveToEnd() == "")
        let good = try tracker.connect()
        #expect(try good.call(.get, "/healthz").status == 200)
    }

    @Test func `a stop answers what was asked and ends at once`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        let stream = try ann.events()
        let idle = try tracker.connect()
        #expect(try idle.call(.get, "/healthz").status == 200)
        let client = try tracker.connect()
        let account = WireJSON.encode(CreateUserRequest(userID: "bob", password: "x"))
        try client.send(client.request(.post, "/api/v1/users", body: account))
        // A turn that runs this has seen the request too.
        _ = tracker.inspect { _ in true }
        let clock = ContinuousClock()
        var hasStopped = false
        let time = clock.measure { hasStopped = tracker.stop() }
        #expect(hasStopped && time < .seconds(3))
        #expect(try stream.ends())
        #expect(try idle.receiveToEnd() == "")
        #expect(try client.receiveToEnd().hasPrefix("HTTP/1.1 201"))
        #expect(throws: ClientError.self) { try tracker.connect() }
    }
}
