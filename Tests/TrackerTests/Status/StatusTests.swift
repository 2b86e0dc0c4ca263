import Testing
import Wire

@testable import Tracker

@Suite struct StatusTests {
    private func get(
        _ target: String, of tracker: RunningTracker, _ fields: String...
    ) throws -> TestAnswer {
        let client = try tracker.connect()
        let lines = ["GET \(target) HTTP/1.1", "Host: localhost"] + fields + ["", ""]
        try client.send(lines.joined(separator: "\r\n"))
        return try client.answer()
    }

    @Test func `announces are counted by protocol and outcome`() throws {
        let tracker = try RunningTracker { $0.openSwarms = .on }
        let client = try tracker.connect()
        let hash = InfoHash(SHA1Hasher.hash([1]))
        _ = try client.announce(hash, passkey: nil, port: 1)
        _ = try client.announce(hash, passkey: nil, port: 2)
        _ = try? client.announce(hash, passkey: "x", port: 1)
        #expect(try client.call(.get, "/announce?x").status == 200)
        _ = try client.scrape([hash], passkey: nil)
        _ = try TestDatagramClient(port: tracker.port).announce(hash, port: 3)
        let text = String(decoding: try get("/metrics", of: tracker).body, as: UTF8.self)
        for line in [
            "mtorrent_announces_total{protocol=\"http\",outcome=\"entered\"} 2",
            "mtorrent_announces_total{protocol=\"http\",outcome=\"refused\"} 1",
            "mtorrent_announces_total{protocol=\"http\",outcome=\"malformed\"} 1",
            "mtorrent_announces_total{protocol=\"udp\",outcome=\"entered\"} 1",
            "mtorrent_announce_seconds_count{protocol=\"http\"} 4",
            "mtorrent_announce_seconds_bucket{protocol=\"udp\",le=\"+Inf\"} 1",
            "mtorrent_scrapes_total{protocol=\"http\"} 1", "mtorrent_swarms 1", "mtorrent_peers 3",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
        #expect(!text.contains("mtorrent_received_bytes_total{protocol=\"udp\"} 0\n"))
    }

    @Test func `nobody's name and no passkey is in the metrics`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann-of-metrics")
        try ann.createGroup("group-of-metrics")
        let text = String(decoding: try get("/metrics", of: tracker).body, as: UTF8.self)
        #expect(!text.contains("of-metrics") && !text.contains(ann.session.passkey))
        #expect(text.contains("mtorrent_users 1\n") && text.contains("mtorrent_groups 1\n"))
        #expect(text.contains("mtorrent_calls_total{status=\"2xx\"} 3\n"))
    }

    @Test func `the page is whole and asks nobody else`() throws {
        let tracker = try RunningTracker()
        let page = try get("/", of: tracker)
        let text = String(decoding: page.body, as: UTF8.self)
        #expect(page.status == 200 && text.hasSuffix("</html>\n"))
        #expect(page.head.header("content-type") == "text/html; charset=utf-8")
        #expect(page.head.header("content-security-policy")?.contains("default-src 'none'") == true)
        let numbers = try get("/status.json", of: tracker)
        #expect(String(decoding: numbers.body, as: UTF8.self).contains("\"samples\":[]"))
    }

    @Test func `a stranger needs the administrator's token`() throws {
        let token = "0123456789abcdef"
        let loopback = try #require(IPAddress("127.0.0.1"))
        let tracker = try RunningTracker {
            $0.trustedProxies = TrustedProxies([loopback])
            $0.administratorToken = token
        }
        let stranger = "X-Forwarded-For: 203.0.113.9"
        for target in ["/", "/metrics", "/status.json"] {
            #expect(try get(target, of: tracker).status == 200)
            #expect(try get(target, of: tracker, stranger).errorCode == "administrator_only")
            let wrong = "Authorization: Bearer \(token)x"
            #expect(try get(target, of: tracker, stranger, wrong).status == 403)
            let right = "Authorization: Bearer \(token)"
            #expect(try get(target, of: tracker, stranger, right).status == 200)
        }
    }

    @Test func `without a token the status is for this machine only`() throws {
        let loopback = try #require(IPAddress("127.0.0.1"))
        let tracker = try RunningTracker { $0.trustedProxies = TrustedProxies([loopback]) }
        let fields = ["X-Forwarded-For: 203.0.113.9", "Authorization: Bearer "]
        #expect(try get("/metrics", of: tracker, fields[0], fields[1]).status == 403)
    }

    @Test(arguments: [
        ("203.0.113.9", "203.0.113.9"), ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9,127.0.0.1", "203.0.113.9"), ("203.0.113.9 , 10.0.0.1", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"), ("nonsense", "127.0.0.1"),
        ("203.0.113.9, unknown", "127.0.0.1"), ("", "127.0.0.1"), ("10.0.0.1", "127.0.0.1"),
    ])
    func `a trusted proxy is believed as far as it knows`(chain: String, client: String) throws {
        let proxies = try ["127.0.0.1", "10.0.0.1"].map { try #require(IPAddress($0)) }
        let tracker = try RunningTracker { $0.trustedProxies = TrustedProxies(Set(proxies)) }
        let hash = InfoHash(SHA1Hasher.hash([1]))
        let request = AnnounceRequest(
            infoHash: hash, peerID: try #require(PeerID(Array("-XX0000-000000000000".utf8))),
            port: 5, left: 0)
        let answer = try get(
            "/announce?\(request.query())", of: tracker, "X-Forwarded-For: \(chain)")
        #expect(
            try AnnounceResponse(decoding: answer.body).externalIP == IPAddress(client))
    }

    @Test func `who is no trusted proxy isn't believed`() throws {
        let tracker = try RunningTracker()
        #expect(try get("/metrics", of: tracker, "X-Forwarded-For: 203.0.113.9").status == 200)
    }
}
