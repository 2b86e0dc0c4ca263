import Foundation
import Testing
import Wire

/// Other BitTorrent clients in a group, by an exported `.torrent`; both ways.
@Suite(.inTurn) struct ThirdPartyTests {
    private let size = 4_000_003

    @Test(arguments: [ThirdParty.aria2, .libtorrent])
    func `another client downloads from us`(client: ThirdParty) async throws {
        let network = try await Network()
        let pair = try await network.pair(size: size)
        let torrent = network.scratch("book.torrent")
        try await pair.bob("export readers book.bin \(torrent)")
        let folder = try network.scratch.folder("theirs")
        let theirs = try client.start(torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await theirs.completes(folder + "/book.bin", as: pair.original)
        // It seeds then, and the tracker knows.
        try await network.swarm(of: torrent, seeders: 2)
    }

    /// libtorrent puts the path of the announce URL, which has the passkey, into its datagrams
    /// (BEP 41).
    @Test func `another client announces to the group's swarm over UDP`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: size)
        let exported = network.scratch("book.torrent")
        try await pair.bob("export readers book.bin \(exported)")
        let ticket = try Ticket(exported)
        let torrent = network.scratch("udp.torrent")
        let url = ticket.announce.replacing("http://", with: "udp://")
        let metainfo = Metainfo(info: ticket.info, trackers: [[url]])
        try Data(metainfo.encoded()).write(to: URL(fileURLWithPath: torrent))
        let folder = try network.scratch.folder("theirs")
        let theirs = try ThirdParty.libtorrent.start(
            torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await theirs.completes(folder + "/book.bin", as: pair.original)
        try await network.swarm(of: exported, seeders: 2)
        let metrics = try await network.tracker.get("/metrics").body
        let counted = "mtorrent_announces_total{protocol=\"udp\",outcome=\"entered\"} "
        let line = metrics.split(separator: "\n").first { $0.hasPrefix(counted) }
        #expect(line.map { !$0.hasSuffix(" 0") } == true)
    }

    /// Transmission never connects to a loopback address itself: it is there first, and our seeder
    /// hears of it at its first announce and connects.
    @Test func `transmission downloads from us when we connect to it`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: size)
        let torrent = network.scratch("book.torrent")
        try await pair.bob("export readers book.bin \(torrent)")
        try await pair.alice("logout")
        let folder = try network.scratch.folder("theirs")
        let theirs = try ThirdParty.transmission.start(
            torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await network.swarm(of: torrent, leechers: 1)
        try await network.logIn(pair.alice, as: "alice")
        try await theirs.completes(folder + "/book.bin", as: pair.original)
    }

    @Test(arguments: ThirdParty.allCases)
    func `we download from another client`(client: ThirdParty) async throws {
        let network = try await Network()
        let pair = try await network.pair(size: size)
        let torrent = network.scratch("book.torrent")
        try await pair.alice("export readers book.bin \(torrent)")
        #expect(try await pair.alice.quit() == .exited(0))
        let folder = try network.scratch.folder("theirs")
        try FileManager.default.copyItem(atPath: pair.original, toPath: folder + "/book.bin")
        let theirs = try client.start(torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await network.swarm(of: torrent, seeders: 1)
        #expect(try await pair.bob("list_files readers") == ["book.bin\t\(size)\t0/1"])
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
        #expect(try await pair.bob.shownDownload(of: "book.bin").received >= size)
    }

    /// Two of theirs fetch it from ours, and one of ours then fetches it from all three.
    @Test func `ours and theirs are one swarm`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20)
        let torrent = network.scratch("book.torrent")
        try await pair.alice("export readers book.bin \(torrent)")
        var theirs: [ChildProcess] = []
        defer { for client in theirs { client.kill() } }
        for client in [ThirdParty.aria2, .libtorrent] {
            let folder = try network.scratch.folder("theirs-\(client)")
            theirs.append(
                try client.start(torrent: torrent, folder: folder, scratch: network.scratch))
        }
        for (client, process) in zip([ThirdParty.aria2, .libtorrent], theirs) {
            let path = network.scratch("theirs-\(client)/book.bin")
            try await process.completes(path, as: pair.original)
        }
        try await network.swarm(of: torrent, seeders: 3)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
        let sources = try await pair.bob.shownDownload(of: "book.bin").sources
        #expect(sources.keys.contains { $0 != pair.alice.address }, "\(sources)")
    }
}
