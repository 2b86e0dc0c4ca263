import Foundation
import Testing

/// The tracker's fronts against bytes that are nearly right: valid requests with some bytes changed,
/// left out, doubled or added. The seed is fixed, so that what fails fails again.
@Suite(.inTurn) struct TrackerFuzzTests {
    private static func mutated(_ bytes: [UInt8], _ random: inout Randomness) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...max(0, bytes.count - 1), using: &random)
            let end = min(bytes.count, place + Int.random(in: 1...40, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where place < bytes.count: bytes[place] = .random(in: 0...255, using: &random)
            case 1 where place < bytes.count:
                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.removeSubrange(min(place, end)..<end)
            case 3: bytes.insert(contentsOf: bytes[min(place, end)..<end], at: place)
            case 4: bytes = Array(bytes[..<min(place, bytes.count)])
            default: bytes += (0..<20).map { _ in .random(in: 0...255, using: &random) }
            }
        }
        return bytes
    }

    @Test func `nearly right datagrams are answered once at most, and strangers' shortly`()
        async throws
    {
        let scratch = try Scratch()
        let tracker = try await TrackerProcess(
            dataFolder: scratch("data"), options: ["--announces-per-address", "off"])
        let socket = try BlockingSocket(port: tracker.port, type: SOCK_DGRAM)
        socket.send(AnnounceBytes.connect(1))
        let connected = try #require(socket.receive())
        let id = Array(connected.suffix(8))
        let announce = AnnounceBytes.announce(id, 2)
        let path = Array("/announce/00112233445566778899aabbccddeeff".utf8)
        let templates = [
            AnnounceBytes.connect(9), announce, announce + [2, UInt8(path.count)] + path + [0],
            id + [0, 0, 0, 2, 0, 0, 0, 3] + [UInt8](repeating: 5, count: 60),
        ]
        var random = Randomness(seed: 15)
        for round in 0..<20_000 {
            let template = templates[round % templates.count]
            let sent = Self.mutated(template, &random)
            socket.send(sent)
            // Answers come in order: what comes before this one's is the other's.
            let mark = AnnounceBytes.connect(UInt32(round) | 0x8000_0000)
            socket.send(mark)
            var answers: [[UInt8]] = []
            while let answer = socket.receive() {
                if answer.count == 16, answer[4..<8] == mark[12..<16] { break }
                answers.append(answer)
                if answers.count > 1 { break }
            }
            try #require(answers.count <= 1, "round \(round)")
            guard let answer = answers.first, Array(sent.prefix(8)) != id else { continue }
            try #require(answer.count <= sent.count, "round \(round)")
        }
        #expect(tracker.process.exitStatus == nil)
        #expect(try await tracker.get("/healthz").body == "ok\n")
    }

    @Test func `nearly right requests are answered or end their connection, and no other's`()
        async throws
    {
        let scratch = try Scratch()
        let tracker = try await TrackerProcess(
            dataFolder: scratch("data"), options: ["--announces-per-address", "off"])
        let login = #"{"user_id":"ann","password":"x","port":5,"peer_id":"aaaa"}"#
        let templates = [
            "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-aaaaaaaaaaaa&port=6881"
                + "&left=1&event=started&key=12ab HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /announce/00112233445566778899aabbccddeeff?info_hash=%01%02aaaaaaaaaaaaaaaaaa"
                + "&peer_id=-XX0001-aaaaaaaaaaaa&port=6881&left=0 HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /scrape?info_hash=aaaaaaaaaaaaaaaaaaaa&info_hash=bbbbbbbbbbbbbbbbbbbb HTTP/1.1"
                + "\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
            "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: \(login.utf8.count)"
                + "\r\n\r\n\(login)",
            "GET /api/v1/groups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n"
                + "GET /status.json HTTP/1.0\r\n\r\n",
        ].map { Array($0.utf8) }
        var random = Randomness(seed: 23)
        let bystander = try BlockingSocket(port: tracker.port, type: SOCK_STREAM)
        for round in 0..<3000 {
            let connection = try BlockingSocket(port: tracker.port, type: SOCK_STREAM)
            connection.send(Self.mutated(templates[round % templates.count], &random))
            connection.endSending()
            let answer = try #require(connection.receiveToEnd(), "round \(round): no end")
            let isAnswer = answer.isEmpty || answer.starts(with: Array("HTTP/1.1 ".utf8))
            try #require(isAnswer, "round \(round): \(String(decoding: answer, as: UTF8.self))")
        }
        bystander.send(Array("GET /healthz HTTP/1.0\r\n\r\n".utf8))
        let answer = try #require(bystander.receiveToEnd())
        #expect(String(decoding: answer, as: UTF8.self).hasSuffix("ok\n"))
        #expect(tracker.process.exitStatus == nil)
    }
}
