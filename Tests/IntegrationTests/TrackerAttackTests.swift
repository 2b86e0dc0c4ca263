import Foundation
import Testing
import Wire

/// What strangers may try at a tracker: nothing leaks, and the others go on.
@Suite(.inTurn) struct TrackerAttackTests {
    /// A tracker takes 1,000 handshakes at a time, 100 of an address.
    @Test func `ten thousand handshakes that aren't ended keep nobody out of a tracker`()
        async throws
    {
        let scratch = try Scratch()
        let tracker = try await TrackerProcess(dataFolder: scratch("tracker"))
        let list = try scratch.text(
            "tracker_info.txt", "127.0.0.1 \(tracker.port) \(try await tracker.pin())\n")
        let before = try Footprint(of: tracker.process.pid)
        let (flood, most) = try await HalfHandshakes.tenThousand(
            at: tracker.port, of: tracker.process, name: "tracker", limit: 1000)
        #expect(most <= before.descriptors + 1300)
        // By TLS, since the list names the certificate.
        let ann = try await PeerProcess(tracker: list, dataFolder: scratch("ann"))
        try await ann.enter(as: "ann")
        try await ann("create_group readers")
        let now = try Footprint(of: tracker.process.pid)
        #expect(now.anonymous <= before.anonymous + 96 << 20, "\(before) → \(now)")
        flood.end()
        #expect(try await ann.quit() == .exited(0))
        try await eventually("as few descriptors as before") {
            try Footprint(of: tracker.process.pid).descriptors <= before.descriptors
        }
    }

    /// All at once, on 400 connections from one address.
    @Test func `ten thousand guesses at a password get a hundred looks, and others log in`()
        async throws
    {
        let network = try await Network()
        let ann = try await network.visitor("ann")
        try await ann("create_user ann \(Network.password("ann"))")
        // Under a sanitizer all of them take a tracker longer than a client waits for it.
        let count = Sanitizer.inUse == nil ? 10_000 : 1_000
        let guesses = try Guesses(of: "ann", count: count, port: network.tracker.port)
        // From another address.
        let bob = try await network.member("bob")
        try await bob("create_group readers")
        try await eventually("all answers", within: .seconds(120)) { guesses.haveAllEnded() }
        let statuses = guesses.statuses()
        #expect(statuses.count == count)
        #expect(statuses.allSatisfy { $0 == 401 || $0 == 429 }, "\(Set(statuses))")
        let looks = statuses.count { $0 == 401 }
        #expect(looks > 0 && looks <= 100, "\(looks)")
        // Ann too, once the last guess has had its turn.
        try await eventually("Ann's log-in", within: .seconds(120)) {
            let command = "login ann \(Network.password("ann"))"
            return try await ann.answer(command, within: .seconds(60)).error == nil
        }
        try await ann("join_group readers")
        try await bob("accept_request readers ann")
    }

    /// Whoever has read a token goes on with it after its owner logged out, or logged in so often
    /// that it was given up.
    @Test func `a session that has ended opens nothing any more`() async throws {
        let stage = try await SealedStage(size: 300_000)
        let session = try await RawSession(of: "bob", at: stage.network)
        let replaced = try await RawSession(of: "bob", at: stage.network)
        let request = try await certificateRequest(stage.network.scratch)
        func tries(_ session: RawSession) async throws -> [Int] {
            [
                try await session.status("GET", "/api/v1/sessions/current"),
                try await session.status("GET", "/api/v1/groups/readers/files"),
                try await session.status(
                    "POST", "/api/v1/groups/readers/certificate", ["request": request]),
            ]
        }
        #expect(try await tries(session) == [200, 200, 200])
        #expect(try await session.status("DELETE", "/api/v1/sessions/current") == 204)
        #expect(try await tries(session) == [401, 401, 401])
        #expect(try await session.status("POST", "/api/v1/passkey") == 401)
        #expect(try await session.status("GET", "/api/v1/events") == 401)
        // A user has 32 sessions.
        #expect(try await tries(replaced) == [200, 200, 200])
        try await stage.bob("logout")
        for _ in 0..<31 { _ = try await RawSession(of: "bob", at: stage.network) }
        try await stage.network.logIn(stage.bob, as: "bob")
        #expect(try await tries(replaced) == [401, 401, 401])
        try await stage.bobIsServed()
    }

