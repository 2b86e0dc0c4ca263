import Certificates
import Testing

@testable import Reactor

@Suite struct TLSHandshakeTests {
    @Test func `who says nothing is given up`() throws {
        try withLoop { loop in
            let half = try HalfPair(on: loop)
            defer { half.client.close() }
            let handshakes = TLSHandshakes()
            half.stream.secure(
                with: try TLSContext(.server, presenting: TestIdentity().identity),
                handshakes: handshakes, within: .milliseconds(20))
            #expect(handshakes.count == 1)
            runUntilClosed(loop, half.recorder)
            #expect(half.recorder.closeReasons == [.tls(.handshakeTimedOut)])
            #expect(handshakes.count == 0)
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{13}BitTorrent protocol", "SSH-2.0-x\r\n"])
    func `what isn't TLS is told apart`(text: String) throws {
        try withLoop { loop in
            let half = try HalfPair(on: loop)
            defer { half.client.close() }
            half.stream.secure(
                with: try TLSContext(.server, presenting: TestIdentity().identity))
            try half.client.send(Array(text.utf8))
            runUntilClosed(loop, half.recorder)
            #expect(half.recorder.closeReasons == [.tls(.notTLS)])
        }
    }

    @Test func `a server without TLS is found out`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.serverSide.onReceive = { $0.write(Array("HTTP/1.1 400 Bad\r\n\r\n".utf8)) }
            pair.client.secure(with: try TLSContext(.client))
            runUntilClosed(loop, pair.clientSide)
            #expect(pair.clientSide.closeReasons == [.tls(.notTLS)])
            #expect(pair.clientSide.connectCount == 1, "of TCP only")
        }
    }

