import Testing
import Wire

@testable import Tracker

@Suite struct AnnounceTests {
    private func refusal(_ body: () throws -> AnnounceResponse) throws -> AnnounceFailure? {
        do {
            _ = try body()
            return nil
        } catch AnnounceResponseError.failure(let failure) {
            return failure
        }
    }

    @Test func `members of the group find each other`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let f = try ann.addFile("f", to: "g")
        let first = try ann.announce(f, event: .started)
        #expect(first.peers.isEmpty)
        #expect(first.interval == 120 && first.minInterval == 30)
        #expect(first.externalIP == IPAddress(ipv4: 0x7f00_0001))
        let second = try bob.announce(f, left: 9, event: .started, port: 6000)
        #expect(second.peers == [try #require(Endpoint("127.0.0.1:5000"))])
        #expect(second.complete == 1 && second.incomplete == 1)
        let third = try bob.announce(f, left: 0, event: .completed, port: 6000)
        #expect(third.complete == 2 && third.downloaded == 1 && third.peers.isEmpty)
        #expect(try bob.announce(f, event: .stopped, port: 6000).complete == 1)
    }

    @Test func `a passkey that was reset is refused at once, and its entries are gone`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let f = try ann.addFile("f", to: "g")
        _ = try ann.announce(f)
        let stream = try ann.events()
        guard case .share = try stream.next() else { throw ClientError("ann came online") }
        let answer = try ann.call(.post, "/passkey").decode(PasskeyResponse.self)
        #expect(answer.passkey != ann.session.passkey && answer.passkey.count == 32)
        #expect(try stream.next() == .passkey(PasskeyEvent(passkey: answer.passkey)))
        let failure = try refusal { try ann.announce(f) }
        #expect(failure?.reason.contains("unknown passkey") == true)
        #expect(try bob.announce(f, left: 1, port: 6000).peers.isEmpty)
        _ = try ann.client.announce(f, passkey: answer.passkey, port: 5000)
        #expect(try bob.announce(f, left: 1, port: 6000).peers.map(\.port) == [5000])
        let info = try ann.call(.get, "/sessions/current").decode(SessionInfo.self)
        #expect(info.passkey == answer.passkey)
    }

    @Test func `peers come as dictionaries where a client wants them so`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        _ = try ann.announce(f, port: 5000)
        let answer = try ann.announce(f, left: 1, port: 5001, compact: false)
        #expect(answer.peers.map(\.port) == [5000])
    }

    @Test func `who isn't a member learns nothing`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        _ = try ann.announce(f)
        let foreign = try refusal { try bob.announce(f) }
        let unknown = try refusal { try bob.announce(InfoHash(SHA1Hasher.hash([1]))) }
        #expect(foreign != nil && foreign == unknown)
        let client = try tracker.connect()
        let stranger = try refusal { try client.announce(f, passkey: nil, port: 1) }
        #expect(stranger?.reason.contains("passkey") == true)
        let wrongKeys = [String(repeating: "0", count: 32), "x", ""]
        for key in wrongKeys {
            let failure = try refusal { try client.announce(f, passkey: key, port: 1) }
            #expect(failure?.reason.contains("unknown passkey") == true)
            #expect(failure?.retryIn == .never)
        }
        #expect(try bob.client.scrape([f], passkey: bob.session.passkey).files.isEmpty)
        #expect(try client.scrape([f], passkey: nil).files.isEmpty)
        #expect(throws: AnnounceResponseError.self) {
            try client.scrape([f], passkey: String(repeating: "0", count: 32))
        }
    }

    @Test func `open swarms are for everybody, where they are on`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let open = InfoHash(SHA1Hasher.hash([1]))
        _ = try client.announce(open, passkey: nil, left: 1, port: 1)
        let answer = try client.announce(open, passkey: nil, left: 1, port: 2)
        #expect(answer.peers.map(\.port) == [1])
        #expect(try client.scrape([open], passkey: nil).files[open]?.incomplete == 2)
        let closed = try RunningTracker { $0.openSwarms = .off }
        let failure = try refusal {
            try closed.connect().announce(open, passkey: nil, port: 1)
        }
        #expect(failure?.reason.contains("members only") == true)
    }

    @Test func `swarms are open that were registered, where that is asked for`() throws {
        let tracker = try RunningTracker { $0.openSwarms = .registered }
        let client = try tracker.connect()
        let info = try client.call(.get, "/api/v1/network").decode(NetworkInfo.self)
        #expect(info.openSwarms && info.registeredOnly == true)
        let open = InfoHash(SHA1Hasher.hash([1]))
        func announce() throws -> AnnounceFailure? {
            try refusal { try client.announce(open, passkey: nil, left: 1, port: 1) }
        }
        #expect(try announce()?.reason.contains("share") == true)
        let path = "/open-swarms/\(open.hex)"
        #expect(try client.call(.put, "/api/v1" + path).status == 401)
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        for member in [ann, bob, ann] { #expect(try member.call(.put, path).status == 204) }
        #expect(try announce() == nil)
        #expect(try client.scrape([open], passkey: nil).files[open]?.incomplete == 1)
        #expect(try ann.call(.delete, path).status == 204)
        #expect(try ann.call(.delete, path).status == 404)
        #expect(try announce() == nil)
        #expect(try bob.call(.delete, path).status == 204)
        #expect(try announce() != nil)
        #expect(try client.scrape([open], passkey: nil).files.isEmpty)
        #expect(tracker.inspect { $0.swarms.peerCount } == 0)
        #expect(try ann.call(.put, "/open-swarms/xyz").status == 404)
    }

    /// As aria2 does by a magnet link, before it has the metadata.
    @Test func `who announces in an open swarm that nothing is left hears of seeders at first`()
        throws
    {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let open = InfoHash(SHA1Hasher.hash([1]))
        let seed = try client.announce(open, passkey: nil, port: 1)
        #expect(seed.peers.isEmpty)
        let fresh = try client.announce(open, passkey: nil, event: .started, port: 2)
        #expect(fresh.peers.map(\.port) == [1] && fresh.complete == 2)
        #expect(try client.announce(open, passkey: nil, port: 2).peers.map(\.port) == [1])
        let done = try client.announce(open, passkey: nil, event: .completed, port: 2)
        #expect(done.peers.isEmpty)
        let id = try #require(PeerID([UInt8](repeating: 7, count: 20)))
        for (uploaded, downloaded) in [(1, 0), (0, 1)] as [(UInt64, UInt64)] {
            let request = AnnounceRequest(
                infoHash: open, peerID: id, port: 3, uploaded: uploaded, downloaded: downloaded,
                left: 0)
            let answer = try client.call(.get, "/announce?\(request.query())")
            #expect(try AnnounceResponse(decoding: answer.body).peers.isEmpty)
        }
    }

    @Test func `no more peers are given than wanted, and never more than 200`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let open = InfoHash(SHA1Hasher.hash([1]))
        var requests: [UInt8] = []
        for port in 1...250 as ClosedRange<UInt16> {
            let request = AnnounceRequest(
                infoHash: open,
                peerID: try #require(
                    PeerID(Array("\(100 + port)".utf8) + [UInt8](repeating: 0, count: 17))),
                port: port, left: 1, numwant: 0)
            requests += client.request(.get, "/announce?\(request.query())")
        }
        try client.send(requests)
        for _ in 1...250 { #expect(try client.answer().status == 200) }
        for (numwant, count) in [(nil, 50), (0, 0), (7, 7), (200, 200), (100_000, 200)] {
            let answer = try client.announce(
                open, passkey: nil, left: 1, port: 999, numwant: numwant)
            #expect(answer.peers.count == count)
        }
    }

    @Test(arguments: [
        "", "info_hash=abc", "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&left=0",
        "info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&left=0&port=0",
        "info_hash=%zzaaaaaaaaaaaaaaaaaaa&peer_id=aaaaaaaaaaaaaaaaaaaa&left=0&port=1",
    ])
    func `a malformed query gets a reason, and the connection lives on`(query: String) throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let answer = try client.call(.get, "/announce?\(query)")
        #expect(answer.status == 200)
        #expect(String(decoding: answer.body, as: UTF8.self).hasPrefix("d14:failure reason"))
        #expect(try client.call(.get, "/healthz").body == Array("ok\n".utf8))
    }

    @Test func `an announce is a GET`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let answer = try client.call(.post, "/announce", body: ["a": "b"])
        #expect(answer.status == 405)
        #expect(answer.head.header("allow") == "GET, HEAD")
    }

    @Test func `a claimed address is not believed`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let open = InfoHash(SHA1Hasher.hash([1]))
        let id = try #require(PeerID([UInt8](repeating: 7, count: 20)))
        let request = AnnounceRequest(infoHash: open, peerID: id, port: 7, left: 1)
        _ = try client.call(.get, "/announce?\(request.query())&ip=203.0.113.9&ipv4=203.0.113.9")
        let answer = try client.announce(open, passkey: nil, left: 1, port: 8)
        #expect(answer.peers == [try #require(Endpoint("127.0.0.1:7"))])
    }
}
