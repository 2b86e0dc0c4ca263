import Foundation
import Testing
import Wire

/// A line of 100 ms there and back that loses a packet in a hundred. It waits more than it works, and
/// so takes no turn.
@Suite(.serialized) struct LossyNetworkTests {
    private static let seeds = 1...5

    /// Bytes a second that iperf3 gets from the far host to the near one.
    private func iperf(_ network: LossyNetwork, bytes: Int) async throws -> Double {
        let server = try network.near.start(["iperf3", "-s", "-1", "--forceflush"])
        defer { server.kill() }
        try await server.line("iperf3's port") { $0.contains("listening") }
        let client = try network.far.start(
            ["iperf3", "-c", network.near.address, "-n", "\(bytes)", "--json"])
        defer { client.kill() }
        #expect(try await client.end(within: .seconds(60)) == .exited(0))
        let text = Data(client.output.lines.joined(separator: "\n").utf8)
        let answer = try JSONSerialization.jsonObject(with: text) as? [String: Any]
        let sum = (answer?["end"] as? [String: Any])?["sum_received"] as? [String: Any]
        let bits = try #require(sum?["bits_per_second"] as? Double, "\(client.transcript)")
        return bits / 8
    }

    /// Bytes a second from the first block's arrival on.
    private func transfer(
        _ network: LossyNetwork, _ stage: Network, _ number: Int, bytes: Int
    ) async throws -> Double {
        let file = try stage.openFile(
            "book-\(number).bin", size: bytes, pieceLength: 65_536, seed: UInt64(number))
        let copy = stage.scratch("copy-\(number).bin")
        let alice = try await stage.visitor("alice-\(number)", on: network.far)
        let bob = try await stage.visitor("bob-\(number)", on: network.near)
        defer { for peer in [alice, bob] { peer.process.kill() } }
        try await alice("share \(file.original) \(file.description)")
        try await bob("get \(file.description) \(copy)")
        let first = try await bob.download(of: "book-\(number).bin") { $0.received > 0 }
        let start = ContinuousClock.now
        try await bob("wait", within: .seconds(90))
        let time = (ContinuousClock.now - start) / .seconds(1)
        #expect(try await same(copy, file.original))
        return Double(bytes - first.received) / time
    }

    /// bbr makes little of losses and fills the line, so that enough has to be asked for in advance;
    /// cubic gets a third of that. Those of them that the kernel has, with a size to each.
    private static var congestionControls: [(String, Int)] {
        let path = "/proc/sys/net/ipv4/tcp_available_congestion_control"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let names = text.split(whereSeparator: \.isWhitespace)
        return [("bbr", 8 << 20), ("cubic", 2 << 20)].filter { names.contains(Substring($0.0)) }
    }

    /// The bytes a second of ours and of iperf3. Both cross lines of their own that lose the same
    /// packets, at the same time, so that neither chance nor what else the machine does favours one.
    private func rates(
        _ line: LossyNetwork.Line, bytes: Int
    ) async throws -> (ours: Double, theirs: Double) {
        let (network, other) = (try await LossyNetwork(line), try await LossyNetwork(line))
        let stage = try await Network(trackerOn: network.far)
        async let theirs = iperf(other, bytes: bytes)
        async let ours = transfer(network, stage, line.seed, bytes: bytes)
        return (try await ours, try await theirs)
    }

    @Test(
        .enabled("needs network namespaces, a TUN device, ip(8) and iperf3") {
            await LossyNetwork.isPossible()
        }, arguments: congestionControls)
    func `a transfer reaches four fifths of what iperf3 gets`(
        congestionControl: String, bytes: Int
    ) async throws {
        let ratios = try await withThrowingTaskGroup { group in
            for seed in Self.seeds {
                let line = LossyNetwork.Line(
                    seed: seed, rate: 1_200_000, queue: 240_000,
                    congestionControl: congestionControl)
                group.addTask { try await rates(line, bytes: bytes) }
            }
            return try await group.reduce(into: []) { $0.append($1.ours / $1.theirs) }.sorted()
        }
        #expect(ratios[ratios.count / 2] >= 0.8, "\(ratios)")
    }
}
