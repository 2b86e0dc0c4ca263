import Foundation
import Testing
import Wire

/// Every port takes bytes that mean nothing, closes that connection, and serves the others.
@Suite(.inTurn) struct MalformedBytesTests {
    private static func frame(_ length: UInt32, _ rest: [UInt8] = []) -> [UInt8] {
        withUnsafeBytes(of: length.bigEndian) { Array($0) } + rest
    }

    /// What no program of good manners sends, whether a torrent is known or not.
    private static func rubbish(_ infoHash: InfoHash) throws -> [(String, [UInt8])] {
        let handshake = try Handshake.stranger(infoHash).encoded()
        let foreign = [19] + Array("BitTorrent protocol".utf8) + [UInt8](repeating: 7, count: 48)
        return [
            ("random bytes", TestBytes.make(count: 100_000, seed: 7)),
            ("a handshake for a torrent nobody has", foreign),
            ("a huge frame", handshake + frame(.max)),
            ("a frame of 2 GiB", handshake + frame(0x7fff_ffff, [20, 0])),
            ("a bitfield that is too long", handshake + frame(100_001, [5] + rest(100_000))),
            ("a piece nobody asked for", handshake + frame(16_393, [7] + rest(16_392))),
            ("a request out of the file", handshake + frame(13, [6] + rest(12, of: 0xff))),
            ("a have out of the file", handshake + frame(5, [4, 255, 255, 255, 255])),
            ("a request of the wrong length", handshake + frame(3, [6, 0, 0])),
            ("an extension message of rubbish", handshake + frame(6, [20, 0] + rest(4, of: 0x64))),
            ("TLS of rubbish", [UInt8](repeating: 0x16, count: 5000)),
            ("a line without an end", rest(200_000, of: UInt8(ascii: "A"))),
            ("half an HTTP request", Array("GET /api/v1/network HTTP/1.1\r\nHost: ".utf8)),
            (
                "two lengths",
                Array(
                    "POST /api/v1/users HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"
                        .utf8)
            ),
            (
                "a body that is too long",
                Array(
                    "POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
                        .utf8)
            ),
            ("nothing", []),
        ]
    }

    private static func rest(_ count: Int, of byte: UInt8 = 0) -> [UInt8] {
        [UInt8](repeating: byte, count: count)
    }

    @Test func `malformed bytes close their connection and harm no download`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20)
        let torrent = network.scratch("book.torrent")
        try await pair.alice("export readers book.bin \(torrent)")
        let infoHash = try Ticket(torrent).info.infoHash
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await brake.release(until: "a part of the file") {
            try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
        }
        for (what, bytes) in try Self.rubbish(infoHash) {
            for port in [network.tracker.port, pair.bob.port] {
                let connection = try Connection(port: port)
                connection.send(bytes)
                connection.finish()
                try await eventually("the end of \(what) at port \(port)") { connection.isClosed }
            }
        }
        #expect(try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle)
        try await brake.off()
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
        #expect(try await network.tracker.get("/healthz").status == 200)
    }

    /// These end without our saying that no more comes.
    @Test func `what can't become a message is closed at once`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        let torrent = network.scratch("book.torrent")
        try await pair.alice("export readers book.bin \(torrent)")
        let handshake = try Handshake.stranger(Ticket(torrent).info.infoHash).encoded()
        let cases: [(UInt16, [UInt8])] = [
            (pair.alice.port, TestBytes.make(count: 1000, seed: 7)),
            (pair.alice.port, handshake + Self.frame(.max, [7])),
            (pair.alice.port, handshake + Self.frame(0x20_0000, [99])),
            (pair.alice.port, handshake + Self.frame(13, [6] + Self.rest(12, of: 0xff))),
            (pair.alice.port, handshake + Self.frame(5, [4, 255, 255, 255, 255])),
            (network.tracker.port, TestBytes.make(count: 20_000, seed: 7)),
            (network.tracker.port, Self.rest(200_000, of: UInt8(ascii: "A"))),
        ]
        for (port, bytes) in cases {
            let connection = try Connection(port: port)
            connection.send(bytes)
            try await eventually("the end at port \(port)", within: .seconds(10)) {
                connection.isClosed
            }
        }
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a length that no message has is refused before the message`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1000)
        let torrent = network.scratch("book.torrent")
        try await pair.alice("export readers book.bin \(torrent)")
        let connection = try Connection(port: pair.alice.port)
        connection.send(
            try Handshake.stranger(Ticket(torrent).info.infoHash).encoded() + Self.frame(.max))
        try await eventually("the end", within: .seconds(10)) { connection.isClosed }
    }

    @Test func `who says nothing, or half of it, is not waited for without end`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        let handshake = [19] + Array("BitTorrent prot".utf8)
        let silent = try Connection(port: pair.alice.port)
        let halting = try Connection(port: pair.alice.port)
        halting.send(handshake)
        let request = try Connection(port: network.tracker.port)
        request.send(Array("GET /healthz HTTP/1.1\r\nHo".utf8))
        for connection in [silent, halting, request] {
            try await eventually("its end", within: .seconds(40)) { connection.isClosed }
        }
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `many connections that say nothing keep nobody out`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1_000_000)
        var connections: [Connection] = []
        for _ in 0..<400 {
            connections.append(try Connection(port: network.tracker.port))
            connections.append(try Connection(port: pair.alice.port))
        }
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
        #expect(connections.count == 800)
    }
}
