import Foundation
import Testing
import Wire

/// Files that are shared without a group, by a `.mtorrent` file, without an account.
@Suite(.inTurn) struct MTorrentFileTests {
    @Test func `share writes what get downloads, and get shares it on`() async throws {
        let network = try await Network()
        let seeder = try await network.visitor("seeder")
        let leecher = try await network.visitor("leecher")
        let third = try await network.visitor("third")
        let original = try network.scratch.file("book.bin", size: 3_000_001, seed: 1)
        let description = network.scratch("book.mtorrent")
        try await seeder("share \(original) \(description)")
        let text = try String(contentsOfFile: description, encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(Array(lines.prefix(4)) == [network.tracker.address, "", original, "3000001"])
        let file = try MTorrentFile(parsing: text)
        #expect(file.info.pieceHash(0) == hash(of: original, 0..<file.pieceLength))
        #expect(lines.contains("piece_length \(file.pieceLength)"))
        #expect(lines.contains("info_hash \(file.info.infoHash.hex)"))
        let copy = network.scratch("copy.bin")
        try await leecher("get \(description) \(copy)")
        try await leecher("wait")
        #expect(try await same(copy, original))
        let download = try await leecher.downloads()
        #expect(download.first?.isComplete == true && download.first?.name == "book.bin")
        #expect(try await seeder.quit() == .exited(0))
        try await third("get \(description) \(network.scratch("third.bin"))")
        try await third("wait")
        #expect(try await same(network.scratch("third.bin"), original))
    }

    @Test func `remove deletes the description, and never the data unless asked`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("seeder")
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 2)
        let description = network.scratch("book.mtorrent")
        try await peer("share \(original) \(description)")
        try await peer("remove \(description)")
        #expect(!exists(description))
        #expect(fileSize(original) == 100_000)
        #expect(
            try await peer.refusal(of: "remove \(description)").contains("MTORRENT_FILE_NOT_FOUND"))
        try await peer("share \(original) \(description)")
        let kept = try String(contentsOfFile: description, encoding: .utf8)
        try await peer("remove --data \(description)")
        #expect(!exists(description) && !exists(original))
        // Nobody serves it any more.
        let again = try network.scratch.text("again.mtorrent", kept)
        let leecher = try await network.visitor("leecher")
        try await leecher("get \(again) \(network.scratch("copy.bin"))")
        let infoHash = try MTorrentFile(parsing: kept).info.infoHash
        let query = ScrapeRequest(infoHashes: [infoHash]).query()
        try await eventually("the swarm of the leecher alone") {
            let answer = try await network.bytes(of: "/scrape?\(query)")
            let entry = try ScrapeResponse(decoding: answer.body).files[infoHash]
            return entry?.complete == 0 && entry?.incomplete == 1
        }
        #expect(try await leecher.shownDownload(of: "book.bin").verified == 0)
    }

    @Test func `a description names its trackers, whichever the program was given`() async throws {
        let network = try await Network()
        let other = try await TrackerProcess(dataFolder: network.scratch("other-tracker"))
        let seeder = try await network.visitor("seeder")
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 7)
        let description = network.scratch("book.mtorrent")
        try await seeder("share \(original) \(description)")
        let leecher = try await PeerProcess(
            tracker: other.address, dataFolder: network.scratch("state-leecher"))
        let copy = network.scratch("copy.bin")
        try await leecher("get \(description) \(copy)")
        try await leecher("wait")
        #expect(try await same(copy, original))
        #expect(other.process.exitStatus == nil)
    }

    @Test func `with two trackers both are named, and one is enough`() async throws {
        let network = try await Network()
        let other = try await TrackerProcess(dataFolder: network.scratch("other-tracker"))
        let list = try network.scratch.text(
            "tracker_info.txt", "\(network.tracker.address)\n\(other.address)\n")
        let seeder = try await PeerProcess(
            tracker: list, dataFolder: network.scratch("state-seeder"))
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 8)
        let description = network.scratch("book.mtorrent")
        try await seeder("share \(original) \(description)")
        let lines = try String(contentsOfFile: description, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(Array(lines.prefix(2)) == [network.tracker.address, other.address])
        other.process.kill()
        let leecher = try await PeerProcess(
            tracker: list, dataFolder: network.scratch("state-leecher"))
        let copy = network.scratch("copy.bin")
        try await leecher("get \(description) \(copy)")
        try await leecher("wait")
        #expect(try await same(copy, original))
    }

    /// As the old program wrote it: chunks of 1500 bytes, and nothing after the last hash.
    private func oldDescription(
        of original: String, size: Int, seed: UInt64, tracker: String
    ) -> String {
        var lines = [tracker, "", original, "\(size)"]
        let bytes = TestBytes.make(count: size, seed: seed)
        let hashes = stride(from: 0, to: size, by: 1500).map { start in
            SHA1Hasher.hash(Array(bytes[start..<min(start + 1500, size)])).hex
        }
        lines += hashes
        lines.append(SHA1Hasher.hash(Array(hashes.joined().utf8)).hex)
        return lines.joined(separator: "\n") + "\n"
    }

    @Test func `a description of the old program is shared and downloads`() async throws {
        let network = try await Network()
        let seeder = try await network.visitor("seeder")
        let leecher = try await network.visitor("leecher")
        let original = try network.scratch.file("old.bin", size: 1_000_001, seed: 3)
        let text = oldDescription(
            of: original, size: 1_000_001, seed: 3, tracker: network.tracker.address)
        let description = try network.scratch.text("old.mtorrent", text)
        try await seeder("share \(original) \(description)")
        // The others have it already: it stays as it was.
        #expect(try String(contentsOfFile: description, encoding: .utf8) == text)
        let copy = network.scratch("copy.bin")
        try await leecher("get \(description) \(copy)")
        try await leecher("wait", within: .seconds(60))
        #expect(try await same(copy, original))
    }

    @Test func `what is described there is another file: refused`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("seeder")
        let original = try network.scratch.file("old.bin", size: 10_000, seed: 3)
        let text = oldDescription(
            of: original, size: 10_000, seed: 4, tracker: network.tracker.address)
        let description = try network.scratch.text("old.mtorrent", text)
        #expect(
            try await peer.refusal(of: "share \(original) \(description)").contains(description))
        #expect(try String(contentsOfFile: description, encoding: .utf8) == text)
    }

    @Test func `a get that is killed goes on with what is missing`() async throws {
        let network = try await Network()
        let seeder = try await network.visitor("seeder")
        var leecher = try await network.visitor("leecher")
        let size = 16 << 20
        let original = try network.scratch.file("book.bin", size: size, seed: 5)
        let description = network.scratch("book.mtorrent")
        try await seeder("share \(original) \(description)")
        let copy = network.scratch("copy.bin")
        let brake = try await Brake(seeder)
        try await leecher("get \(description) \(copy)")
        try await brake.release(until: "a part of the file") {
            let download = try await leecher.shownDownload(of: "book.bin")
            return download.verified > 4 << 20
        }
        let before = try await leecher.shownDownload(of: "book.bin")
        leecher.process.kill()
        #expect(before.isInTheMiddle && !exists(copy))
        try await brake.off()
        leecher = try await network.visitor("leecher", port: leecher.port)
        // It needs no login and no word.
        try await leecher("wait book.bin")
        #expect(try await same(copy, original))
        let after = try await leecher.shownDownload(of: "book.bin")
        #expect(after.received <= size - before.verified + (4 << 20), "\(before) \(after)")
    }

    @Test func `what is shared without a group is shared again at the next start`() async throws {
        let network = try await Network()
        let seeder = try await network.visitor("seeder")
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 6)
        let description = network.scratch("book.mtorrent")
        try await seeder("share \(original) \(description)")
        #expect(try await seeder.quit() == .exited(0))
        let again = try await network.visitor("seeder", port: seeder.port)
        let leecher = try await network.visitor("leecher")
        let copy = network.scratch("copy.bin")
        try await leecher("get \(description) \(copy)")
        try await leecher("wait")
        #expect(try await same(copy, original))
        #expect(again.process.exitStatus == nil)
    }

    @Test(arguments: [
        ("nonsense\n", 1), ("127.0.0.1:1\n\nbook.bin\n5\n", 3), ("127.0.0.1:1\n\n/x/b\nmany\n", 4),
        ("127.0.0.1:1\nx\n/x/b\n1\n", 2), ("127.0.0.1:1\n\n/x/b\n1\nabc\n", 5),
    ])
    func `a damaged description is refused with its line`(text: String, line: Int) async throws {
        let scratch = try Scratch()
        let bad = try scratch.text("bad.mtorrent", text)
        let finished = try await PeerProcess.run(
            script: ["get \(bad) \(scratch("copy.bin"))"], tracker: "127.0.0.1:9",
            dataFolder: scratch("state"))
        let words = finished.errors.joined()
        #expect(words.contains(bad) && words.contains("line \(line)"), "\(words)")
        #expect(finished.code == 26)
        #expect(!exists(scratch("copy.bin")) && !exists(scratch("copy.bin.part")))
    }

    @Test func `a hash that doesn't fit the others is refused with its line`() async throws {
        let scratch = try Scratch()
        var lines = oldDescription(
            of: "/x/old.bin", size: 4000, seed: 3, tracker: "127.0.0.1:9"
        ).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines[5] = String(lines[5].reversed())
        let bad = try scratch.text("bad.mtorrent", lines.joined(separator: "\n"))
        let finished = try await PeerProcess.run(
            script: ["get \(bad) \(scratch("copy.bin"))", "get /nonexistent.mtorrent /tmp/x"],
            tracker: "127.0.0.1:9", dataFolder: scratch("state"))
        #expect(finished.errors.first?.contains("line 8") == true, "\(finished)")
        #expect(finished.errors.last?.contains("MTORRENT_FILE_NOT_FOUND") == true)
        #expect(finished.errors.last?.contains("/nonexistent.mtorrent") == true)
    }

    @Test func `a tracker without open swarms says so`() async throws {
        let network = try await Network(trackerOptions: ["--open-swarms", "off"])
        let peer = try await network.visitor("peer")
        let original = try network.scratch.file("book.bin", size: 1000, seed: 4)
        let description = network.scratch("b.mtorrent")
        let refusal = try await peer.refusal(of: "share \(original) \(description)")
        #expect(refusal.contains("open"), "\(refusal)")
        #expect(!exists(description))
    }

    @Test func `a tracker of registered swarms takes what a user shares, and nothing else`()
        async throws
    {
        let network = try await Network(trackerOptions: ["--open-swarms", "registered"])
        let stranger = try await network.visitor("stranger")
        let original = try network.scratch.file("book.bin", size: 100_000, seed: 9)
        let description = network.scratch("b.mtorrent")
        let refusal = try await stranger.refusal(of: "share \(original) \(description)")
        #expect(refusal.contains("log in"), "\(refusal)")
        #expect(!exists(description))
        let foreign = try Handshake.stranger(InfoHash(SHA1Hasher.hash([9]))).peerID
        let request = AnnounceRequest(
            infoHash: InfoHash(SHA1Hasher.hash([9])), peerID: foreign, port: 9, left: 1)
        let answer = try await network.bytes(of: "/announce?\(request.query())")
        #expect(String(decoding: answer.body, as: UTF8.self).contains("not registered"))
        let alice = try await network.member("alice")
        try await alice("share \(original) \(description)")
        let kept = try String(contentsOfFile: description, encoding: .utf8)
        let copy = network.scratch("copy.bin")
        try await stranger("get \(description) \(copy)")
        try await stranger("wait")
        #expect(try await same(copy, original))
        try await alice("remove \(description)")
        let again = try network.scratch.text("again.mtorrent", kept)
        let infoHash = try MTorrentFile(parsing: kept).info.infoHash
        let query = ScrapeRequest(infoHashes: [infoHash]).query()
        let scraped = try await network.bytes(of: "/scrape?\(query)")
        #expect(try ScrapeResponse(decoding: scraped.body).files.isEmpty)
        try await alice("share \(original) \(again)")
        try await eventually("alice's announce is taken again") {
            let answer = try await network.bytes(of: "/scrape?\(query)")
            return try ScrapeResponse(decoding: answer.body).files[infoHash] != nil
        }
    }

    private func hash(of path: String, _ range: Range<Int>) -> SHA1Digest? {
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        return SHA1Hasher.hash([UInt8](bytes[range]))
    }
}
