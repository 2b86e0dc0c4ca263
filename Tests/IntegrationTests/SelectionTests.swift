import Foundation
import Testing
import Wire

/// Some of a directory's files, and more of them later.
@Suite(.inTurn) struct SelectionTests {
    private static let content: KeyValuePairs = [
        "a.bin": 3_000_017, "b/b.bin": 6_000_001, "c.bin": 200_003, "empty": 0,
    ]

    private func identity(_ path: String) -> [UInt64] {
        var status = stat()
        guard lstat(path, &status) == 0 else { return [] }
        return [
            UInt64(status.st_ino), UInt64(status.st_mtim.tv_sec), UInt64(status.st_mtim.tv_nsec),
        ]
    }

    // MARK: What a tracker hears of it

    /// BEP 21: it lacks something, so that it is no seeder, and it downloads nothing.
    @Test func `a partial seed is incomplete and no downloader`() async throws {
        let network = try await Network()
        let album = try await network.album(Self.content)
        let torrent = network.scratch("bob.torrent")
        try await album.bob("export readers album \(torrent)")
        let ticket = try Ticket(torrent)
        func counts() async throws -> [Int?] {
            let entry = try await network.scrape(ticket.info.infoHash, passkey: ticket.passkey)
            return [entry?.complete, entry?.incomplete, entry?.downloaders, entry?.downloaded]
        }
        try await eventually("the seeder") { try await counts() == [1, 0, 0, 0] }
        try await album.alice("limit up 1K")
        let copy = network.scratch("copy")
        try await album.bob("download_file readers album \(copy) --only a.bin")
        try await eventually("a downloader") { try await counts() == [1, 1, 1, 0] }
        try await album.alice("limit up off")
        try await album.bob("wait album")
        try await eventually("a partial seed") { try await counts() == [1, 1, 0, 0] }
        // It says so again when it comes back.
        try await album.bob("logout")
        try await eventually("the seeder alone") { try await counts() == [1, 0, 0, 0] }
        try await network.logIn(album.bob, as: "bob")
        try await eventually("the partial seed again") { try await counts() == [1, 1, 0, 0] }
        // With the rest it is a seeder like any other.
        try await album.bob("download_file readers album \(copy)")
        try await album.bob("wait album")
        try await eventually("two seeders") { try await counts() == [2, 0, 0, 1] }
    }

    // MARK: More files

    @Test func `more files are added to those that are there, until it is all of them`()
        async throws
    {
        let network = try await Network()
        let album = try await network.album(Self.content)
        let copy = network.scratch("copy")
        let download = "download_file readers album \(copy)"
        try await album.bob("\(download) --only a.bin")
        try await album.bob("wait album")
        #expect(files(below: copy) == ["a.bin"])
        let first = identity(copy + "/a.bin")
        let refusal = try await album.bob.refusal(of: "\(download) --only a.bin")
        #expect(refusal.contains("here already") && refusal.contains("more of its files"))
        let elsewhere = network.scratch("elsewhere")
        #expect(
            try await album.bob.refusal(of: "download_file readers album \(elsewhere) --only b")
                .contains(copy))

        try await album.bob("\(download) --only b")
        try await album.bob("wait album")
        #expect(files(below: copy) == ["a.bin", "b/b.bin"])
        #expect(identity(copy + "/a.bin") == first)
        #expect(try await same(copy + "/b/b.bin", album.original + "/b/b.bin"))
        let shown = try await album.bob.shownDownload(of: "album")
        #expect(shown.isComplete && shown.size == 9_000_018)
        #expect(shown.received < 6_200_000)
        #expect(!exists(copy + ".part"))
        // What was added is served, and what was there still is.
        let carol = try await network.admitted("carol", by: album.alice)
        try await album.alice("logout")
        let second = network.scratch("second")
        try await carol("download_file readers album \(second) --only a.bin --only b")
        try await carol("wait album")
        for path in ["a.bin", "b/b.bin"] {
            #expect(try await same(second + "/" + path, album.original + "/" + path))
        }
        try await network.logIn(album.alice, as: "alice")

