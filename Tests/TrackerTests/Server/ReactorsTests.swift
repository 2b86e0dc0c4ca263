import Testing
import Wire

@testable import Tracker

/// Several reactors behind one port: which of them answers is the kernel's choice, and no client can
/// tell.
@Suite struct ReactorsTests {
    private let open = InfoHash(SHA1Hasher.hash([3]))

    private func tracker() throws -> RunningTracker { try RunningTracker { $0.reactors = 3 } }

    private func clients(_ count: Int, _ tracker: RunningTracker) throws -> [TestClient] {
        try (0..<count).map { _ in try tracker.connect() }
    }

    /// Asks until the answer is as it should be; what one reactor hears the others hear soon.
    private func soon(_ what: String, _ isSo: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            if try isSo() { return }
        }
        Issue.record("it didn't become so: \(what)")
    }

    private func number(_ name: String, _ tracker: RunningTracker) throws -> Int? {
        let text = String(
            decoding: try tracker.connect().call(.get, "/metrics").body, as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line?.split(separator: " ").last.flatMap { Int($0) }
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `at all addresses each reactor takes both families`(host: String) throws {
        let tracker = try RunningTracker(address: .any6(port: 0)) { $0.reactors = 3 }
        for _ in 0..<20 {
            let client = try TestClient(port: tracker.port, host: host)
            _ = try client.announce(open, passkey: nil, port: 7000)
            let datagrams = try TestDatagramClient(port: tracker.port, host: host)
            _ = try datagrams.announce(open, port: 7001)
        }
    }

    @Test func `whoever announces to one reactor is found through all`() throws {
        let tracker = try tracker()
        let datagrams = try (0..<40).map { _ in try TestDatagramClient(port: tracker.port) }
        for (index, client) in datagrams.enumerated() {
            _ = try client.announce(open, left: 1, port: UInt16(7000 + index))
        }
        let clients = try clients(40, tracker)
        for (index, client) in clients.enumerated() {
            _ = try client.announce(open, passkey: nil, left: 1, port: UInt16(8000 + index))
        }
        for client in clients {
            try soon("a scrape tells of all 80") {
                try client.scrape([open], passkey: nil).files[open]?.incomplete == 80
            }
        }
        for (index, client) in clients.enumerated() {
            let answer = try client.announce(
                open, passkey: nil, left: 1, port: UInt16(8000 + index), numwant: 200)
            #expect(answer.peers.count == 79)
        }
        let name = "mtorrent_announces_total{protocol=\"http\",outcome=\"entered\"}"
        #expect(try number(name, tracker) == 80)
        let own = tracker.inspect { $0.metrics.announceCounts.reduce(0, +) } ?? 0
        #expect(own < 120, "the first has answered alone")
        for (index, client) in datagrams.enumerated() {
            _ = try client.announce(open, event: 3, port: UInt16(7000 + index))
        }
        for client in clients {
            try soon("those who stopped are gone") {
                try client.scrape([open], passkey: nil).files[open]?.incomplete == 40
            }
        }
        #expect(tracker.stop())
    }

    @Test func `a connection id holds wherever it is used`() throws {
        let tracker = try tracker()
        let id = try TestDatagramClient(port: tracker.port).connectionID()
        for port in 1...40 as ClosedRange<UInt16> {
            let client = try TestDatagramClient(port: tracker.port)
            let bytes = client.announceBytes(open, connectionID: id, port: port)
            #expect(try client.ask(bytes).prefix(4) == [0, 0, 0, 1])
        }
    }

    @Test func `what was answered holds at once wherever the next request is answered`() throws {
        let tracker = try tracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        let clients = try clients(20, tracker)
        func allowed(_ infoHash: InfoHash, _ passkey: String) throws -> Int {
            var count = 0
            for client in clients {
                do {
                    _ = try client.announce(infoHash, passkey: passkey, left: 1, port: 9)
                    count += 1
                } catch AnnounceResponseError.failure {}
            }
            return count
        }
        for round in 0..<10 as Range<UInt8> {
            let group = "g\(round)"
            try ann.createGroup(group)
            let file = try ann.addFile("f", to: group, seed: round)
            #expect(try allowed(file, ann.session.passkey) == 20)
            #expect(try allowed(file, bob.session.passkey) == 0)
            try bob.join(group, of: ann)
            #expect(try allowed(file, bob.session.passkey) == 20)
            #expect(try ann.call(.delete, "/groups/\(group)/members/bob").status == 200)
            #expect(try allowed(file, bob.session.passkey) == 0)
        }
        let fresh = try ann.call(.post, "/passkey").decode(PasskeyResponse.self).passkey
        let file = try ann.info("f", in: "g0", seed: 0).infoHash
        #expect(try allowed(file, ann.session.passkey) == 0)
        #expect(try allowed(file, fresh) == 20)
    }

    @Test func `a connection may ask for anything, in any order`() throws {
        let tracker = try tracker()
        let ann = try tracker.member("ann")
        for client in try clients(20, tracker) {
            let announce = AnnounceRequest(
                infoHash: open, peerID: PeerID(open.storage), port: 5, left: 1)
            let path = "/announce?\(announce.query())"
            var requests = client.request(.get, path) + client.request(.get, "/healthz")
            requests += client.request(.get, "/api/v1/groups", token: ann.session.token)
            requests += client.request(.get, path) + client.request(.get, "/api/v1/network")
            // The last of it comes when the connection has moved already.
            try client.send(Array(requests.dropLast(7)))
            for _ in 0..<4 { #expect(try client.answer().status == 200) }
            try client.send(Array(requests.suffix(7)))
            #expect(try client.answer().decode(NetworkInfo.self).openSwarms)
            #expect(try client.announce(open, passkey: nil, port: 6).interval == 120)
            #expect(try client.call(.get, "/nothing").status == 404)
        }
    }

    @Test func `who goes offline is in no reactor's swarms`() throws {
        let tracker = try tracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let file = try ann.addFile("f", to: "g")
        var stream: TestEventStream? = try bob.events()
        _ = try bob.announce(file, port: 6000)
        let clients = try clients(20, tracker)
        func peers(_ client: TestClient) throws -> [UInt16] {
            try client.announce(file, passkey: ann.session.passkey, left: 1, port: 5000).peers
                .map(\.port)
        }
        for client in clients { try soon("bob is known") { try peers(client) == [6000] } }
        stream = nil
        for client in clients { try soon("bob is gone") { try peers(client) == [] } }
        #expect(stream == nil)
    }
}
