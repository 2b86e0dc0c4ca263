import Foundation
import Testing

/// What operators ask beside running trackers.
@Suite(.inTurn) struct OperatorTests {
    private func ask(
        _ network: TrackerNetwork, _ words: String..., input: [String] = []
    ) async throws -> Finished {
        try await run(
            Programs.tracker, ["--data-dir", network.dataFolder] + words, input: input,
            environment: ["HOME": network.scratch("home"), "LANG": "C.UTF-8"])
    }

    @Test func `a backup is taken while trackers run, and brings back what was there`() async throws
    {
        let network = try await TrackerNetwork(trackers: 2)
        let alice = try await network.member("alice")
        try await alice("create_group first")
        let file = network.scratch("backup.db")
        let backup = try await ask(network, "backup", file)
        #expect(backup.code == 0, "\(backup)")
        #expect(try await ask(network, "backup", file).code == 1)
        try await alice("create_group second")
        // Not under the feet of those who use it.
        let refused = try await ask(network, "restore", file)
        #expect(refused.code == 1 && refused.errors.joined().contains("stop"), "\(refused)")
        for place in 0..<2 { try network.kill(place) }
        let imported = try await ask(network, "import", file)
        #expect(imported.code == 1 && imported.errors.joined().contains("restore"), "\(imported)")
        let restored = try await ask(network, "restore", file)
        #expect(restored.code == 0, "\(restored)")
        for place in 0..<2 { try await network.start(place) }
        let visitor = try await PeerProcess(
            tracker: network.list, dataFolder: network.scratch("visitor"))
        try await visitor("login alice 'correct horse'")
        let groups = try await visitor("list_groups").joined()
        #expect(groups.contains("first") && !groups.contains("second"))
    }

    @Test func `seeders, the log of a group and a user shut out`() async throws {
        let network = try await TrackerNetwork(trackers: 1)
        let pair = try await network.pair(size: 100_000)
        try await eventually("Alice among the seeders") {
            let seeders = try await ask(network, "seeders")
            return seeders.code == 0
                && seeders.output.contains {
                    $0.hasPrefix("readers/book.bin ") && $0.hasSuffix(" \(pair.alice.address)")
                }
        }
        let log = try await ask(network, "audit", "readers")
        let kinds = log.output.map { $0.split(separator: "\t").dropFirst(2).first ?? "" }
        #expect(
            kinds == [
                "group_created", "join_requested", "member_accepted", "file_added", "share_added",
            ], "\(log)")
        #expect(try await ask(network, "audit", "nothing").code == 1)
        let nowhere = try await run(
            Programs.tracker, ["--data-dir", network.scratch("nowhere"), "seeders"])
        #expect(nowhere.code == 1 && !exists(network.scratch("nowhere")), "\(nowhere)")
        #expect(try await ask(network, "admin", "disable", "bob").code == 0)
        try await pair.bob.repeatedly("list_files readers") { $0.error != nil }
        let visitor = try await PeerProcess(
            tracker: network.list, dataFolder: network.scratch("visitor"))
        let refusal = try await visitor.refusal(of: "login bob 'correct horse'")
        #expect(refusal.contains("disabled"))
        #expect(try await ask(network, "admin", "enable", "bob").code == 0)
        let changed = try await ask(network, "admin", "password", "bob", input: ["another one"])
        #expect(changed.code == 0, "\(changed)")
        try await visitor("login bob 'another one'")
    }
}
