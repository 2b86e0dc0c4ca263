import Testing
import Wire

@testable import PeerCore

/// Handshakes, duplicates, and what ends a connection.
struct SwarmConnectionTests {
    @Test func `a stranger gets a handshake and what we have`() {
        let script = SwarmScript(pieces: 4, have: [0, 2])
        #expect(script.join("a") == ["a < handshake", "a < bitfield a0"])
    }

    @Test func `one who has nothing sends no bitfield`() {
        #expect(SwarmScript().join("a") == ["a < handshake"])
    }

    @Test func `extensions are spoken with those who speak them, after the bitfield`() {
        let script = SwarmScript(have: [0])
        #expect(
            script.join("a", extensions: true)
                == ["a < handshake", "a < bitfield 80", "a < extended 0"])
    }

    @Test func `our extension handshake tells our name, port, queue, and their address`() throws {
        let script = SwarmScript(have: [0, 1, 2, 3])
        var outputs = SwarmOutputs()
        script.swarm.receive(
            .accepted(
                script.makeID("a"), SwarmScript.endpoint("a"),
                script.handshake("a", extensions: true)),
            at: script.now, into: &outputs)
        let skipped = Handshake.length + PeerMessage.bitfield([0xf0]).encoded().count
        var decoder = PeerMessageDecoder(maxFrameLength: 1 << 16, maxBlockLength: 1)
        var position = skipped
        let event = try outputs.bytes.withUnsafeBytes { raw throws(WireError) in
            try decoder.next(in: raw, from: &position)
        }
        guard case .message(.extended(0, let payload))? = event else {
            Issue.record("no extension handshake")
            return
        }
        let extensions = try ExtensionHandshake(decoding: payload)
        #expect(extensions.client == "mTorrent 0.1.0")
        #expect(extensions.requestQueueLength == 500)
        #expect(extensions.listenPort == 6881)
        #expect(extensions.yourIP == SwarmScript.endpoint("a").address)
        #expect(extensions.isUploadOnly == true)
    }

    @Test func `an announced endpoint is called and greeted`() {
        let script = SwarmScript()
        let a = SwarmScript.endpoint("a")
        #expect(script.tell(.announced(interval: .seconds(60), peers: [a])) == ["connect \(a)"])
        #expect(script.tell(.announced(interval: .seconds(60), peers: [a])) == [])
        #expect(script.tell(.connected(script.makeID("a"), a)) == ["a < handshake"])
        #expect(script.sendBytes("a", script.handshake("a").encoded()) == [])
        #expect(script.say("a", .bitfield([0x80])) == ["a < interested"])
    }

    @Test func `a handshake may come in pieces with messages behind it`() {
        let script = SwarmScript()
        _ = script.tell(.connected(script.makeID("a"), SwarmScript.endpoint("a")))
        let bytes = script.handshake("a").encoded() + PeerMessage.have(3).encoded()
        for byte in bytes.dropLast() { #expect(script.sendBytes("a", [byte]) == []) }
        #expect(script.sendBytes("a", [bytes.last!]) == ["a < interested"])
    }

    @Test func `another protocol or info-hash ends the connection`() {
        let script = SwarmScript()
        _ = script.tell(.connected(script.makeID("a"), SwarmScript.endpoint("a")))
        #expect(script.sendBytes("a", [UInt8]("HTTP".utf8)) == ["close a wrongHandshake"])
        _ = script.tell(.connected(script.makeID("b"), SwarmScript.endpoint("b")))
        var other = script.handshake("b")
        other.infoHash = InfoHash(repeatElement(8, count: 20))!
        #expect(script.sendBytes("b", other.encoded()) == ["close b wrongHandshake"])
        let lines = script.tell(.accepted(script.makeID("c"), SwarmScript.endpoint("c"), other))
        #expect(lines == ["close c wrongHandshake"])
    }

    @Test func `we recognize ourselves and never call again`() {
        let script = SwarmScript()
        let own = Endpoint("10.0.0.1:6881")!
        _ = script.advance(.seconds(2))
        #expect(
            script.tell(.announced(interval: .seconds(60), peers: [own])) == ["connect \(own)"])
        _ = script.tell(.connected(script.makeID("x"), own))
        let lines = script.tell(
            .accepted(script.makeID("y"), Endpoint("10.0.0.1:1")!, script.handshake("m")))
        #expect(lines == ["y < handshake", "close y connectedToSelf"])
        #expect(
            script.sendBytes("x", script.handshake("m").encoded()) == ["close x connectedToSelf"])
        #expect(script.advance(.seconds(5_000)).about("connect") == [])
    }

    /// Both sides connected to each other at the same time. `m` is this one.
    private func crossing(with name: String, outgoingFirst: Bool) -> [String] {
        let script = SwarmScript()
        let endpoint = SwarmScript.endpoint(name)
        let outgoing = script.makeID(name + "-out")
        let incoming = script.makeID(name + "-in")
        _ = script.tell(.connected(outgoing, endpoint))
        let answer = script.handshake(name).encoded()
        let port = Endpoint(address: endpoint.address, port: 40_000)
        if outgoingFirst {
            _ = script.sendBytes(name + "-out", answer)
            return script.tell(.accepted(incoming, port, script.handshake(name)))
        }
        _ = script.tell(.accepted(incoming, port, script.handshake(name)))
        return script.sendBytes(name + "-out", answer)
    }

    @Test func `of crossing connections the one of the higher peer id stays`() {
        // a < m < z: with a ours stays, with z theirs does, whichever was ready first.
        #expect(crossing(with: "a", outgoingFirst: true) == ["close a-in duplicate"])
        #expect(crossing(with: "a", outgoingFirst: false) == ["close a-in duplicate"])
        #expect(
            crossing(with: "z", outgoingFirst: true)
                == ["close z-out duplicate", "z-in < handshake"])
        #expect(crossing(with: "z", outgoingFirst: false) == ["close z-out duplicate"])
    }

    @Test func `a second connection of the same peer is refused unless the first is silent`() {
        let script = SwarmScript()
        script.join("a")
        #expect(script.accept("a", from: 50_001) == ["close a duplicate"])
        _ = script.advance(.seconds(31))
        #expect(script.accept("a", from: 50_002) == ["close a duplicate", "a < handshake"])
    }

    @Test func `no whole handshake in time ends the connection`() {
        let script = SwarmScript()
        _ = script.tell(.connected(script.makeID("a"), SwarmScript.endpoint("a")))
        _ = script.sendBytes("a", [19])
        #expect(script.advance(.seconds(19)).about("close") == [])
        #expect(script.advance(.seconds(2)).about("close") == ["close a handshakeTimeout"])
    }

    @Test func `a quiet connection is kept alive by us and left if they don't`() {
        let script = SwarmScript(have: [0])
        script.join("a")
        #expect(script.advance(.seconds(99)).about("a <") == [])
        #expect(script.advance(.seconds(2)).about("a <") == ["a < keepAlive"])
        #expect(script.advance(.seconds(70)).about("close") == [])
        _ = script.say("a", .keepAlive)
        #expect(script.advance(.seconds(170)).about("close") == [])
        #expect(script.advance(.seconds(11)).about("close") == ["close a idle"])
    }

    @Test func `too many connections are refused`() {
        let script = SwarmScript { $0.maxConnections = 1 }
        script.join("a")
        #expect(script.join("b") == ["close b tooManyConnections"])
        _ = script.tell(.closed(script.id("a")))
        #expect(script.join("c") == ["c < handshake"])
    }

    @Test func `a bitfield of wrong size or with spare bits ends the connection`() {
        let bad: [[PeerMessage]] = [
            [.bitfield([])], [.bitfield([0xf0, 0])], [.bitfield([0xf8])],
            [.bitfield([0x80]), .bitfield([0x80, 0])], [.have(1), .bitfield([0x81])],
            [.have(4)], [.have(.max)],
        ]
        for messages in bad {
            let script = SwarmScript()
            script.join("a")
            let lines = script.sendBytes("a", messages.flatMap { $0.encoded() })
            #expect(lines.about("close") == ["close a invalidHave"])
        }
    }

    @Test func `a bitfield that comes again or late adds what is new in it`() {
        let script = SwarmScript()
        script.join("a")
        let lines = script.say(
            "a", .bitfield([0x80]), .bitfield([0x80]), .have(1), .bitfield([0xe0]))
        #expect(lines == ["a < interested"])
        #expect(script.peers.map(\.pieces) == [3])
    }

    @Test func `extension messages and keep-alives may come before the bitfield`() {
        let script = SwarmScript()
        script.join("a", extensions: true)
        let extensions = ExtensionHandshake(client: "other 1.0").encoded()
        let lines = script.say(
            "a", .keepAlive, .extended(id: 0, payload: extensions), .extended(id: 3, payload: [1]),
            .port(5), .unknown(id: 99), .bitfield([0x10]))
        #expect(lines == ["a < interested"])
        #expect(script.peers.map(\.client) == ["other 1.0"])
    }

    @Test func `malformed bytes end this connection only`() {
        let script = SwarmScript()
        script.join("a")
        script.join("b")
        #expect(script.sendBytes("a", [0, 0, 0, 2, 0, 0]) == ["close a malformed"])
        #expect(script.say("b", .have(0)) == ["b < interested"])
        #expect(script.sendBytes("b", [0x7f, 0, 0, 0, 99]) == ["close b malformed"])
    }

    @Test func `a peer that changes its mind without end is left`() {
        let script = SwarmScript(have: [0]) { $0.maxStateMessages = 10 }
        script.join("a")
        for _ in 0..<20 {
            #expect(script.say("a", .choke, .unchoke).about("close") == [])
            _ = script.advance(.seconds(1))
        }
        let flood = [UInt8](
            repeatElement([.interested, .notInterested], count: 6).joined()
                .flatMap { (message: PeerMessage) in message.encoded() })
        #expect(script.sendBytes("a", flood).about("close") == ["close a messageFlood"])
    }

    @Test func `an introduction that can't be read is passed over, a handshake is not`() {
        let script = SwarmScript()
        script.join("a", extensions: true)
        #expect(
            script.say("a", .extended(id: 0, payload: [UInt8](repeating: 1, count: 3)))
                == [])
        let many = SwarmScript { $0.maxConnections = 0 }
        let endpoint = SwarmScript.endpoint("a")
        #expect(
            many.tell(.connected(many.makeID("a"), endpoint)) == ["close a tooManyConnections"])
    }

    @Test func `what comes for a closed connection is ignored`() {
        let script = SwarmScript()
        script.join("a")
        _ = script.sendBytes("a", [0, 0, 0, 2, 0, 0])
        #expect(script.say("a", .have(0)) == [])
        #expect(script.tell(.closed(script.id("a"))) == [])
        #expect(script.tell(.drained(script.id("a"))) == [])
    }

    @Test func `two seeds have nothing to say to each other`() {
        let script = SwarmScript(have: [0, 1, 2, 3])
        #expect(script.join("a", pieces: [0, 1, 2, 3]).last == "close a nothingToExchange")
        script.join("b", pieces: [0, 1, 2])
        #expect(script.say("b", .have(3)) == ["close b nothingToExchange"])
        script.join("c", extensions: true)
        let extensions = ExtensionHandshake(isUploadOnly: true).encoded()
        #expect(
            script.say("c", .extended(id: 0, payload: extensions))
                == ["close c nothingToExchange"])
    }

    @Test func `a peer's own port tells where it listens, and isn't called`() {
        let script = SwarmScript()
        script.join("a", extensions: true)
        let extensions = ExtensionHandshake(listenPort: 6881).encoded()
        _ = script.say("a", .extended(id: 0, payload: extensions))
        let a = SwarmScript.endpoint("a")
        _ = script.advance(.seconds(2))
        #expect(script.tell(.announced(interval: .seconds(9), peers: [a])) == [])
        #expect(script.peers.map(\.endpoint) == [a])
        _ = script.tell(.closed(script.id("a")))
        #expect(script.advance(.seconds(5)).about("connect") == ["connect \(a)"])
    }

    @Test func `stopping closes everything and says so, starting begins anew`() {
        let script = SwarmScript(have: [0])
        script.join("a")
        #expect(script.tell(.stop) == ["close a stopped", "announce stopped"])
        #expect(script.swarm.nextDeadline == nil)
        #expect(script.tell(.stop) == [])
        #expect(script.join("b") == ["close b stopped"])
        #expect(script.tell(.start) == ["announce started"])
        #expect(script.join("c") == ["c < handshake", "c < bitfield 80"])
    }

    @Test func `half-open connections are bounded`() {
        let script = SwarmScript { $0.maxHalfOpen = 2 }
        _ = script.advance(.seconds(2))
        let all = (1...5).map { Endpoint("10.0.1.\($0):6881")! }
        let first = script.tell(.announced(interval: .seconds(900), peers: all))
        #expect(first == ["connect \(all[0])", "connect \(all[1])"])
        #expect(script.tell(.connectFailed(all[0])) == ["connect \(all[2])"])
        #expect(script.tell(.connected(script.makeID("a"), all[1])) == ["a < handshake"])
        #expect(script.sendBytes("a", script.handshake("a").encoded()) == [])
        #expect(script.advance(.milliseconds(1)) == ["connect \(all[3])"])
    }
}
