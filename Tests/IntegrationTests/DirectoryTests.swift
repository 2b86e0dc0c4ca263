import Foundation
import Testing
import Wire

/// Directories that go from peer to peer as one torrent each.
@Suite(.inTurn) struct DirectoryTests {
    /// Large and small files, empty ones, hidden ones, names that need care. The large ones don't
    /// end with a piece, so that pads follow.
    private static let album: KeyValuePairs = [
        "a first one": 70_001, ".hidden/.file": 5, "big.bin": 3_000_017, "cover/empty": 0,
        "cover/front.jpg": 400_003, "cover/back.jpg": 300_000, "deep/er/and/deep est/x": 16_384,
        "-rf": 12, "..dots": 1, "line\nbreak": 33, "\u{e9}/f": 100, "e\u{301}/f": 101,
        "z.bin": 2_500_000, "zz": 9,
    ]
    /// Names that every client takes as they are.
    private static let plain: KeyValuePairs = [
        "a first one": 70_001, "big.bin": 3_000_017, "cover/empty": 0, "cover/front.jpg": 400_003,
        "deep/er/x": 16_384, "\u{e9}": 100, "z.bin": 2_500_000, "zz": 9,
    ]
    private static let albumSize = album.reduce(0) { $0 + $1.value }

    // MARK: All of it

    @Test func `a directory arrives with every file, and is shared on`() async throws {
        let network = try await Network()
        let pair = try await network.album(Self.album)
        let entry = "album\t\(Self.albumSize)"
        #expect(try await pair.bob("list_files readers") == ["\(entry)\t1/1"])
        let copy = network.scratch("copy")
        try await pair.bob.download("album", of: "readers", to: copy)
        #expect(try await differences(copy, pair.original) == [])
        #expect(!exists(copy + ".part"))
        let shown = try await pair.bob.shownDownload(of: "album")
        #expect(shown.isComplete && shown.percent == "100%")
        #expect(shown.size == Self.albumSize && shown.verified == Self.albumSize)
        try await network.sharers(2, of: 2, share: "album", seenBy: pair.alice)
        // Who has it whole shares it, also when the first one is gone.
        let carol = try await network.admitted("carol", by: pair.alice)
        #expect(try await pair.alice.quit() == .exited(0))
        try await carol.download("album", of: "readers", to: network.scratch.folder("carol"))
        #expect(try await differences(network.scratch("carol/album"), pair.original) == [])
    }

    @Test func `its files are described, each with its size and hash`() async throws {
        let network = try await Network()
        let pair = try await network.album(Self.album)
        let info = try await pair.bob("file_info readers album/")
        #expect(info.contains("name\talbum"))
        #expect(info.contains("size\t\(Self.albumSize)"))
        #expect(info.contains("files\t\(Self.album.count)"))
        #expect(!info.contains { $0.hasPrefix("sha1\t") })
        let hash = try await sha1sum(pair.original + "/cover/front.jpg")
        #expect(info.contains("file\tcover/front.jpg\t400003\t\(hash)"))
        #expect(info.contains { $0.hasPrefix("file\tline\\nbreak\t33\t") })
        #expect(info.filter { $0.hasPrefix("file\t") }.count == Self.album.count)
    }

    @Test func `nothing but empty files is a directory too`() async throws {
        let network = try await Network()
        let pair = try await network.album(["a": 0, "b/c": 0])
        let copy = network.scratch("copy")
        try await pair.bob.download("album", of: "readers", to: copy)
        #expect(try await differences(copy, pair.original) == [])
        try await network.sharers(2, of: 2, share: "album", seenBy: pair.alice)
    }