    /// PKCS #10 in PEM.
    private func certificateRequest(_ scratch: Scratch) async throws -> String {
        let made = try await run(
            "openssl",
            [
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=x", "-keyout", scratch("request.key"),
            ])
        #expect(made.code == 0)
        return made.output.joined(separator: "\n") + "\n"
    }
}

/// A session without a peer, by curl(1).
private struct RawSession {
    private let token: String
    private let network: Network

    init(of user: String, at network: Network) async throws {
        self.network = network
        let body: [String: Any] = [
            "user_id": user, "password": Network.password(user), "port": 9,
            "peer_id": String(repeating: "41", count: 20),
        ]
        let answer = try await Self.call(network, "POST", "/api/v1/sessions", body, token: nil)
        guard answer.status == 201,
            let told = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any],
            let token = told["token"] as? String
        else { throw CommandFailure(description: "no session: \(answer)") }
        self.token = token
    }

    func status(_ method: String, _ path: String, _ body: [String: Any]? = nil) async throws -> Int
    {
        try await Self.call(network, method, path, body, token: token).status
    }

    private static func call(
        _ network: Network, _ method: String, _ path: String, _ body: [String: Any]?, token: String?
    ) async throws -> (status: Int, body: Data) {
        var words = [
            "--silent", "--show-error", "--max-time", "60", "-X", method, "--write-out",
            "\n%{http_code}", "http://\(network.tracker.address)\(path)",
        ]
        if let token { words += ["-H", "Authorization: Bearer \(token)"] }
        if let body {
            let json = try JSONSerialization.data(withJSONObject: body)
            words += ["-H", "Content-Type: application/json"]
            words += ["--data", String(decoding: json, as: UTF8.self)]
        }
        let finished = try await run("curl", words, within: .seconds(90))
        guard finished.code == 0, let status = finished.output.last.flatMap({ Int($0) }) else {
            throw CommandFailure(description: "curl \(path): \(finished.errors)")
        }
        return (status, Data(finished.output.dropLast().joined(separator: "\n").utf8))
    }
}

/// Wrong passwords for one user, all sent at once.
private final class Guesses: @unchecked Sendable {
    private static let perConnection = 25
    private var open: [(connection: Connection, answer: [UInt8])] = []
    private var ended: [[UInt8]] = []

    init(of user: String, count: Int, port: UInt16) throws {
        for first in stride(from: 0, to: count, by: Self.perConnection) {
            let connection = try Connection(port: port, from: IPAddress(ipv4: 0x7f00_0002))
            let requests = (first..<first + Self.perConnection).map { number in
                let body =
                    "{\"user_id\":\"\(user)\",\"password\":\"guess number \(number)\","
                    + "\"port\":9,\"peer_id\":\"\(String(repeating: "41", count: 20))\"}"
                let isLast = number == first + Self.perConnection - 1
                return "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n"
                    + (isLast ? "Connection: close\r\n" : "")
                    + "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                    + body
            }
            connection.send(Array(requests.joined().utf8))
            open.append((connection, []))
        }
    }

    /// Reads what has come.
    func haveAllEnded() -> Bool {
        for index in open.indices.reversed() {
            if let bytes = open[index].connection.received() {
                open[index].answer += bytes
            } else {
                ended.append(open.remove(at: index).answer)
            }
        }
        return open.isEmpty
    }

    /// Of all answers.
    func statuses() -> [Int] {
        ended.flatMap { answer in
            String(decoding: answer, as: UTF8.self).components(separatedBy: "HTTP/1.1 ").dropFirst()
                .map { Int($0.prefix(3)) ?? 0 }
        }
    }
}
