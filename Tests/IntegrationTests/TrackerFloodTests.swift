import Foundation
import Glibc
import Testing

/// The tracker beside those who want to keep it from others.
@Suite(.inTurn) struct TrackerFloodTests {
    private func tracker(_ scratch: Scratch, openFiles: Int? = nil) async throws -> TrackerProcess {
        try await TrackerProcess(
            dataFolder: scratch("data"),
            options: ["--announces-per-address", "off", "--connections-per-address", "10000"],
            openFiles: openFiles)
    }

    private func announce(on socket: BlockingSocket) throws {
        socket.send(AnnounceBytes.overHTTP)
        let answer = String(decoding: try #require(socket.receive()), as: UTF8.self)
        try #require(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("8:interval"))
    }

    @Test func `five thousand that dribble are told to go, announces beside them are answered`()
        async throws
    {
        let scratch = try Scratch()
        let tracker = try await tracker(scratch)
        let others = try BlockingSocket(port: tracker.port, type: SOCK_STREAM)
        let count = 5000
        var slow = try (0..<count).map { _ in try Connection(port: tracker.port) }
        for connection in slow { connection.send(Array("GET /announce?info_hash=".utf8)) }
        try await eventually(
            "the end of the slow ones", within: .seconds(60), longestPause: .milliseconds(500)
        ) {
            for connection in slow { connection.send([UInt8(ascii: "a")]) }
            for _ in 0..<50 { try announce(on: others) }
            slow.removeAll { $0.isClosed }
            return slow.isEmpty
        }
        let (_, metrics) = try await tracker.get("/metrics")
        #expect(metrics.contains("mtorrent_calls_total{status=\"4xx\"} \(count)\n"))
        try announce(on: others)
    }

    @Test func `a hundred thousand junk datagrams leave nothing, and others are answered`()
        async throws
    {
        let scratch = try Scratch()
        let tracker = try await tracker(scratch)
        let flood = try BlockingSocket(port: tracker.port, type: SOCK_DGRAM)
        let client = try BlockingSocket(port: tracker.port, type: SOCK_DGRAM, milliseconds: 100)
        try announce(overUDP: client, 1)
        let before = try Footprint(of: tracker.process.pid)
        let junk = Self.junk(2000)
        for round in 0..<50 as Range<UInt32> {
            for datagram in junk { flood.send(datagram) }
            try announce(overUDP: client, round + 3)
        }
        try announce(overUDP: client, 2)
        let after = try Footprint(of: tracker.process.pid)
        #expect(after.descriptors <= before.descriptors)
        #expect(after.anonymous < before.anonymous + 16 << 20, "\(before), then \(after)")
        #expect(try await tracker.get("/metrics").body.contains("\nmtorrent_peers 1\n"))
    }

    /// Datagrams of up to 600 bytes; half of them look like requests.
    private static func junk(_ count: Int) -> [[UInt8]] {
        var random = Randomness(seed: 8)
        return (0..<count).map { number in
            let length = Int.random(in: 0...600, using: &random)
            var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            if number % 2 == 0, length >= 16 {
                bytes.replaceSubrange(0..<16, with: AnnounceBytes.connect(UInt32(number)))
                bytes[11] = UInt8.random(in: 0...3, using: &random)
            }
            return bytes
        }
    }

    /// Asks again where a datagram was lost, as UDP allows in a flood.
    private func announce(overUDP client: BlockingSocket, _ transaction: UInt32) throws {
        for attempt in 0..<300 as Range<UInt32> {
            let number = transaction << 10 | attempt
            guard
                let connected = answer(to: AnnounceBytes.connect(number), number, of: client),
                let announced = answer(
                    to: AnnounceBytes.announce(Array(connected.suffix(8)), number), number,
                    of: client)
            else { continue }
            try #require(announced[3] == 1 && announced.count >= 20)
            return
        }
        throw NotInTime(description: "no announce was answered")
    }

    private func answer(
        to request: [UInt8], _ transaction: UInt32, of client: BlockingSocket
    ) -> [UInt8]? {
        client.send(request)
        while let answer = client.receive() {
            if answer.count >= 16, Array(answer[4..<8]) == AnnounceBytes.bigEndian(transaction) {
                return answer
            }
        }
        return nil
    }

    @Test func `out of descriptors it serves those it has, and takes others when some go`()
        async throws
    {
        let scratch = try Scratch()
        let tracker = try await tracker(scratch, openFiles: 64)
        let first = try BlockingSocket(port: tracker.port, type: SOCK_STREAM)
        try announce(on: first)
        var idle = try (0..<100).map { _ in try Connection(port: tracker.port) }
        try await eventually("all descriptors taken") {
            try Footprint(of: tracker.process.pid).allDescriptors >= 64
        }
        let waiting = try (0..<20).map { _ in
            try BlockingSocket(port: tracker.port, type: SOCK_STREAM, milliseconds: 30_000)
        }
        for socket in waiting { socket.send(AnnounceBytes.overHTTP) }
        for _ in 0..<200 { try announce(on: first) }
        idle.removeAll()
        for socket in waiting {
            let answer = String(decoding: try #require(socket.receive()), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
        }
        try announce(on: first)
        #expect(tracker.process.exitStatus == nil)
    }

    @Test(arguments: [
        ("GET /announce?\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n\(String(repeating: "X: y\r\n", count: 70))\r\n", 431
        ),
        ("POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        ("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("GET / HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n", 417),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ])
    func `what is too long or of another kind is refused by its number`(
        request: String, status: Int
    ) async throws {
        let scratch = try Scratch()
        let tracker = try await tracker(scratch)
        let socket = try BlockingSocket(port: tracker.port, type: SOCK_STREAM)
        socket.send(request)
        let answer = String(decoding: try #require(socket.receiveToEnd()), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        try announce(on: try BlockingSocket(port: tracker.port, type: SOCK_STREAM))
    }
}