    @Test func `the same tree has the same info-hash and makes another sharer`() async throws {
        let network = try await Network()
        let pair = try await network.album(Self.album)
        let copy = network.scratch("elsewhere/album")
        try FileManager.default.createDirectory(
            atPath: network.scratch("elsewhere"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: pair.original, toPath: copy)
        let answer = try await pair.bob("upload_file \(copy)/ readers")
        #expect(answer == ["album in readers was there already: you are one of its sharers now"])
        try await network.sharers(2, of: 2, share: "album", seenBy: pair.alice)
        // Another tree of that name is not that one.
        let other = try network.scratch.tree("other/album", ["a": 1])
        #expect(try await pair.bob.refusal(of: "upload_file \(other) readers").contains("album"))
    }

    @Test func `an existing directory is not written into`() async throws {
        let network = try await Network()
        let pair = try await network.album(["a": 10, "b": 20])
        let folder = try network.scratch.folder("inbox")
        // A directory that is there takes it under its name.
        try await pair.bob.download("album", of: "readers", to: folder)
        #expect(try await differences(folder + "/album", pair.original) == [])
        let carol = try await network.admitted("carol", by: pair.alice)
        let refusal = try await carol.refusal(of: "download_file readers album \(folder)")
        #expect(refusal.contains("\(folder)/album exists already"), "\(refusal)")
        let kept = try network.scratch.file("inbox/other.part/keep", size: 3, seed: 9)
        let other = try await carol.refusal(of: "download_file readers album \(folder)/other")
        #expect(other.contains("other.part"), "\(other)")
        #expect(fileSize(kept) == 3)
    }

    // MARK: Some of it

    @Test func `only what patterns match is fetched, and served to others`() async throws {
        let network = try await Network()
        let pair = try await network.album(Self.album)
        let copy = network.scratch("copy")
        try await pair.bob(
            "download_file readers album \(copy) --only 'cover/*.jpg' --only=deep/")
        try await pair.bob("wait album", within: .seconds(60))
        let wanted = ["cover/back.jpg", "cover/front.jpg", "deep/er/and/deep est/x"]
        #expect(files(below: copy) == wanted)
        for path in wanted {
            #expect(try await same("\(copy)/\(path)", "\(pair.original)/\(path)"))
        }
        let shown = try await pair.bob.shownDownload(of: "album")
        #expect(shown.isComplete && shown.size == 716_387 && shown.verified == 716_387)
        // The first sharer goes, and another member gets from the second what it has.
        let carol = try await network.admitted("carol", by: pair.alice)
        #expect(try await pair.alice.quit() == .exited(0))
        let second = network.scratch("second")
        try await carol("download_file readers album \(second) --only cover/*.jpg")
        try await carol("wait album", within: .seconds(60))
        #expect(files(below: second) == Array(wanted.prefix(2)))
        for path in wanted.prefix(2) {
            #expect(try await same("\(second)/\(path)", "\(pair.original)/\(path)"))
        }
    }

    @Test func `a partial sharer serves again after a restart`() async throws {
        let network = try await Network()
        let pair = try await network.album(Self.album)
        try await pair.bob(
            "download_file readers album \(network.scratch("copy")) --only z.bin")
        try await pair.bob("wait album", within: .seconds(60))
        let carol = try await network.admitted("carol", by: pair.alice)
        #expect(try await pair.bob.quit() == .exited(0))
        #expect(try await pair.alice.quit() == .exited(0))
        let bob = try await network.again("bob", after: pair.bob)
        let copy = network.scratch("carol")
        try await carol("download_file readers album \(copy) --only z.bin")
        try await carol("wait album", within: .seconds(60))
        #expect(try await same(copy + "/z.bin", pair.original + "/z.bin"))
        #expect(try await bob.quit() == .exited(0))
    }

    @Test func `a pattern that matches nothing is named, and nothing is begun`() async throws {
        let network = try await Network()
        let pair = try await network.album(["a": 10])
        let copy = network.scratch("copy")
        let refusal = try await pair.bob.refusal(
            of: "download_file readers album \(copy) --only a --only '*.jpg'")
        #expect(refusal.contains("'*.jpg' matches no file of album"))
        #expect(!exists(copy) && !exists(copy + ".part"))
        #expect(try await pair.bob.downloads().isEmpty)
    }

    // MARK: Interrupted

    @Test(arguments: ["", " --only '*.bin'", " --sequential"])
    func `a killed download of a directory goes on`(options: String) async throws {
        let network = try await Network()
        let pair = try await network.album(
            ["a": 1000, "one.bin": 12 << 20, "sub/two.bin": 12 << 20, "z": 77])
        let copy = network.scratch("copy")
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers album \(copy)\(options)")
        try await brake.release(until: "a part of the directory") {
            let shown = try await pair.bob.shownDownload(of: "album")
            return shown.isInTheMiddle && shown.verified > 3 << 20
        }
        pair.bob.process.signal(SIGKILL)
        _ = try await pair.bob.process.end()
        try await brake.off()
        let bob = try await network.again("bob", after: pair.bob)
        try await bob("wait album", within: .seconds(60))
        if options.contains("--only") {
            #expect(files(below: copy) == ["one.bin", "sub/two.bin"])
            #expect(try await same(copy + "/sub/two.bin", pair.original + "/sub/two.bin"))
        } else {
            #expect(try await differences(copy, pair.original) == [])
        }
        // What was there was not fetched again.
        #expect(try await bob.shownDownload(of: "album").received < 23 << 20)
    }

    @Test func `in sequence the first file can be read while the rest arrives`() async throws {
        let network = try await Network()
        let pair = try await network.album(["one.bin": 16 << 20, "two.bin": 16 << 20])
        let copy = network.scratch("copy")
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers album \(copy) --sequential")
        try await brake.release(until: "more than a tenth") {
            try await pair.bob.shownDownload(of: "album").verified > 3 << 20
        }
        let half = try await pair.bob.shownDownload(of: "album").verified / 2
        let whole = try FileHandle(forReadingFrom: URL(filePath: pair.original + "/one.bin"))
        let part = try FileHandle(forReadingFrom: URL(filePath: copy + ".part/one.bin"))
        let count = min(half, 8 << 20)
        #expect(try part.read(upToCount: count) == whole.read(upToCount: count))
        try await brake.off()
        try await pair.bob("wait album", within: .seconds(60))
        #expect(try await differences(copy, pair.original) == [])
    }

    // MARK: Shared again

    @Test func `a directory is shared again at login, unless a file changed`() async throws {
        let network = try await Network()
        let pair = try await network.album(["a": 1000, "sub/b": 2_000_000])
        try await pair.alice("logout")
        try await network.sharers(0, of: 1, share: "album", seenBy: pair.bob)
        #expect(try await network.logIn(pair.alice, as: "alice").first?.contains("1 file") == true)
        try await network.sharers(1, of: 1, share: "album", seenBy: pair.bob)
        try await pair.alice("logout")
        let handle = try FileHandle(forWritingTo: URL(filePath: pair.original + "/sub/b"))
        try handle.write(contentsOf: Data("x".utf8))
        try handle.close()
        let problems = try await network.logIn(pair.alice, as: "alice")
        #expect(
            problems.contains { $0.contains("album is not shared again") && $0.contains("sub/b") },
            "\(problems)")
        try await network.sharers(0, of: 1, share: "album", seenBy: pair.bob)
    }

