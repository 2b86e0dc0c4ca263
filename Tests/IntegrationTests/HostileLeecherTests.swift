import Foundation
import Testing
import Wire

/// Leechers that do what no peer should: others are served, and what the peer has of the machine
/// stays bounded and comes back.
@Suite(.inTurn) struct HostileLeecherTests {
    /// Alice shares; Bob will download from her.
    private struct Stage {
        let network: Network
        let file: Network.OpenFile
        let alice: PeerProcess
        let bob: PeerProcess
        /// Alice's, before anybody came.
        let before: Footprint

        init(size: Int = 16 << 20) async throws {
            network = try await Network()
            file = try network.openFile(size: size, pieceLength: 65_536)
            alice = try await network.visitor("alice")
            bob = try await network.visitor("bob")
            try await alice("share \(file.original) \(file.description)")
            before = try alice.footprint()
        }

        var infoHash: InfoHash { file.content.info.infoHash }

        func leecher(_ number: Int) throws -> Link {
            try .leecher(port: alice.port, infoHash, id: number)
        }

        /// Bob is served while the others do what they do, and Alice doesn't grow.
        func bobIsServed(growth: Int = 24 << 20) async throws {
            let copy = network.scratch("copy.bin")
            try await bob("get \(file.description) \(copy)")
            try await bob("wait book.bin", within: .seconds(60))
            #expect(try await same(copy, file.original))
            let now = try alice.footprint()
            #expect(now.anonymous <= before.anonymous + growth, "\(before) → \(now)")
        }

        /// Alice has as many descriptors as before, and one for Bob's connection.
        func aliceIsAsBefore() async throws {
            #expect(try await bob.quit() == .exited(0))
            // The shared file may stay open.
            try await alice.descriptors(fallTo: before.descriptors + 1)
        }
    }

    @Test func `leechers that ask and never read are in nobody's way`() async throws {
        let stage = try await Stage()
        let links = try await onThread {
            try (0..<40).map { number in
                let link = try stage.leecher(number)
                for request in stage.file.content.requests.prefix(500) {
                    try link.send(.request(request))
                }
                return Unchecked(link)
            }
        }
        try await stage.bobIsServed()
        // They are still there, with their blocks in the sockets.
        #expect(links.allSatisfy { $0.value.hears(within: 0) })
        for link in links { link.value.willReset() }
        _ = consume links
        try await stage.aliceIsAsBefore()
    }

    @Test(arguments: [false, true])
    func `a million requests of one block end in a bounded time`(reads: Bool) async throws {
        let stage = try await Stage()
        let flood = Task {
            try await onThread {
                let link = try stage.leecher(1)
                let request = PeerMessage.request(stage.file.content.requests[0]).encoded()
                let thousand = [UInt8]((0..<1000).map { _ in request }.joined())
                var blocks = 0
                do {
                    for _ in 0..<1000 {
                        try link.send(thousand)
                        while reads, link.hears(within: 0) {
                            if case .block = try link.next() { blocks += 1 }
                        }
                    }
                    while true { if case .block = try link.next() { blocks += 1 } }
                } catch {
                    return blocks
                }
            }
        }
        try await stage.bobIsServed()
        // It ends since she closes: nobody is owed a million blocks at once.
        let blocks = try await flood.value
        #expect(blocks < 100_000, "\(blocks)")
        try await stage.aliceIsAsBefore()
    }

    @Test func `a request that nothing can answer ends the connection`() async throws {
        let stage = try await Stage(size: (4 << 20) + 5)
        let info = stage.file.content.info
        let last = UInt32(info.pieceCount - 1)
        let length = UInt32(16_384)
        let requests = [
            BlockRequest(piece: last + 1, begin: 0, length: length),
            BlockRequest(piece: .max, begin: 0, length: length),
            BlockRequest(piece: 0, begin: 65_536, length: length),
            BlockRequest(piece: 0, begin: 65_535, length: 2),
            BlockRequest(piece: 0, begin: .max, length: length),
            BlockRequest(piece: 0, begin: .max, length: .max),
            BlockRequest(piece: last, begin: 0, length: 6),
            BlockRequest(piece: last, begin: 5, length: 1),
            BlockRequest(piece: 0, begin: 0, length: 0),
            BlockRequest(piece: 0, begin: 0, length: .max),
            BlockRequest(piece: 1, begin: 0, length: 1 << 31),
        ]
        for (number, request) in requests.enumerated() {
            let blocks = try await onThread {
                let link = try stage.leecher(number)
                let thousand = (0..<1000).map { _ in PeerMessage.request(request).encoded() }
                // What she doesn't take any more is no matter.
                try? link.send([UInt8](thousand.joined()))
                var blocks = 0
                do {
                    while true { if case .block = try link.next() { blocks += 1 } }
                } catch is LinkEnded {
                    return blocks
                }
            }
            #expect(blocks == 0, "\(request)")
        }
        // The last bytes there are can be had.
        let end = try await onThread {
            let link = try stage.leecher(100)
            try link.send(.request(BlockRequest(piece: last, begin: 4, length: 1)))
            while true { if case .block(_, let bytes) = try link.next() { return bytes } }
        }
        #expect(end == [stage.file.content.bytes[stage.file.content.size - 1]])
        try await stage.bobIsServed()
        try await stage.aliceIsAsBefore()
    }

