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

    // MARK: Killed

    /// Nobody who has the description is there when it is killed.
    @Test(arguments: ["", " --sequential"])
    func `a download that was killed before it had the description goes on`(
        options: String
    ) async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        _ = try await seeder.peer.quit()
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        leecher.process.send("get \(seeder.link) \(copy)\(options)")
        let record = network.scratch("state-leecher/fetches/\(seeder.link.infoHash.hex)")
        try await eventually("that it is recorded") { exists(record) }
        leecher.process.kill()
        // Nor when it runs again, for the first time.
        let second = try await network.visitor("leecher", port: leecher.port)
        #expect(try await second.downloads().isEmpty)
        second.process.kill()
        let third = try await network.visitor("leecher", port: leecher.port)
        let again = try await network.visitor("seeder", port: seeder.peer.port)
        try await eventually("the download", context: third.process.transcript) {
            try await third.downloads().count == 1
        }
        try await third("wait")
        #expect(try await same(copy, seeder.original))
        try await eventually("that the record is gone") { !exists(record) }
        #expect(again.process.exitStatus == nil)
    }

    @Test func `what was being fetched can be asked for again, or given up`() async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network)
        _ = try await seeder.peer.quit()
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        let record = network.scratch("state-leecher/fetches/\(seeder.link.infoHash.hex)")
        leecher.process.send("get \(seeder.link) \(copy)")
        try await eventually("that it is recorded") { exists(record) }
        leecher.process.kill()
        let second = try await network.visitor("leecher", port: leecher.port)
        try await second("remove \(seeder.link)")
        #expect(!exists(record))
        // The command takes over what goes on in the background.
        second.process.send("get \(seeder.link) \(copy)")
        try await eventually("that it is recorded again") { exists(record) }
        second.process.kill()
        let third = try await network.visitor("leecher", port: leecher.port)
        let other = network.scratch("other.bin")
        third.process.send("get \(seeder.link) \(other)")
        try await eventually("the new destination") {
            (try? String(contentsOfFile: record, encoding: .utf8))?.contains(other) == true
        }
        let again = try await network.visitor("seeder", port: seeder.peer.port)
        try await third("wait", within: .seconds(60))
        #expect(try await same(other, seeder.original) && !exists(copy))
        #expect(!exists(record) && again.process.exitStatus == nil)
    }

    @Test func `a download that was killed after it had the description goes on`() async throws {
        let network = try await Network()
        let seeder = try await seeder(in: network, size: 8 << 20)
        try await seeder.peer("limit up 1M")
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        try await leecher("get \(seeder.link) \(copy)")
        let before = try await leecher.download(of: "book.bin") { $0.isInTheMiddle }
        leecher.process.kill()
        let second = try await network.visitor("leecher", port: leecher.port)
        #expect(try await second.shownDownload(of: "book.bin").verified >= before.verified)
        try await seeder.peer("limit up off")
        try await second("wait")
        #expect(try await same(copy, seeder.original))
        // As it is shared after another restart, the description is given on too.
        second.process.kill()
        _ = try await seeder.peer.quit()
        let third = try await network.visitor("leecher", port: leecher.port)
        let last = try await network.visitor("last")
        try await last("get \(seeder.link) \(network.scratch("last.bin"))")
        try await last("wait")
        #expect(try await same(network.scratch("last.bin"), seeder.original))
        #expect(third.process.exitStatus == nil)
    }

    // MARK: Other clients

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
