import Foundation
import Testing
import Wire

/// Rates that change while bytes flow, and what isn't a rate.
@Suite(.inTurn) struct LimitCommandTests {
    @Test func `limits that change all the time harm no transfer`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 12 << 20)
        try await pair.alice("limit up 2M")
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        let rates = ["1K", "4M", "300K", "off", "1M", "999G", "3M"]
        var turn = 0
        try await eventually("a third of the file", within: .seconds(60)) {
            let rate = rates[turn % rates.count]
            try await pair.bob("limit down \(rate)")
            try await pair.alice("limit up \(rate)")
            turn += 1
            return try await pair.bob.shownDownload(of: "book.bin").verified > 4 << 20
        }
        try await pair.bob("limit down off")
        try await pair.alice("limit up off")
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
        #expect(turn > 1)
    }

    @Test func `what isn't a rate is refused, and the old one stays`() async throws {
        let scratch = try Scratch()
        let peer = try await PeerProcess(tracker: "127.0.0.1:9", dataFolder: scratch.path)
        try await peer("limit up 5M")
        let before = try await peer("limit")
        #expect(before == ["up 5.00 MiB/s", "down off"])
        for rate in [
            "-1", "-1M", "x", "M", "1X", "1MM", "10 M", "''", "0x10", "1e6", "NaN", "inf", "+",
            "99999999999999999999", "99999999999G", "0",
        ] {
            let answer = try await peer.answer("limit up \(rate)")
            #expect(answer.error != nil, "limit up \(rate): \(answer.text)")
        }
        for line in ["limit sideways 1M", "limit sideways", "limit up 1M 2M"] {
            let refusal = try await peer.refusal(of: line)
            #expect(refusal.contains("usage: limit") || refusal.contains("sideways"), "\(refusal)")
        }
        #expect(try await peer("limit") == before)
        try await peer("limit down 1024")
        #expect(try await peer("limit") == ["up 5.00 MiB/s", "down 1.00 KiB/s"])
        try await peer("limit up off")
        try await peer("limit down off")
        #expect(try await peer("limit") == ["up off", "down off"])
    }

    /// A rate below one block a second must not stop everything.
    @Test func `a crawl still arrives`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 40_000)
        try await pair.bob("limit down 8K")
        try await pair.alice("limit up 8K")
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await pair.bob("wait book.bin", within: .seconds(60))
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `downloads over the limit wait in order, over kill -9 too`() async throws {
        let network = try await Network()
        let names = (0..<4).map { "book-\($0).bin" }
        let bob = try await network.visitor("bob", options: ["--max-downloads", "1"])
        var files: [String: Network.OpenFile] = [:]
        var sharers: [ScriptedSharer] = []
        for (number, name) in names.enumerated() {
            let file = try network.openFile(
                name, size: 2 << 20, pieceLength: 65_536, seed: UInt64(number))
            // The first one never ends by itself.
            let script = number == 0 ? Self.silent : ScriptedSharer.honest
            let sharer = try ScriptedSharer(of: file.content, id: number, script: script)
            try await network.announce(sharer)
            sharers.append(sharer)
            files[name] = file
            try await bob("get \(file.description) \(network.scratch("copy-\(name)"))")
        }
        #expect(try await bob.downloads().map(\.state) == ["D", "Q", "Q", "Q"])
        bob.process.kill()
        let again = try await network.visitor(
            "bob", port: bob.port, options: ["--max-downloads", "1"])
        #expect(try await again.downloads().map(\.state) == ["D", "Q", "Q", "Q"])
        #expect(sharers.dropFirst().allSatisfy { $0.ledger.connections == 0 })
        // What waits can be cancelled and paused; the next one goes on when the first makes room.
        try await again("cancel \(names[1])")
        try await again("pause \(names[2])")
        try await again("pause \(names[0])")
        try await again("wait \(names[3])")
        #expect(try await again.downloads().map(\.state) == ["P", "P", "C"])
        try await again("resume \(names[2])")
        try await again("wait \(names[2])")
        for name in names[2...3] {
            let original = files[name]?.original ?? ""
            #expect(try await same(network.scratch("copy-\(name)"), original))
        }
    }

    private static let silent: ScriptedSharer.Script = { play in
        try play.open()
        try play.serve { _ in [] }
    }

    @Test func `no more connections than allowed, and a transfer all the same`() async throws {
        let network = try await Network()
        let file = try network.openFile(size: 4 << 20, pieceLength: 65_536)
        let alice = try await network.visitor("alice", options: ["--max-connections", "10"])
        try await alice("share \(file.original) \(file.description)")
        let before = try alice.footprint()
        let connections = try (0..<50).map { number in
            let connection = try Connection(port: alice.port)
            connection.send(
                Handshake(infoHash: file.content.info.infoHash, peerID: .scripted(number)).encoded()
            )
            return connection
        }
        try await eventually("the end of most of them") {
            connections.filter { !$0.isClosed }.count <= 10
        }
        #expect(try alice.footprint().descriptors <= before.descriptors + 11)
        #expect(connections.contains { !$0.isClosed })
        // When they have gone there is room.
        _ = consume connections
        let bob = try await network.visitor("bob", options: ["--max-connections", "1"])
        try await bob("get \(file.description) \(network.scratch("copy.bin"))")
        try await bob("wait")
        #expect(try await same(network.scratch("copy.bin"), file.original))
    }

    @Test(arguments: [
        ["--max-downloads", "0"], ["--max-downloads", "x"], ["--max-connections", "-1"],
        ["--max-connections", "0"], ["--up", "x"], ["--down", "-5"], ["--up", "1X"],
    ])
    func `a wrong option is named`(options: [String]) async throws {
        let scratch = try Scratch()
        let finished = try await PeerProcess.run(
            script: [], tracker: "127.0.0.1:9", dataFolder: scratch.path, options: options)
        #expect(finished.code != 0)
        #expect(finished.errors.joined().contains(options[0].dropFirst(2)), "\(finished.errors)")
        #expect(finished.errors.joined().contains(options[1]), "\(finished.errors)")
    }
}
