import Foundation
import Testing
import Wire

/// What members and strangers may try at the port of who shares in a sealed group: nothing leaks,
/// and the others are served.
@Suite(.inTurn) struct SealedAttackTests {
    /// Mallory is in two groups of which Alice shares a file in each; a certificate is for one.
    @Test func `a certificate opens its own group's files alone`() async throws {
        let stage = try await SealedStage(size: 300_000)
        let (alice, scratch) = (stage.alice, stage.network.scratch)
        try await alice("create_group writers sealed")
        try await stage.mallory("join_group writers")
        try await alice("accept_request writers mallory")
        let other = try scratch.file("other.bin", size: 300_000, seed: 2)
        try await alice("upload_file \(other) writers")
        let torrent = scratch("writers.torrent")
        try await stage.mallory("export writers other.bin \(torrent)")
        let writers = try Ticket(torrent).info.infoHash
        let readers = stage.infoHash
        // With it she gets what it is for.
        let own = try SealedLink(port: alice.port, name: writers.hex, pem: torrent + ".pem")
        let greeting = try await onThread {
            try own.link.send(Handshake.stranger(writers).encoded())
            return try own.link.receiveHandshake()
        }
        #expect(greeting.infoHash == writers)
        // Not what is another group's, whether TLS is asked for it or only the handshake within.
        for (name, said) in [(readers, readers), (writers, readers), (readers, writers)] {
            let answer = try await SealedLink.answer(
                to: .stranger(said), port: alice.port, name: name.hex, pem: torrent + ".pem")
            #expect(answer.bytes == [], "asked for \(name), said \(said)")
        }
        try await stage.bobIsServed()
    }

    /// The passkey is Mallory's own, of another group than the info-hash.
    @Test func `a passkey of another group tells nobody's address`() async throws {
        let stage = try await SealedStage(size: 300_000)
        let network = stage.network
        let eve = try await network.member("eve")
        try await eve("create_group others sealed")
        try await eve("upload_file \(stage.original) others")
        try await eve("export others book.bin \(network.scratch("eve.torrent"))")
        let foreign = try Ticket(network.scratch("eve.torrent"))
        #expect(foreign.info.infoHash != stage.infoHash)
        #expect(try await network.announce(stage.infoHash, passkey: foreign.passkey).isRefused)
        #expect(try await network.scrape(stage.infoHash, passkey: foreign.passkey) == nil)
        guard
            case .peers(let found) = try await network.announce(
                stage.infoHash, passkey: stage.ticket.passkey)
        else {
            Issue.record("a member is refused")
            return
        }
        #expect(found.peers.map(\.description) == [stage.alice.address])
        try await stage.bobIsServed()
    }

    @Test func `an older version of TLS is refused by peers and trackers`() async throws {
        let stage = try await SealedStage(size: 300_000)
        let identity = ["-cert", stage.pem, "-key", stage.pem]
        let ends = [
            (stage.alice.address, ["-servername", stage.infoHash.hex] + identity),
            (stage.network.tracker.address, []),
        ]
        for version in ["-tls1", "-tls1_1", "-tls1_2"] {
            for (address, options) in ends {
                let finished = try await run(
                    "openssl",
                    [
                        "s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-ign_eof",
                        "-connect", address,
                    ] + options, input: ["GET /healthz HTTP/1.0\r\n\r\n"])
                let words = (finished.output + finished.errors).joined(separator: "\n")
                #expect(words.contains("alert protocol version"), "\(version): \(words)")
                #expect(!words.contains("BitTorrent protocol") && !words.contains("HTTP/1.1"))
            }
        }
        try await stage.bobIsServed()
    }

