import Foundation
import Testing
import Wire

/// The same over IPv6.
@Suite(.inTurn) struct IPv6Tests {
    @Test func `a file goes from peer to peer over IPv6 alone`() async throws {
        let network = try await Network(trackerAt: "[::1]")
        let alice = try await network.member("alice", at: "[::1]")
        let bob = try await network.member("bob", at: "[::1]")
        try await network.found("readers", owner: alice, members: ["bob": bob], kind: .sealed)
        let original = try network.scratch.file("book.bin", size: 1 << 20, seed: 1)
        try await alice("upload_file \(original) readers")
        let copy = network.scratch("copy")
        try await bob.download("book.bin", of: "readers", to: copy)
        #expect(try await same(copy, original))
        let download = try await bob.shownDownload(of: "book.bin")
        #expect(download.sources == [alice.address: 1 << 20])
        #expect(throws: SpawnError.self) { try Connection(port: alice.port) }
    }

    @Test func `peers that have IPv6 addresses alone find each other by peers6`() async throws {
        let network = try await Network(trackerAt: "[::1]")
        let alice = try await network.visitor("alice", at: "[::1]")
        let bob = try await network.visitor("bob", at: "[::1]")
        let original = try network.scratch.file("book.bin", size: 1 << 20, seed: 1)
        let description = network.scratch("book.mtorrent")
        try await alice("share \(original) \(description)")
        let file = try MTorrentFile(
            parsing: try String(contentsOfFile: description, encoding: .utf8))
        let stranger = AnnounceRequest(
            infoHash: file.info.infoHash,
            peerID: try Handshake.stranger(file.info.infoHash).peerID, port: 9, left: 1)
        // All that others are told of Alice is her address there.
        try await eventually("Alice in the swarm") {
            let body = try await network.bytes(of: "/announce?\(stranger.query())").body
            let answer = try AnnounceResponse(decoding: body)
            #expect(answer.peers.isEmpty)
            return answer.peers6 == [try #require(Endpoint(alice.address))]
        }
        let copy = network.scratch("copy")
        try await bob("get \(description) \(copy)")
        try await bob("wait")
        #expect(try await same(copy, original))
        #expect(try await bob.shownDownload(of: "book.bin").sources == [alice.address: 1 << 20])
    }

    @Test func `a peer that is told no address listens on both families at one port`()
        async throws
    {
        let scratch = try Scratch()
        let peer = try ChildProcess(
            Programs.peer,
            ["--data-dir", scratch("state"), "--log-level", "info", "127.0.0.1:9"],
            environment: ["HOME": scratch.path], mergingErrors: true)
        defer { peer.kill() }
        let line = try await peer.line("its address") { $0.contains("[::]:") }
        let port = try #require(line.split(separator: ":").last.flatMap { UInt16($0) })
        #expect(peer.output.lines.contains { $0.contains("0.0.0.0:\(port)") })
        for overIPv6 in [false, true] {
            let connection = try Connection(port: port, overIPv6: overIPv6)
            connection.send([0x14])
            try await eventually("what is no handshake is refused") { connection.isClosed }
        }
    }

    @Test func `with trackers of both families others learn both addresses`() async throws {
        let network = try await Network()
        let other = try await TrackerProcess(
            dataFolder: network.scratch("tracker-6"), address: "[::1]:0")
        let original = try network.scratch.file("book.bin", size: 1 << 20, seed: 1)
        let description = network.scratch("book.mtorrent")
        let trackers = try network.scratch.text(
            "tracker_info.txt", "\(network.tracker.address)\n\(other.address)\n")
        let alice = try ChildProcess(
            Programs.peer,
            [
                "--data-dir", network.scratch("state"), "--execute",
                "share \(original) \(description)", "--daemon", trackers,
            ],
            environment: ["HOME": network.scratch.path], mergingErrors: true)
        defer { alice.kill() }
        try await alice.line("that it shares") { $0.hasPrefix("sharing book.bin") }
        for (tracker, address) in [(network.tracker, "127.0.0.1"), (other, "[::1]")] {
            let bob = try await PeerProcess(
                tracker: tracker.address, dataFolder: network.scratch("bob-\(tracker.port)"),
                address: address)
            let copy = network.scratch("copy-\(tracker.port)")
            // The trackers that it names are tried in their order, and the first answers for both.
            let only = try network.scratch.text(
                "only-\(tracker.port).mtorrent",
                try String(contentsOfFile: description, encoding: .utf8)
                    .split(separator: "\n", omittingEmptySubsequences: false)
                    .enumerated().map { $0 == 0 ? tracker.address[...] : $0 == 1 ? "" : $1 }
                    .joined(separator: "\n"))
            try await bob("get \(only) \(copy)")
            try await bob("wait")
            #expect(try await same(copy, original))
            let sources = try await bob.shownDownload(of: "book.bin").sources.keys
            #expect(sources.allSatisfy { $0.hasPrefix("\(address):") }, "\(sources)")
        }
    }
}
