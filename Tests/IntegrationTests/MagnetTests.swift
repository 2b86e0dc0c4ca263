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

    /// Not aria2: before it has the description it announces that it lacks nothing, and is given
    /// no seeders; nor does it read `x.pe`.
    @Test func `libtorrent downloads by our link`() async throws {
        let client = ThirdParty.libtorrent
        let network = try await Network()
        let seeder = try await seeder(in: network)
        let folder = try network.scratch.folder("theirs")
        let theirs = try client.start(
            torrent: seeder.link.description, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        let expected = try await sha1sum(seeder.original)
        try await eventually(
            "the whole file", within: .seconds(90), longestPause: .milliseconds(200),
            context: theirs.transcript
        ) {
            guard fileSize(folder + "/book.bin") == fileSize(seeder.original) else { return false }
            return try await sha1sum(folder + "/book.bin") == expected
        }
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
