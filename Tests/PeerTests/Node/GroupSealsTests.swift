import Certificates
import Logging
import Reactor
import Testing
import Wire

@testable import Peer

/// What a peer knows of a sealed group, from the tracker's answers and its event stream, in every order.
struct GroupSealsTests {
    private let scratch = ScratchDirectory()
    private let turning: LoopUnderTest
    private let tracker: FakeTracker
    private let authority: CertificateAuthority
    private let node: Node
    private let seals: GroupSeals

    init() throws {
        turning = try LoopUnderTest()
        tracker = try FakeTracker(turning.loop) { _ in .silence }
        authority = try CertificateAuthority(name: "g", days: 1)
        let path = scratch.path
        node = try Node(
            loop: turning.loop,
            configuration: NodeConfiguration(
                listenAddress: .at(Endpoint(address: IPAddress(ipv4: 0x7f00_0001), port: 0)),
                trackers: [tracker.endpoint]),
            logger: Logger(level: .error, sink: LogSink { _ in })
        ) { (_) throws(CommandError) in try StateStore(directory: path) }
        node.tracker.token = "secret"
        seals = GroupSeals(node: node, key: try PrivateKey())
    }

    private var requests: [FakeTracker.Heard] {
        tracker.heard.filter { $0.line == "POST /api/v1/groups/g/certificate" }
    }

    /// Turns until the tracker has been asked so often.
    private func asked(_ count: Int) -> Bool {
        turning.run { requests.count >= count } && requests.count == count
    }

    private func response(to heard: FakeTracker.Heard, left: [String]) throws -> HTTPResponse {
        let asked = try WireJSON.decode(GroupCertificateRequest.self, from: heard.request.body)
        let certificate = try authority.sign(
            CertificateRequest(pem: Array(asked.request.utf8)), name: "ann", hosts: ["*"],
            seconds: -60..<3600)
        let answer = GroupCertificateResponse(
            certificate: String(decoding: try certificate.pem(), as: UTF8.self),
            authority: String(decoding: try authority.certificate.pem(), as: UTF8.self),
            left: left)
        return HTTPResponse(
            status: 200, headers: [("Content-Type", "application/json")],
            body: WireJSON.encode(answer))
    }

    /// Answers the last question, and turns until it has been taken.
    private func answer(left: [String]) throws {
        var bytes: [UInt8] = []
        try response(to: #require(requests.last), left: left).encode(into: &bytes, keepAlive: true)
        tracker.send(bytes)
    }

    private func obtain() -> () -> Bool {
        final class Flag { var isSet = false }
        let flag = Flag()
        seals.obtain("g") { _ in flag.isSet = true }
        return { flag.isSet }
    }

    private func end() {
        seals.stop()
        node.stop()
    }

    @Test func `who is removed while a certificate is being asked for stays out`() throws {
        let isThere = obtain()
        #expect(asked(1))
        seals.userLeft("bob", "g")
        try answer(left: [])
        #expect(turning.run(until: isThere))
        #expect(seals.seal(of: "g") != nil && seals.hasLeft("bob", "g"))
        end()
    }

    @Test func `who is readmitted while a certificate is being asked for is let in`() throws {
        let isThere = obtain()
        #expect(asked(1))
        seals.userLeft("bob", "g")
        seals.userJoined("bob", "g")
        // Of before he was readmitted.
        try answer(left: ["bob", "carol"])
        #expect(turning.run(until: isThere))
        #expect(!seals.hasLeft("bob", "g") && seals.hasLeft("carol", "g"))
        end()
    }

    @Test func `after a gap of the event stream an answer that was under way is asked again`()
        throws
    {
        let isThere = obtain()
        #expect(asked(1))
        // Bob is removed while nobody is told; the answer is of before.
        seals.renewAll()
        #expect(requests.count == 1)
        try answer(left: [])
        #expect(turning.run(until: isThere) && asked(2))
        #expect(!seals.hasLeft("bob", "g"))
        try answer(left: ["bob"])
        #expect(turning.run { seals.hasLeft("bob", "g") })
        end()
    }

    @Test func `a group that the user has left is asked for no more`() throws {
        let isThere = obtain()
        #expect(asked(1))
        try answer(left: [])
        #expect(turning.run(until: isThere))
        seals.leave("g")
        seals.renewAll()
        #expect(seals.seal(of: "g") == nil)
        let again = obtain()
        #expect(asked(2))
        try answer(left: [])
        #expect(turning.run(until: again))
        end()
    }

    @Test func `whether a group is open is asked once, until the user leaves it`() throws {
        let isThere = obtain()
        #expect(asked(1))
        let refusal = HTTPResponse(
            status: 409,
            body: WireJSON.encode(APIErrorBody(code: "not_sealed", message: "it is open")))
        var bytes: [UInt8] = []
        refusal.encode(into: &bytes, keepAlive: true)
        tracker.send(bytes)
        #expect(turning.run(until: isThere))
        #expect(obtain()() && requests.count == 1)
        seals.leave("g")
        let again = obtain()
        #expect(asked(2))
        try answer(left: [])
        #expect(turning.run(until: again))
        #expect(seals.seal(of: "g") != nil)
        end()
    }
}
