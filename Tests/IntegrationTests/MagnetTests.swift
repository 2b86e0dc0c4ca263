import Foundation
import Testing
import Wire

/// Downloads by magnet link: the description comes from peers (BEP 9), ours and others'.
@Suite(.inTurn) struct MagnetTests {
    /// A peer that shares a file without a group, and the link that `share` printed.
    private struct Seeder {
        let peer: PeerProcess
        let original: String
        let link: MagnetLink
        let description: MTorrentFile
    }

    private func seeder(in network: Network, size: Int = 3_000_001) async throws -> Seeder {
        let peer = try await network.visitor("seeder")
        let original = try network.scratch.file("book.bin", size: size, seed: 11)
        let path = network.scratch("book.mtorrent")
        let answer = try await peer("share \(original) \(path)")
        let text = try #require(answer.first { $0.hasPrefix("magnet:?") })
        return Seeder(
            peer: peer, original: original, link: try MagnetLink(text),
            description: try MTorrentFile(
                parsing: try String(contentsOfFile: path, encoding: .utf8)))
    }

    @Test func `share prints a link by which another of ours downloads`() async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        #expect(seeder.link.infoHash == seeder.description.info.infoHash)
        #expect(seeder.link.name == "book.bin")
        #expect(seeder.link.trackers == ["http://\(network.tracker.address)/announce"])
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        try await leecher("get \(seeder.link) \(copy)")
        try await leecher("wait")
        #expect(try await same(copy, seeder.original))
        // Who has it by a link gives the description on.
        #expect(try await seeder.peer.quit() == .exited(0))
        let third = try await network.visitor("third")
        try await third("get \(seeder.link) \(network.scratch("third.bin"))")
        try await third("wait")
        #expect(try await same(network.scratch("third.bin"), seeder.original))
        try await third("remove --data \(seeder.link)")
        #expect(!exists(network.scratch("third.bin")))
    }

    @Test func `a peer that the link names is enough`() async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        let link = MagnetLink(
            infoHash: seeder.link.infoHash, peers: [try #require(Endpoint(seeder.peer.address))])
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        try await leecher("get \(link) \(copy)")
        try await leecher("wait")
        #expect(try await same(copy, seeder.original))
    }

    @Test func `links that can't be used are refused with the reason`() async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network, size: 1_000)
        let peer = seeder.peer
        let copy = network.scratch("copy.bin")
        #expect(try await peer.refusal(of: "get magnet:?dn=a \(copy)").contains("xt=urn:btih"))
        let elsewhere = MagnetLink(
            infoHash: try #require(InfoHash(repeatElement(1, count: 20))),
            trackers: ["udp://example.org:1"])
        #expect(
            try await peer.refusal(of: "get \(elsewhere) \(copy)").contains("http://IP:PORT"))
        #expect(
            try await peer.refusal(of: "get \(seeder.link) \(copy)").contains("here already"))
    }

    @Test(arguments: [ThirdParty.aria2, .libtorrent])
    func `another client downloads by our link`(client: ThirdParty) async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        let folder = try network.scratch.folder("theirs")
        let theirs = try client.start(
            torrent: seeder.link.description, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await theirs.completes(folder + "/book.bin", as: seeder.original)
    }

    /// The seeder hears of it and connects, also to one that announces that it lacks nothing.
    @Test(arguments: ThirdParty.allCases)
    func `another client waits with our link until the seeder comes`(
        client: ThirdParty
    ) async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        #expect(try await seeder.peer.quit() == .exited(0))
        let folder = try network.scratch.folder("theirs")
        let theirs = try client.start(
            torrent: seeder.link.description, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        let query = ScrapeRequest(infoHashes: [seeder.link.infoHash]).query()
        try await eventually("\(client) in the swarm", context: theirs.transcript) {
            let answer = try await network.bytes(of: "/scrape?\(query)").body
            let entry = try ScrapeResponse(decoding: answer).files[seeder.link.infoHash]
            return entry.map { $0.complete + $0.incomplete == 1 } ?? false
        }
        let again = try await network.visitor("seeder", port: seeder.peer.port)
        try await theirs.completes(folder + "/book.bin", as: seeder.original)
        #expect(again.process.exitStatus == nil)
    }

    @Test(arguments: [ThirdParty.aria2, .libtorrent])
    func `we download by a link what another client has`(client: ThirdParty) async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        #expect(try await seeder.peer.quit() == .exited(0))
        let metainfo = Metainfo(
            info: seeder.description.info, trackers: [seeder.link.trackers])
        let torrent = network.scratch("book.torrent")
        try Data(metainfo.encoded()).write(to: URL(fileURLWithPath: torrent))
        let folder = try network.scratch.folder("theirs")
        try FileManager.default.copyItem(atPath: seeder.original, toPath: folder + "/book.bin")
        let theirs = try client.start(torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        try await leecher("get \(seeder.link) \(copy)", within: .seconds(90))
        try await leecher("wait", within: .seconds(90))
        #expect(try await same(copy, seeder.original))
    }
}
