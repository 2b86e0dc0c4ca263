import Foundation
import Glibc
import Testing
import Wire

/// Groups whose members alone get a byte.
@Suite(.inTurn) struct SealedGroupTests {
    /// Alice and Bob in a sealed group, with a file that Alice shares.
    private func pair(_ network: Network, size: Int = 3_000_000) async throws -> Network.Pair {
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        try await alice("create_group readers")
        try await bob("join_group readers")
        try await alice("accept_request readers bob")
        let original = try network.scratch.file("originals/book.bin", size: size, seed: 1)
        try await alice("upload_file \(original) readers")
        return Network.Pair(
            alice: alice, bob: bob, original: original, copy: network.scratch("copy.bin"),
            size: size)
    }

    private func infoHash(_ pair: Network.Pair) async throws -> InfoHash {
        let hex = try await pair.alice.fact("info_hash", of: "book.bin", in: "readers")
        return try #require(InfoHash(hex: hex))
    }

    @Test func `members share and download, from each other and after a restart`() async throws {
        let network = try await Network()
        let pair = try await pair(network)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
        // Bob's peer shares it again when he comes back, and Carol gets it from him alone.
        _ = try await pair.bob.quit()
        let again = try await network.again("bob", after: pair.bob)
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: again)
        _ = try await pair.alice.quit()
        let carol = try await network.member("carol")
        try await carol("join_group readers")
        let owner = try await network.again("alice", after: pair.alice)
        try await owner("accept_request readers carol")
        try await carol.download("book.bin", of: "readers", to: network.scratch("carol.bin"))
        #expect(try await same(network.scratch("carol.bin"), pair.original))
    }

    @Test func `who speaks without TLS gets nothing`() async throws {
        let network = try await Network()
        let pair = try await pair(network)
        let infoHash = try await infoHash(pair)
        let socket = try BlockingSocket(port: pair.alice.port, type: SOCK_STREAM)
        socket.send(try Handshake.stranger(infoHash).encoded())
        #expect(socket.receiveToEnd() == [])
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
    }

    @Test func `who has no certificate, or one of its own making, gets nothing`() async throws {
        let network = try await Network()
        let pair = try await pair(network)
        let name = try await infoHash(pair).hex
        let own = network.scratch("own.pem")
        let made = try await run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=bob", "-addext", "subjectAltName=DNS:*", "-keyout", own, "-out",
                own + ".crt",
            ])
        #expect(made.code == 0)
        let attempts = [[], ["-cert", own + ".crt", "-key", own]]
        for extra in attempts {
            let finished = try await run(
                "openssl",
                [
                    "s_client", "-ign_eof", "-connect", pair.alice.address, "-servername", name,
                ] + extra, input: ["hello"])
            let words = (finished.output + finished.errors).joined(separator: "\n")
            #expect(words.contains("alert"), "\(words)")
            #expect(!words.contains("BitTorrent protocol"))
        }
        // Nobody is there by another name, or without one.
        for extra in [["-servername", String(repeating: "0", count: 40)], ["-noservername"]] {
            let finished = try await run(
                "openssl", ["s_client", "-connect", pair.alice.address] + extra, input: [])
            let words = (finished.output + finished.errors).joined(separator: "\n")
            #expect(words.contains("unrecognized name"), "\(words)")
        }
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
    }

    /// Whoever has Bob's certificate and key is taken for Bob, whatever his peer does. Dave shares
    /// too, and hears of it from the tracker alone.
    @Test func `a removed member's connections end, new ones are refused, and the others go on`()
        async throws
    {
        let network = try await Network()
        let pair = try await pair(network, size: 8_000_000)
        let (carol, dave) = (try await network.member("carol"), try await network.member("dave"))
        for (user, peer) in [("carol", carol), ("dave", dave)] {
            try await peer("join_group readers")
            try await pair.alice("accept_request readers \(user)")
        }
        try await dave.download("book.bin", of: "readers", to: network.scratch("dave.bin"))
        let ticket = network.scratch("bob.torrent")
        try await pair.bob("export readers book.bin \(ticket)")
        let name = try await infoHash(pair)
        func visit(_ sharer: PeerProcess) throws -> ChildProcess {
            try visitor(sharer, name, ticket + ".pem")
        }
        var visitors: [ChildProcess] = []
        defer { for visitor in visitors { visitor.kill() } }
        for sharer in [pair.alice, dave] {
            let visitor = try visit(sharer)
            visitors.append(visitor)
            try await visitor.line("the sharer's handshake") { $0 == "BitTorrent protocol" }
        }
        // Slow enough that Carol is in the middle of it.
        for sharer in [pair.alice, dave] { try await sharer("limit up 500K") }
        try await carol("download_file readers book.bin \(network.scratch("carol.bin"))")
        _ = try await carol.download(of: "book.bin") { $0.received > 0 }
        try await pair.alice("remove_member readers bob")
        for visitor in visitors { try await visitor.line("the end") { $0 == "ended" } }
        for sharer in [pair.alice, dave] {
            let refused = try visit(sharer)
            visitors.append(refused)
            try await refused.line("the end") { $0 == "ended" }
            #expect(!refused.output.lines.contains("BitTorrent protocol"))
            try await sharer("limit up off")
        }
        try await carol("wait book.bin", within: .seconds(90))
        #expect(try await same(network.scratch("carol.bin"), pair.original))
        // And back again.
        try await pair.bob("join_group readers")
        try await pair.alice("accept_request readers bob")
        try await eventually("Bob is let in by Dave") {
            let again = try visit(dave)
            visitors.append(again)
            return try await again.line("what comes") { _ in true } == "BitTorrent protocol"
        }
    }

    /// Shows a certificate to a sharer, and says what comes: the name of the protocol, and the end.
    private func visitor(
        _ sharer: PeerProcess, _ name: InfoHash, _ pem: String
    ) throws -> ChildProcess {
        let handshake = Hex.encode(try Handshake.stranger(name).encoded())
        return try ChildProcess(
            "/usr/bin/python3",
            ["-u", "-c", Self.visitScript, "\(sharer.port)", name.hex, pem, handshake])
    }

    private static let visitScript = """
        import socket, ssl, sys
        port, name, pem, handshake = sys.argv[1:]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(pem)
        try:
            there = context.wrap_socket(
                socket.create_connection(('127.0.0.1', int(port))), server_hostname=name)
            there.sendall(bytes.fromhex(handshake))
            greeting = there.recv(20)
            if greeting:
                print(greeting[1:].decode())
            while there.recv(65536):
                pass
        except OSError:
            pass
        print('ended')
        """

    @Test func `a member that is removed gets no more, and the others go on`() async throws {
        let network = try await Network()
        let pair = try await pair(network, size: 40_000_000)
        let carol = try await network.member("carol")
        try await carol("join_group readers")
        try await pair.alice("accept_request readers carol")
        // Slow enough that they are in the middle of it.
        try await pair.alice("limit up 3M")
        let stolen = network.scratch("stolen.bin")
        try await pair.bob("download_file readers book.bin \(stolen)")
        try await carol("download_file readers book.bin \(network.scratch("carol.bin"))")
        _ = try await pair.bob.download(of: "book.bin") { $0.received > 0 }
        try await pair.alice("remove_member readers bob")
        try await pair.alice("limit up off")
        try await carol("wait book.bin", within: .seconds(90))
        #expect(try await same(network.scratch("carol.bin"), pair.original))
        #expect(!exists(stolen))
    }
}