        try await album.bob(download)
        try await album.bob("wait album")
        #expect(try await differences(copy, album.original) == [])
        #expect(identity(copy + "/a.bin") == first)
        #expect(try await album.bob.refusal(of: download).contains("here already"))
        // It is one whole share from now on, also after a restart.
        _ = try await album.bob.quit()
        let bob = try await network.again("bob", after: album.bob)
        try await network.sharers(3, of: 3, share: "album", seenBy: bob)
        let pieces = try await bob.fact("pieces", of: "album", in: "readers")
        try await bob.repeatedly("file_info readers album") {
            $0.lines.contains("sharer\tbob\tonline\t\(pieces)/\(pieces)")
        }
    }

    @Test func `files are added to a download that goes on, waits, or is paused`() async throws {
        let network = try await Network()
        let album = try await network.album(Self.content)
        let copy = network.scratch("copy")
        let download = "download_file readers album \(copy)"
        let brake = try await Brake(album.alice)
        try await album.bob("\(download) --only b")
        try await brake.release(until: "a part of the first file") {
            try await album.bob.shownDownload(of: "album").isInTheMiddle
        }
        let before = try await album.bob.shownDownload(of: "album").verified
        try await album.bob("\(download) --only a.bin")
        let during = try await album.bob.download(of: "album") { $0.state == "D" }
        #expect(during.size == 9_000_018 && during.verified >= before)
        #expect(
            try await album.bob.refusal(of: "\(download) --only b").contains("being downloaded"))
        try await album.bob("pause album")
        try await album.bob("\(download) --only c.bin")
        try await brake.off()
        try await album.bob("wait album")
        #expect(files(below: copy) == ["a.bin", "b/b.bin", "c.bin"])
        for path in ["a.bin", "b/b.bin", "c.bin"] {
            #expect(try await same(copy + "/" + path, album.original + "/" + path))
        }
        #expect(try await album.bob.downloads().count == 1)
    }

    @Test func `what is cancelled of more files leaves those that were there, and shared`()
        async throws
    {
        let network = try await Network()
        let album = try await network.album(Self.content)
        let copy = network.scratch("copy")
        try await album.bob("download_file readers album \(copy) --only a.bin")
        try await album.bob("wait album")
        let first = identity(copy + "/a.bin")
        try await album.alice("limit up 1K")
        try await album.bob("download_file readers album \(copy) --only b")
        try await album.bob.download(of: "album") { $0.connectedPeers == 1 }
        try await album.bob("cancel album")
        #expect(!exists(copy + ".part"))
        #expect(files(below: copy) == ["a.bin"] && identity(copy + "/a.bin") == first)
        let carol = try await network.admitted("carol", by: album.alice)
        try await album.alice("logout")
        let second = network.scratch("second")
        try await carol("download_file readers album \(second) --only a.bin")
        try await carol("wait album")
        #expect(try await same(second + "/a.bin", album.original + "/a.bin"))
        // The cancelled download doesn't come back.
        #expect(try await album.bob.quit() == .exited(0))
        let bob = try await network.again("bob", after: album.bob)
        #expect(try await bob.downloads().isEmpty)
        try await network.sharers(2, of: 3, share: "album", seenBy: bob)
    }

    @Test func `more files that can't even begin leave the share as it was`() async throws {
        let network = try await Network()
        let album = try await network.album(Self.content)
        let copy = network.scratch("copy")
        try await album.bob("download_file readers album \(copy) --only a.bin")
        try await album.bob("wait album")
        _ = try network.scratch.text("copy/c.bin", "mine")
        let refusal = try await album.bob.refusal(
            of: "download_file readers album \(copy) --only c.bin")
        #expect(refusal.contains("\(copy)/c.bin exists already"))
        #expect(try String(contentsOfFile: copy + "/c.bin", encoding: .utf8) == "mine")
        try await network.sharers(2, of: 2, share: "album", seenBy: album.alice)
        try FileManager.default.removeItem(atPath: copy + "/c.bin")
        try await album.bob("download_file readers album \(copy) --only c.bin")
        try await album.bob("wait album")
        #expect(try await same(copy + "/c.bin", album.original + "/c.bin"))
    }

    // MARK: Killed

    @Test func `files that were being added are so after a kill, and those that were there stay`()
        async throws
    {
        let network = try await Network()
        let album = try await network.album(Self.content)
        let copy = network.scratch("copy")
        try await album.bob("download_file readers album \(copy) --only a.bin")
        try await album.bob("wait album")
        let first = identity(copy + "/a.bin")
        let brake = try await Brake(album.alice)
        try await album.bob("download_file readers album \(copy) --only b")
        try await brake.release(until: "a part of the second file") {
            let shown = try await album.bob.shownDownload(of: "album")
            return shown.verified > 4_000_000 && shown.verified < 8_000_000
        }
        let before = try await album.bob.shownDownload(of: "album").verified
        album.bob.process.kill()
        let bob = try await network.again("bob", after: album.bob)
        try await bob.download(of: "album") { $0.verified >= before - 1_000_000 }
        #expect(identity(copy + "/a.bin") == first)
        try await brake.off()
        try await bob("wait album")
        #expect(files(below: copy) == ["a.bin", "b/b.bin"])
        #expect(identity(copy + "/a.bin") == first)
        #expect(try await same(copy + "/b/b.bin", album.original + "/b/b.bin"))
        #expect(!exists(copy + ".part"))
        #expect(try await bob.shownDownload(of: "album").received < 5_500_000)
    }

    /// Killed a random number of milliseconds after each step, it is let go on and told the next.
    @Test func `a kill at any moment costs no file that was there`() async throws {
        let seed = UInt64.random(in: 0 ..< .max)
        var random = Randomness(seed: seed)
        let network = try await Network()
        let names = (1...8).map { "\($0).bin" }
        let album = try await network.album([
            "1.bin": 200_001, "2.bin": 40_000, "3.bin": 400_003, "4.bin": 1, "5.bin": 90_001,
            "6.bin": 1_000_001, "7.bin": 16_384, "8.bin": 300_000,
        ])
        let copy = network.scratch("copy")
        var bob = album.bob
        for (step, name) in names.enumerated() {
            try await bob("download_file readers album \(copy) --only \(name)")
            let moment =
                ContinuousClock.now + .microseconds(Int.random(in: 0...60_000, using: &random))
            try await eventually("the moment", longestPause: .milliseconds(1)) {
                ContinuousClock.now >= moment
            }
            bob.process.kill()
            bob = try await network.again("bob", after: bob)
            try await bob("wait")
            #expect(
                files(below: copy) == Array(names[...step]), "seed \(seed), step \(step)")
            #expect(!exists(copy + ".part"), "seed \(seed), step \(step)")
        }
        #expect(try await differences(copy, album.original) == [], "seed \(seed)")
    }
}