    @Test func `a server that isn't the right one is sent nothing`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            pair.server.secure(
                with: try TLSContext(.server, presenting: TestIdentity().identity))
            pair.client.secure(with: try TLSContext(.client)) { _ in "it is another one" }
            pair.client.write(Array("secret".utf8))
            runUntilClosed(loop, pair.clientSide)
            runUntilClosed(loop, pair.serverSide)
            #expect(
                pair.clientSide.closeReasons == [.tls(.certificate("it is another one"))])
            #expect(pair.serverSide.received.isEmpty)
            #expect(pair.clientSide.connectCount == 1, "of TCP only")
        }
    }

    @Test func `more handshakes than may go on are refused, until one is over`() throws {
        try withLoop { loop in
            let context = try TLSContext(.server, presenting: TestIdentity().identity)
            let handshakes = TLSHandshakes(limit: 10, perAddress: 2)
            let halves = try (0..<3).map { _ in try HalfPair(on: loop) }
            defer { for half in halves { half.client.close() } }
            for half in halves { half.stream.secure(with: context, handshakes: handshakes) }
            runUntilClosed(loop, halves[2].recorder)
            #expect(halves[2].recorder.closeReasons == [.tls(.tooManyHandshakes)])
            #expect(handshakes.count == 2)
            halves[0].stream.close()
            let next = try Pair(on: loop)
            next.server.secure(with: context, handshakes: handshakes)
            next.client.secure(with: try TLSContext(.client))
            next.clientSide.onConnect = { $0.write([1]) }
            run(loop, untilReceived: 1, by: next.serverSide)
            #expect(handshakes.count == 1, "one that is done doesn't count")
        }
    }

    @Test func `where all places are taken, the address with the most gives its oldest`() {
        let handshakes = TLSHandshakes(limit: 4, perAddress: 3)
        let addresses = (1...4).map { SocketAddress(ipv4: $0, port: 1) }
        var ended: [String] = []
        func begin(_ name: String, _ address: SocketAddress) -> TLSHandshakes.Place? {
            handshakes.begin(from: address) { ended.append(name) }
        }
        let first = begin("a", addresses[0])
        let held = [begin("b", addresses[1]), begin("c", addresses[1].with(port: 2))]
        var last = begin("d", addresses[2])
        #expect(first != nil && held.allSatisfy { $0 != nil } && last != nil && ended.isEmpty)
        let next = begin("e", addresses[3])
        #expect(next != nil && ended == ["b"] && handshakes.count == 4)
        // Each has one now: the oldest of all.
        let another = begin("f", addresses[3])
        #expect(another != nil && ended == ["b", "a"] && handshakes.count == 4)
        last = nil
        #expect(last == nil && handshakes.count == 3)
        let free = begin("g", addresses[2])
        #expect(free != nil && ended == ["b", "a"] && handshakes.count == 4)
    }

    @Test func `a place that was taken away isn't given back twice`() {
        let handshakes = TLSHandshakes(limit: 1, perAddress: 1)
        var first = handshakes.begin(from: SocketAddress(ipv4: 1, port: 1)) {}
        let second = handshakes.begin(from: SocketAddress(ipv4: 2, port: 1)) {}
        #expect(first != nil && second != nil && handshakes.count == 1)
        first = nil
        #expect(first == nil && handshakes.count == 1)
    }

    @Test func `an IPv6 address is counted with its neighbours`() {
        let handshakes = TLSHandshakes(limit: 9, perAddress: 1)
        let addresses: [(UInt64, UInt64)] = [(1, 1), (1, 2), (2, 1)]
        let places = addresses.map { high, low in
            handshakes.begin(from: SocketAddress(ipv6: high, low, port: 1)) {}
        }
        #expect(places.map { $0 != nil } == [true, false, true])
    }

    @Test func `certificates and keys that don't fit are refused with words`() throws {
        let first = try TestIdentity().identity
        let second = try TestIdentity().identity
        let mixed = TLSIdentity(certificates: first.certificates, key: second.key)
        #expect(throws: TLSError.other("key values mismatch")) {
            try TLSContext(.server, presenting: mixed)
        }
        let empty = TLSIdentity(certificates: Array("none".utf8), key: first.key)
        #expect(throws: TLSError.other("no start line")) {
            try TLSContext(.server, presenting: empty)
        }
    }

    @Test func `a handshake may come byte by byte`() throws {
        let scratch = TLSScratch(readSize: 64 << 10)
        func session(_ context: TLSContext) -> TLSSession {
            TLSSession(
                context: context, handshakeTime: .seconds(1), early: [], check: { _ in nil })
        }
        let server = session(
            try TLSContext(.server, presenting: TestIdentity().identity))
        let client = session(try TLSContext(.client))
        func take(_ bytes: [UInt8], at end: TLSSession) throws -> [UInt8] {
            try bytes.withUnsafeBytes { received in
                let outcome = end.using(scratch, received: received) {
                    Result { end.isEstablished ? true : try end.goOnWithHandshake() }
                }
                _ = try outcome.get()
            }
            defer { scratch.records.pointee.count = 0 }
            let records = scratch.records.pointee
            return Array(UnsafeBufferPointer(start: records.bytes, count: records.count))
        }
        var toServer = try take([], at: client)
        var toClient: [UInt8] = []
        for _ in 0..<4 {
            toClient = try toServer.flatMap { try take([$0], at: server) }
            toServer = try toClient.flatMap { try take([$0], at: client) }
        }
        #expect(client.isEstablished && server.isEstablished)
    }

    @Test func `bytes that make no sense end the stream, and nothing else`() throws {
        try withLoop { loop in
            let context = try TLSContext(.server, presenting: TestIdentity().identity)
            for seed in 1...60 {
                let half = try HalfPair(on: loop)
                half.stream.secure(with: context)
                let noise = pattern(700, seed: UInt64(seed))
                // A record of a handshake, with a ClientHello's first bytes before the noise.
                let head: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]
                try half.client.send(Array(head.prefix(seed % 12)) + noise)
                half.client.close()
                runUntilClosed(loop, half.recorder)
                guard case .tls = half.recorder.closeReasons.first else {
                    Issue.record("\(half.recorder.closeReasons) with seed \(seed)")
                    continue
                }
                #expect(half.recorder.received.isEmpty)
            }
        }
    }
}
