import Foundation
import Testing

/// The programs speak TLS where passwords and sessions leave the machine, or a list asks for it.
@Suite(.inTurn) struct TrackerTLSTests {
    @Test func `a network whose list names the tracker's certificate works, over TLS`() async throws
    {
        let scratch = try Scratch()
        let tracker = try await TrackerProcess(
            dataFolder: scratch("tracker"), options: ["--reactors", "2"])
        let list = try scratch.text(
            "tracker_info.txt", "127.0.0.1 \(tracker.port) \(try await tracker.pin())\n")
        let ann = try await PeerProcess(tracker: list, dataFolder: scratch("ann"))
        let bob = try await PeerProcess(tracker: list, dataFolder: scratch("bob"))
        try await ann.enter(as: "ann")
        try await bob.enter(as: "bob")
        try await ann("create_group readers")
        try await bob("join_group readers")
        try await ann("accept_request readers bob")
        let original = try scratch.file("book.bin", size: 300_000, seed: 1)
        try await ann("upload_file \(original) readers")
        try await bob.download("book.bin", of: "readers", to: scratch("copy.bin"))
        #expect(try await same(original, scratch("copy.bin")))
    }

    @Test func `a tracker with another certificate than the list's gets no password`() async throws
    {
        let scratch = try Scratch()
        let tracker = try await TrackerProcess(dataFolder: scratch("tracker"))
        let pin = try await tracker.pin()
        let wrong = String(repeating: "0", count: 64)
        let list = try scratch.text(
            "tracker_info.txt", "127.0.0.1 \(tracker.port) sha256:\(wrong)\n")
        let ann = try await PeerProcess(tracker: list, dataFolder: scratch("ann"))
        let words = try await ann.refusal(of: "create_user ann secret")
        #expect(words.contains(wrong) && words.contains(pin))
        // Nothing has reached it.
        let honest = try await PeerProcess(
            tracker: tracker.address, dataFolder: scratch("honest"))
        try await honest("create_user ann secret")
    }

    @Test(
        .enabled("needs network namespaces, a TUN device, ip(8) and iperf3") {
            await LossyNetwork.isPossible()
        })
    func `a tracker on another machine is known by its first certificate`() async throws {
        let network = try await LossyNetwork(
            .init(delay: .milliseconds(1), packetsPerLoss: 1_000_000))
        let stage = try await Network(trackerOn: network.far)
        let ann = try await stage.visitor("ann", on: network.near)
        try await ann.enter(as: "ann")
        let known = try String(
            contentsOfFile: stage.scratch("state-ann/known_trackers"), encoding: .utf8)
        #expect(known == "\(stage.tracker.address) \(try await stage.tracker.pin())\n")
        // Whoever speaks HTTP to it from there is told why not.
        let plain = try network.near.start(
            [
                "curl", "--silent", "-X", "POST",
                "http://\(stage.tracker.address)/api/v1/sessions",
            ])
        try await plain.line("the refusal") { $0.contains("tls_required") }
        // A tracker in its place.
        stage.tracker.process.kill()
        _ = try await stage.tracker.process.end()
        let impostor = try await TrackerProcess(
            dataFolder: stage.scratch("impostor"), address: stage.tracker.address,
            host: network.far)
        defer { impostor.process.kill() }
        let refusal = try await ann.refusal(of: "list_groups")
        #expect(refusal.contains("before it had sha256:"))
    }
}