    /// Each may be sent, but not this often; whether she closes or takes them all is hers to say.
    @Test func `messages by the hundred thousand are in nobody's way`() async throws {
        let stage = try await Stage()
        let block = stage.file.content.requests[0]
        let hello = ExtensionHandshake(messageIDs: ["ut_metadata": 1], requestQueueLength: 1)
        let metadata = MetadataMessage.request(piece: 0).encoded()
        let messages: [PeerMessage] = [
            .keepAlive, .choke, .unchoke, .interested, .notInterested, .have(0), .haveAll,
            .haveNone,
            .bitfield(stage.file.content.fullBitfield), .cancel(block), .reject(block),
            .suggest(0), .allowedFast(0), .port(1), .extended(id: 0, payload: hello.encoded()),
            .extended(id: 1, payload: metadata), .extended(id: 2, payload: metadata),
            .extended(id: 3, payload: metadata), .unknown(id: 200),
        ]
        let floods = Task {
            try await onThread {
                for (number, message) in messages.enumerated() {
                    let link = try Link(port: stage.alice.port)
                    var handshake = Handshake(
                        infoHash: stage.infoHash, peerID: .scripted(number))
                    handshake.supportsExtensionProtocol = true
                    handshake.supportsFastExtension = true
                    try link.send(handshake.encoded())
                    try link.send(.extended(id: 0, payload: hello.encoded()))
                    let thousand = [UInt8]((0..<1000).map { _ in message.encoded() }.joined())
                    for _ in 0..<100 {
                        guard (try? link.send(thousand)) != nil else { break }
                        while link.hears(within: 0), (try? link.next()) != nil {}
                    }
                }
            }
        }
        try await stage.bobIsServed()
        try await floods.value
        let now = try stage.alice.footprint()
        #expect(now.anonymous <= stage.before.anonymous + 24 << 20, "\(stage.before) → \(now)")
        try await stage.aliceIsAsBefore()
    }

    @Test func `half a handshake is waited for, but not without end`() async throws {
        let stage = try await Stage()
        let handshake = Handshake(infoHash: stage.infoHash, peerID: .scripted(1)).encoded()
        let connections = try (0..<300).map { number in
            let connection = try Connection(port: stage.alice.port)
            connection.send(Array(handshake[..<(number % 68)]))
            return connection
        }
        try await stage.bobIsServed()
        for connection in connections {
            try await eventually("its end", within: .seconds(60)) { connection.isClosed }
        }
        try await stage.aliceIsAsBefore()
    }

    /// Half of them are reset, the others closed.
    @Test func `five hundred connections from one address leave nothing behind`() async throws {
        let stage = try await Stage()
        let links = try await onThread {
            try (0..<500).map { number in
                let link = try Link(port: stage.alice.port)
                let handshake = Handshake(infoHash: stage.infoHash, peerID: .scripted(number))
                try link.send(handshake.encoded())
                try link.send(.interested)
                _ = try link.receiveHandshake()
                try link.send(.request(stage.file.content.requests[number % 200]))
                if number % 2 == 0 { link.willReset() }
                return Unchecked(link)
            }
        }
        #expect(try stage.alice.footprint().descriptors >= stage.before.descriptors + 500)
        try await stage.bobIsServed()
        _ = consume links
        try await stage.aliceIsAsBefore()
        let after = try stage.alice.footprint()
        #expect(after.anonymous <= stage.before.anonymous + 24 << 20, "\(after)")
    }
}

/// A link that threads hand on to each other, one at a time.
private struct Unchecked: @unchecked Sendable {
    let value: Link

    init(_ value: Link) { self.value = value }
}
