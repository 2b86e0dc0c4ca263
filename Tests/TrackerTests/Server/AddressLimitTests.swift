import Foundation
import Testing
import TrackerCore
import Wire

@testable import Tracker

/// What one address may do, seen from outside.
@Suite struct ServedAddressLimitTests {
    private let query =
        "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-aaaaaaaaaaaa&port=6881&left=1"

    @Test func `an address that announces too often is told to come back, over HTTP and UDP`()
        throws
    {
        let tracker = try RunningTracker {
            $0.announces = AddressRate(perSecond: 0.01, burst: 5)
        }
        let client = try tracker.connect()
        for _ in 0..<5 {
            let answer = try client.call(.get, "/announce?\(query)")
            #expect(String(decoding: answer.body, as: UTF8.self).contains("8:interval"))
        }
        let refused = "d14:failure reason36:too many announces from your address8:retry ini1ee"
        for path in ["/announce?\(query)", "/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa"] {
            let answer = try client.call(.get, path)
            #expect(String(decoding: answer.body, as: UTF8.self) == refused)
        }
        let datagrams = try TestDatagramClient(port: tracker.port)
        let scrape = datagrams.head(try datagrams.connectionID(), 2, 9)
        let answer = try datagrams.ask(scrape + [UInt8](repeating: 1, count: 20))
        #expect(Array(answer[..<8]) == [0, 0, 0, 3, 0, 0, 0, 9])
        #expect(answer.count <= 36)
        #expect(try client.call(.get, "/healthz").status == 200)
        let metrics = String(decoding: try client.call(.get, "/metrics").body, as: UTF8.self)
        #expect(metrics.contains("announces_total{protocol=\"http\",outcome=\"refused\"} 1\n"))
    }

    @Test func `what a trusted proxy's clients do is counted by their own addresses`() throws {
        let tracker = try RunningTracker {
            $0.announces = AddressRate(perSecond: 0.01, burst: 1)
            $0.http.connectionsPerAddress = 1
            $0.trustedProxies = TrustedProxies([IPAddress(ipv4: 0x7f00_0001)])
        }
        for number in 1...5 {
            let client = try tracker.connect()
            var bodies: [String] = []
            for _ in 0..<2 {
                try client.send(
                    "GET /announce?\(query) HTTP/1.1\r\nHost: x\r\n"
                        + "X-Forwarded-For: 10.0.0.\(number)\r\n\r\n")
                bodies.append(String(decoding: try client.answer().body, as: UTF8.self))
            }
            #expect(bodies[0].contains("8:interval"))
            #expect(bodies[1].contains("14:failure reason"))
        }
    }

    @Test func `an address has so many connections, and gets new ones for old ones`() throws {
        let tracker = try RunningTracker { $0.http.connectionsPerAddress = 3 }
        var clients = try (0..<3).map { _ in try tracker.connect() }
        for client in clients { #expect(try client.call(.get, "/healthz").status == 200) }
        #expect(try tracker.connect().receiveToEnd() == "")
        let metrics = String(decoding: try clients[0].call(.get, "/metrics").body, as: UTF8.self)
        #expect(metrics.contains("mtorrent_connections_turned_away_total 1\n"))
        try clients[2].send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(try clients.removeLast().receiveToEnd().hasPrefix("HTTP/1.1 200"))
        let next = try tracker.connect()
        #expect(try next.call(.get, "/healthz").status == 200)
    }

    @Test func `wrong passwords from an address are turned away, right ones don't count`() throws {
        let tracker = try RunningTracker {
            $0.failedLogins = AddressRate(perSecond: 0.01, burst: 3)
            $0.loginPolicy.freeFailures = 100
        }
        _ = try tracker.member("ann")
        for _ in 0..<5 { _ = try tracker.logIn("ann") }
        let client = try tracker.connect()
        let peerID = try #require(PeerID(Array("-MT0100-aaaaaaaaaaaa".utf8)))
        func attempt(_ user: String) throws -> TestAnswer {
            let login = LoginRequest(userID: user, password: "wrong", port: 5, peerID: peerID)
            return try client.call(.post, "/api/v1/sessions", body: login)
        }
        for user in ["ann", "bob", "eve"] { #expect(try attempt(user).status == 401) }
        let answer = try attempt("mallory")
        #expect(answer.status == 429)
        #expect(answer.errorCode == "too_many_attempts")
        #expect(answer.head.header("retry-after").flatMap { Int($0) } ?? 0 > 0)
    }
}
