import Testing
import Wire

@testable import Tracker

@Suite struct DatagramTests {
    private let open = InfoHash(SHA1Hasher.hash([9]))

    @Test func `strangers find each other in an open swarm over UDP and over HTTP`() throws {
        let tracker = try RunningTracker()
        let client = try TestDatagramClient(port: tracker.port)
        let first = try client.announce(open, left: 5, event: 2, port: 5001)
        #expect(first == .init(interval: 120, leechers: 1, seeders: 0, peers: []))
        let second = try tracker.connect().announce(open, passkey: nil, port: 5002)
        #expect(second.peers.map(\.port) == [5001])
        let third = try client.announce(open, left: 5, port: 5001)
        #expect(third.seeders == 1 && third.peers == [127, 0, 0, 1, 0x13, 0x8a])
        let last = try client.announce(open, left: 5, event: 3, port: 5001)
        #expect(last == .init(interval: 120, leechers: 0, seeders: 1, peers: []))
    }

    @Test func `the passkey comes in the URL data`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let client = try TestDatagramClient(port: tracker.port)
        let path = "/announce/\(ann.session.passkey)"
        #expect(try client.announce(f, port: 5000, urlData: path).seeders == 1)
        #expect(try client.announce(f, port: 5000, urlData: path + "?x=1").seeders == 1)
        let padded = path + "?" + String(repeating: "x", count: 300)
        #expect(try client.announce(f, port: 5000, urlData: padded).seeders == 1)
        let id = try client.connectionID()
        for (urlData, word) in [
            (nil, "belongs to a group"), ("/announce", "belongs to a group"),
            ("/announce/" + String(repeating: "0", count: 32), "unknown passkey"),
            ("/announce/x", "unknown passkey"), ("/elsewhere", "unknown passkey"),
        ] {
            let bytes = client.announceBytes(f, connectionID: id, port: 1, urlData: urlData)
            #expect(try client.error(bytes).contains(word))
        }
    }

    @Test func `no answer is longer than what an unproven address sent`() throws {
        let tracker = try RunningTracker()
        let client = try TestDatagramClient(port: tracker.port)
        for count in [16, 17, 36, 98, 300] {
            for action in 0...2 as ClosedRange<UInt32> {
                let id = action == 0 ? TrackerDatagram.protocolID : UInt64.random(in: .min ... .max)
                var bytes = client.head(id, action, 3)
                bytes += [UInt8](repeating: 1, count: count - bytes.count)
                let answer = try client.ask(bytes)
                #expect(answer.count <= count)
                #expect(answer[3] == (action == 0 ? 0 : 3))
            }
        }
    }

    @Test func `what is no request isn't answered, and the next one is`() throws {
        let tracker = try RunningTracker()
        let client = try TestDatagramClient(port: tracker.port)
        try client.send([])
        try client.send([1])
        try client.send(client.head(TrackerDatagram.protocolID + 1, 0, 1))
        try client.send(client.head(TrackerDatagram.protocolID, 3, 1))
        try client.send([UInt8](repeating: 0xff, count: 3000))
        #expect(try client.connectionID() != 0)
    }

    @Test func `an announce that says nothing of use is told so`() throws {
        let tracker = try RunningTracker()
        let client = try TestDatagramClient(port: tracker.port)
        let id = try client.connectionID()
        let whole = client.announceBytes(open, connectionID: id, port: 7)
        for count in [16, 50, 97] {
            #expect(try client.error(Array(whole.prefix(count))) == "the announce is too short")
        }
        let portless = client.announceBytes(open, connectionID: id, port: 0)
        #expect(try client.error(portless) == "port is malformed")
        #expect(try client.error(client.head(id, 2, 4)) == "info_hash is missing")
    }

    @Test func `a scrape tells of open swarms and nothing of a group's`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        _ = try ann.announce(f)
        let client = try TestDatagramClient(port: tracker.port)
        _ = try client.announce(open, port: 5001)
        let id = try client.connectionID()
        let answer = try client.ask(client.head(id, 2, 4) + open.bytes + f.bytes)
        #expect(
            answer == [0, 0, 0, 2, 0, 0, 0, 4] + [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
                + [UInt8](repeating: 0, count: 12))
    }

    @Test func `over IPv6 come IPv6 peers`() throws {
        let tracker = try RunningTracker(address: .loopback6(port: 0))
        let client = try TestDatagramClient(port: tracker.port, host: "::1")
        _ = try client.announce(open, port: 5001)
        let answer = try client.announce(open, left: 1, port: 5002)
        #expect(answer.peers == [UInt8](repeating: 0, count: 15) + [1, 0x13, 0x89])
    }

    @Test func `a tracker at all addresses takes both families, and counts who uses both once`()
        throws
    {
        let tracker = try RunningTracker(address: .any6(port: 0))
        let (four, six) = try (
            TestClient(port: tracker.port), TestClient(port: tracker.port, host: "::1")
        )
        _ = try four.announce(open, passkey: nil, port: 5001, key: 7)
        let hybrid = try six.announce(open, passkey: nil, port: 5001, key: 7)
        #expect(hybrid.complete == 1 && hybrid.incomplete == 0)
        let answer = try four.announce(open, passkey: nil, left: 1, port: 5002)
        #expect(answer.complete == 1 && answer.incomplete == 1)
        #expect(answer.peers.map(\.description) == ["127.0.0.1:5001"])
        #expect(answer.peers6.map(\.description) == ["[::1]:5001"])
        let overIPv4 = try TestDatagramClient(port: tracker.port).announce(
            open, left: 1, port: 5003)
        #expect(overIPv4.seeders == 1 && overIPv4.peers.count.isMultiple(of: 6))
        let overIPv6 = try TestDatagramClient(port: tracker.port, host: "::1").announce(
            open, left: 1, port: 5004)
        #expect(overIPv6.seeders == 1 && overIPv6.peers.count.isMultiple(of: 18))
    }

    @Test func `an answer fits a frame however many peers are asked for`() throws {
        let tracker = try RunningTracker { $0.mostPeers = 10_000 }
        let client = try TestDatagramClient(port: tracker.port)
        let id = try client.connectionID()
        for port in 1...300 as ClosedRange<UInt16> {
            _ = try client.ask(client.announceBytes(open, connectionID: id, port: port))
        }
        let answer = try client.announce(open, left: 1, port: 301, wanted: 10_000)
        #expect(answer.seeders == 300 && answer.peers.count == 240 * 6)
    }
}
