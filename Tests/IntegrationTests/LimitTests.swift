import Foundation
import Testing
import Wire

/// Rates and numbers that the user limits.
@Suite(.inTurn) struct LimitTests {
    /// Downloads the pair's file to its end.
    /// - Returns: seconds from the command on.
    private func seconds(of pair: Network.Pair) async throws -> Double {
        let start = ContinuousClock.now
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        return (ContinuousClock.now - start) / .seconds(1)
    }

    // A slow machine makes these times longer, never shorter: less than them is too fast.

    @Test func `a download keeps to the rate it is started with`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 4 << 20, leecherOptions: ["--down", "1M"])
        // A quarter of a second's worth at most comes at once.
        #expect(try await seconds(of: pair) >= 2.5)
        #expect(try await same(pair.copy, pair.original))
        #expect(try await pair.bob("limit") == ["up off", "down 1.00 MiB/s"])
    }

    @Test func `a sharer keeps to the rate that a command has set`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 4 << 20)
        #expect(try await pair.alice("limit up 1M") == ["up 1.00 MiB/s"])
        #expect(try await seconds(of: pair) >= 2.5)
        #expect(try await same(pair.copy, pair.original))
    }

    /// At its first rate the file would take an hour.
    @Test(arguments: [["--down", "1K"], ["--up", "1K"]])
    func `a limit that is lifted holds nothing back any more`(options: [String]) async throws {
        let network = try await Network()
        let isSharer = options[0] == "--up"
        let pair = try await network.pair(
            size: 4 << 20, sharerOptions: isSharer ? options : [],
            leecherOptions: isSharer ? [] : options)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await pair.bob.download(of: "book.bin") { $0.connectedPeers == 1 }
        let limited = isSharer ? pair.alice : pair.bob
        try await limited("limit \(options[0].dropFirst(2)) off")
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
    }

    /// A block takes more than a second and a half, and each peer's turn comes after the others':
    /// that is nobody's fault, and no block is fetched twice for it.
    @Test func `at 10 KiB a second from three sharers nothing is lost and nothing comes twice`()
        async throws
    {
        let network = try await Network()
        let size = 160 << 10
        let pair = try await network.pair(size: size)
        let carol = try await network.member("carol")
        let dave = try await network.member("dave")
        for (person, peer) in [("carol", carol), ("dave", dave)] {
            try await peer("join_group readers")
            try await pair.alice("accept_request readers \(person)")
            try await peer.download("book.bin", of: "readers", to: network.scratch(person))
        }
        try await network.sharers(3, of: 3, share: "book.bin", seenBy: pair.bob)
        try await pair.bob("limit down 10K")
        let start = ContinuousClock.now
        try await pair.bob.download(
            "book.bin", of: "readers", to: pair.copy, within: .seconds(120))
        #expect((ContinuousClock.now - start) / .seconds(1) >= 12)
        let download = try await pair.bob.shownDownload(of: "book.bin")
        #expect(download.received == size, "\(download)")
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `two who download different files get equal parts of a limited upload`()
        async throws
    {
        let network = try await Network()
        let alice = try await network.member("alice", options: ["--up", "1M"])
        let bob = try await network.member("bob")
        let carol = try await network.member("carol")
        try await network.found("readers", owner: alice, members: ["bob": bob, "carol": carol])
        for (name, seed) in [("one.bin", UInt64(1)), ("two.bin", 2)] {
            let path = try network.scratch.file(name, size: 4 << 20, seed: seed)
            try await alice("upload_file \(path) readers")
        }
        try await bob("download_file readers one.bin \(network.scratch("bob"))")
        try await carol("download_file readers two.bin \(network.scratch("carol"))")
        try await carol.download(of: "two.bin") { $0.verified >= 2 << 20 }
        let other = try await bob.shownDownload(of: "one.bin")
        // Bob began a moment before, so that he may have all; a half of Carol's is the least.
        #expect(other.verified >= 1 << 20, "\(other)")
    }

    @Test func `connections beyond the limit are closed, and others come in when some have gone`()
        async throws
    {
        let network = try await Network()
        let peer = try await network.visitor("alice", options: ["--max-connections", "3"])
        try await peer("limit")
        var connections = try (0..<3).map { _ in try Connection(port: peer.port) }
        let refused = try Connection(port: peer.port)
        try await eventually("the fourth is closed") { refused.isClosed }
        #expect(connections.allSatisfy { !$0.isClosed })
        connections.removeFirst()
        try await eventually("another is let in") {
            let another = try Connection(port: peer.port)
            // A letter of the handshake, which is answered by silence until it is whole.
            another.send([0x13])
            try await peer("limit")
            return !another.isClosed
        }
    }

    @Test func `connections that say nothing give way to who has something to say`() async throws {
        let network = try await Network()
        let pair = try await network.pair(
            size: 1 << 20, sharerOptions: ["--max-connections", "60"])
        var silent: [Connection] = []
        // As soon as one is closed another is there.
        func takeAllPlaces() throws {
            silent.removeAll { $0.isClosed }
            for number in silent.count..<60 {
                let source = IPAddress(ipv4: 0x7f00_0002 + UInt32(number % 2))
                silent.append(try Connection(port: pair.alice.port, from: source))
            }
        }
        try takeAllPlaces()
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await eventually(
            "Bob's download", within: .seconds(60), longestPause: .milliseconds(5)
        ) {
            try takeAllPlaces()
            return try await pair.bob.shownDownload(of: "book.bin").isComplete
        }
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `more connections than the system has descriptors for are refused at the start`()
        async throws
    {
        let scratch = try Scratch()
        let command =
            "ulimit -n 400; exec \(Programs.peer) --data-dir \(scratch("state"))"
            + " --max-connections 300 127.0.0.1:0 127.0.0.1:9"
        let finished = try await run("sh", ["-c", command])
        #expect(finished.code == 28 && finished.output.isEmpty)
        #expect(
            finished.errors == [
                "error: --max-connections 300: this system allows the program 400 open files,"
                    + " which is room for 204 connections: name a smaller number, or raise the"
                    + " limit (ulimit -Hn, LimitNOFILE= of a service)"
            ])
    }

    @Test(arguments: [
        (["--up", "ten"], "--up: `ten` is not right: it is a number of bytes a second"),
        (["--down=-1M"], "--down: `-1M` is not right: it is a number of bytes a second"),
        (["--down", "99999999G"], "--down: `99999999G` is not right: the most is `1024G`"),
        (["--max-downloads", "0"], "--max-downloads: `0` is not right: it must be a whole number"),
    ])
    func `limits that are none are refused at the start`(
        options: [String], message: String
    ) async throws {
        let scratch = try Scratch()
        let finished = try await PeerProcess.run(
            script: [], tracker: "127.0.0.1:9", dataFolder: scratch.path, options: options)
        #expect(finished.code == 28)
        #expect(finished.errors.first?.hasPrefix("error: \(message)") == true, "\(finished)")
    }
}