    @Test func `a request that nothing can answer ends a sealed connection`() async throws {
        let stage = try await SealedStage(size: (1 << 20) + 5)
        let info = stage.ticket.info
        let last = UInt32(info.pieceCount - 1)
        let rest = UInt32(info.length(ofPiece: Int(last)))
        let whole = UInt32(info.pieceLength)
        let requests = [
            BlockRequest(piece: last + 1, begin: 0, length: 16_384),
            BlockRequest(piece: .max, begin: 0, length: 16_384),
            BlockRequest(piece: 0, begin: whole, length: 16_384),
            BlockRequest(piece: 0, begin: whole - 1, length: 2),
            BlockRequest(piece: 0, begin: .max, length: .max),
            BlockRequest(piece: last, begin: 0, length: rest + 1),
            BlockRequest(piece: 0, begin: 0, length: 0),
            // Negative, to who takes it for a signed number.
            BlockRequest(piece: 0, begin: 0, length: .max),
            BlockRequest(piece: 0, begin: 1 << 31, length: 16_384),
        ]
        let frames = requests.map { PeerMessage.request($0).encoded() }
        // Messages of 4 GiB, and of 2.
        let announced: [[UInt8]] = [[0xff, 0xff, 0xff, 0xff, 7], [0x80, 0, 0, 0, 6]]
        for (number, frame) in (frames + announced).enumerated() {
            let sealed = try stage.leecher(number)
            let blocks = try await onThread {
                // What she doesn't take any more is no matter.
                try? sealed.link.send(frame + [UInt8](repeating: 0, count: 65_536))
                var blocks = 0
                do {
                    while true { if case .block = try sealed.link.next() { blocks += 1 } }
                } catch is LinkEnded {
                    return blocks
                }
            }
            #expect(blocks == 0, "\(frame)")
        }
        // The last byte there is can be had.
        let sealed = try stage.leecher(100)
        let end = try await onThread {
            try sealed.link.send(
                .request(BlockRequest(piece: last, begin: rest - 1, length: 1)))
            while true { if case .block(_, let bytes) = try sealed.link.next() { return bytes } }
        }
        let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: stage.original)))
        #expect(end == [original[original.count - 1]])
        try await stage.bobIsServed()
    }

    /// They ask for much, take a block, and halt.
    @Test func `members that ask and don't read are in nobody's way, and take little memory`()
        async throws
    {
        let stage = try await SealedStage(size: 16 << 20)
        let info = stage.ticket.info
        let requests = (0..<info.pieceCount).flatMap { piece in
            stride(from: 0, to: info.length(ofPiece: piece), by: 16_384).map { begin in
                BlockRequest(
                    piece: UInt32(piece), begin: UInt32(begin),
                    length: UInt32(min(16_384, info.length(ofPiece: piece) - begin)))
            }
        }
        let before = try stage.alice.footprint()
        let readers = try await onThread {
            try (0..<30).map { number in
                let sealed = try stage.leecher(number)
                for request in requests.prefix(500) { try sealed.link.send(.request(request)) }
                while true { if case .block = try sealed.link.next() { break } }
                sealed.openssl.signal(SIGSTOP)
                return sealed
            }
        }
        try await stage.bobIsServed()
        let now = try stage.alice.footprint()
        #expect(now.descriptors >= before.descriptors + readers.count)
        #expect(now.anonymous <= before.anonymous + 32 << 20, "\(before) → \(now)")
        for reader in readers { reader.openssl.kill() }
        #expect(try await stage.bob.quit() == .exited(0))
        // The shared file may stay open.
        try await stage.alice.descriptors(fallTo: before.descriptors + 1)
    }

    /// A peer takes 500 handshakes at a time, 50 of an address.
    @Test func `ten thousand handshakes that aren't ended keep no member out of a peer`()
        async throws
    {
        let stage = try await SealedStage()
        let before = try stage.alice.footprint()
        let (flood, most) = try await HalfHandshakes.tenThousand(
            at: stage.alice.port, of: stage.alice.process, name: stage.infoHash.hex, limit: 500)
        #expect(most <= before.descriptors + 800)
        let sealed = try stage.leecher(1)
        let block = try await onThread {
            try sealed.link.send(.request(BlockRequest(piece: 0, begin: 0, length: 16_384)))
            while true { if case .block(_, let bytes) = try sealed.link.next() { return bytes } }
        }
        #expect(block.count == 16_384)
        try await stage.bobIsServed()
        let now = try stage.alice.footprint()
        #expect(now.anonymous <= before.anonymous + 64 << 20, "\(before) → \(now)")
        flood.end()
        sealed.openssl.kill()
        #expect(try await stage.bob.quit() == .exited(0))
        try await stage.alice.descriptors(fallTo: before.descriptors + 1)
    }
}