    @Test func `a file that changes while it is shared is no longer served`() async throws {
        let network = try await Network()
        let pair = try await network.album(["a": 1000, "sub/b": 4_000_000])
        try damage(pair.original + "/a", at: 0, count: 1)
        let handle = try FileHandle(forWritingTo: URL(filePath: pair.original + "/sub/b"))
        try handle.truncate(atOffset: 3_000_000)
        try handle.close()
        try await pair.bob("download_file readers album \(network.scratch("copy"))")
        try await network.sharers(0, of: 1, share: "album", seenBy: pair.bob)
        #expect(try await pair.bob.shownDownload(of: "album").state == "D")
    }

    // MARK: What can't be shared

    @Test func `what isn't a regular file is refused by name`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        try await alice("create_group readers")
        let folder = try network.scratch.tree("album", ["sub/f": 10])
        func refusal() async throws -> String {
            try await alice.refusal(of: "upload_file \(folder) readers")
        }
        let link = folder + "/sub/link"
        for target in ["/etc/passwd", "..", "nowhere"] {
            try FileManager.default.createSymbolicLink(
                atPath: link, withDestinationPath: target)
            #expect(try await refusal().hasPrefix("\(link) is a symbolic link"))
            try FileManager.default.removeItem(atPath: link)
        }
        #expect(mkfifo(link, 0o600) == 0)
        #expect(try await refusal().hasPrefix("\(link) is a FIFO"))
        try FileManager.default.removeItem(atPath: link)
        try await alice("upload_file \(folder) readers")
        let empty = try network.scratch.folder("empty/inside/it")
        #expect(
            try await alice.refusal(of: "upload_file \(network.scratch("empty")) readers")
                .contains("has no files"))
        #expect(try await alice.refusal(of: "upload_file / readers").contains("root directory"))
        #expect(exists(empty))
        let share = try await alice.refusal(of: "share \(folder) \(network.scratch("x.mtorrent"))")
        #expect(share.contains("is a directory") && share.contains("upload_file"))
    }

    // MARK: Other clients

    @Test(arguments: [ThirdParty.aria2, .libtorrent])
    func `another client gets a directory from us, and we get it back`(
        client: ThirdParty
    ) async throws {
        let network = try await Network()
        let pair = try await network.album(Self.plain)
        let torrent = network.scratch("album.torrent")
        try await pair.bob("export readers album \(torrent)")
        #expect(try Ticket(torrent).info.files.contains(where: \.isPad))
        let folder = try network.scratch.folder("theirs")
        let theirs = try client.start(torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await eventually(
            "every file", within: .seconds(90), longestPause: .milliseconds(200),
            context: theirs.transcript
        ) {
            try await hasAll(folder + "/album", pair.original)
        }
        try await network.swarm(of: torrent, seeders: 2)
        #expect(try await pair.alice.quit() == .exited(0))
        let copy = network.scratch("copy")
        try await pair.bob.download("album", of: "readers", to: copy)
        #expect(try await differences(copy, pair.original) == [])
    }

    /// It knows that pads are on no disk.
    @Test func `we get a directory from one that libtorrent finds on its disk`() async throws {
        let network = try await Network()
        let pair = try await network.album(Self.plain)
        let torrent = network.scratch("album.torrent")
        try await pair.alice("export readers album \(torrent)")
        #expect(try await pair.alice.quit() == .exited(0))
        let folder = try network.scratch.folder("theirs")
        try FileManager.default.copyItem(atPath: pair.original, toPath: folder + "/album")
        let theirs = try ThirdParty.libtorrent.start(
            torrent: torrent, folder: folder, scratch: network.scratch)
        defer { theirs.kill() }
        try await network.swarm(of: torrent, seeders: 1)
        let copy = network.scratch("copy")
        try await pair.bob.download("album", of: "readers", to: copy)
        #expect(try await differences(copy, pair.original) == [])
    }

    /// Whether every file is there with its bytes. Other clients may keep pads as files, too.
    private func hasAll(_ copy: String, _ original: String) async throws -> Bool {
        for (path, size) in Self.plain {
            guard fileSize("\(copy)/\(path)") == size else { return false }
            guard try await same("\(copy)/\(path)", "\(original)/\(path)") else { return false }
        }
        return true
    }
}
