import Foundation
import Testing
import Wire

/// Directories that are shared as one torrent, in the cases one doesn't think of.
@Suite(.inTurn) struct DirectoryEdgeTests {
    /// Alice and Bob in a group, and a directory of hers.
    private struct Stage {
        let network: Network
        let alice: PeerProcess
        let bob: PeerProcess
        let folder: String

        init(_ name: String = "album") async throws {
            network = try await Network()
            alice = try await network.member(
                "alice",
                options: ["--log-level", "info", "--log-file", network.scratch("alice.log")])
            bob = try await network.member("bob")
            try await network.found("readers", owner: alice, members: ["bob": bob])
            folder = try network.scratch.folder("originals/\(name)")
        }

        /// Files by their path in the directory, each of other bytes.
        func fill(_ files: KeyValuePairs<String, Int>) throws {
            for (number, (path, size)) in files.enumerated() {
                _ = try network.scratch.file(
                    "originals/\((folder as NSString).lastPathComponent)/\(path)", size: size,
                    seed: UInt64(number))
            }
        }

        func inbox() throws -> String { try network.scratch.folder("inbox") }
    }

    /// The difference that diff(1) tells between two trees; empty where there is none.
    private func difference(_ a: String, _ b: String) async throws -> [String] {
        let finished = try await run("diff", ["--recursive", "--brief", "--", a, b])
        return finished.output + finished.errors
    }

    @Test func `names that no line should hold arrive as they are`() async throws {
        let stage = try await Stage("odd names")
        try stage.fill([
            "a\nb.txt": 10, "tab\there": 70_000, "😀 Ünïcödé.bin": 100_000, " leading": 5,
            "trailing ": 6, "'quoted'": 7, "\"double\"": 8, "back\\slash": 9, "-rf": 3, "*": 4,
            "[a]?": 2, "\u{1b}[31mred": 11, "deep/er/and/deeper/\u{202e}txt.exe": 12, ".hidden": 1,
            "e\u{301}": 13, "\u{e9}": 14,
        ])
        try await stage.alice("upload_file '\(stage.folder)' readers")
        // Nothing that a terminal would obey, and each answer in lines of its own.
        for command in [
            "list_files readers", "file_info readers 'odd names'", "show_downloads",
        ] {
            let text = try await stage.alice.answer(command).text
            #expect(!text.unicodeScalars.contains { "\u{1b}\u{202e}".unicodeScalars.contains($0) })
        }
        #expect(try await stage.bob("list_files readers").count == 1)
        let inbox = try stage.inbox()
        try await stage.bob("download_file readers 'odd names' '\(inbox)'")
        try await stage.bob("wait")
        #expect(try await difference(stage.folder, inbox + "/odd names").isEmpty)
        #expect(!exists(inbox + "/odd names.part"))
    }

    @Test func `what isn't a regular file is refused by its name`() async throws {
        let stage = try await Stage()
        try stage.fill(["book.bin": 1000])
        let outside = try stage.network.scratch.text("outside.txt", "secret")
        let odd = stage.folder + "/odd"
        let makers: [(String, () -> Bool)] = [
            ("link to a file", { symlink(outside, odd) == 0 }),
            ("link to a folder", { symlink(stage.network.scratch.path, odd) == 0 }),
            ("link to nothing", { symlink("/nonexistent", odd) == 0 }),
            ("fifo", { mkfifo(odd, 0o600) == 0 }),
        ]
        for (what, make) in makers {
            #expect(make(), "\(what)")
            let refusal = try await stage.alice.refusal(of: "upload_file \(stage.folder) readers")
            #expect(refusal.contains("odd"), "\(what): \(refusal)")
            #expect(unlink(odd) == 0)
        }
        // A name that isn't UTF-8.
        let bytes: [CChar] = Array((stage.folder + "/").utf8CString.dropLast()) + [-1, -2, 0]
        let descriptor = open(bytes, O_CREAT | O_WRONLY, 0o600)
        #expect(descriptor >= 0)
        close(descriptor)
        #expect(
            try await stage.alice.answer("upload_file \(stage.folder) readers").error != nil)
        #expect(unlink(bytes) == 0)
        let empty = try stage.network.scratch.folder("originals/empty/inside")
        #expect(
            try await stage.alice.refusal(
                of: "upload_file \((empty as NSString).deletingLastPathComponent) readers"
            ).contains("empty"))
        #expect(try await stage.alice("list_files readers").isEmpty)
        // The folder is well again.
        try await stage.alice("upload_file \(stage.folder) readers")
    }

    @Test func `patterns may overlap, and what none of them matches isn't made`() async throws {
        let stage = try await Stage()
        try stage.fill([
            "one.txt": 40_000, "two.txt": 50_000, "sub/three.txt": 300_000, "sub/four.bin": 70_000,
            "sub/deep/five.txt": 0, "other/six.bin": 200_000,
        ])
        try await stage.alice("upload_file \(stage.folder) readers")
        let inbox = try stage.inbox()
        try await stage.bob(
            "download_file readers album \(inbox) --only '*.txt' --only sub --only 'sub/*'")
        try await stage.bob("wait")
        #expect(try await stage.bob.shownDownload(of: "album").isComplete)
        let got = inbox + "/album"
        for path in ["one.txt", "two.txt", "sub/three.txt", "sub/four.bin", "sub/deep/five.txt"] {
            #expect(try await same("\(got)/\(path)", "\(stage.folder)/\(path)"), "\(path)")
        }
        #expect(!exists(got + "/other") && !exists(got + "/other/six.bin"))
        #expect(!exists(got + ".part"))
        #expect(try await difference(stage.folder, got).count == 1)
    }

    @Test func `a pattern that matches nothing is named, and nothing is begun`() async throws {
        let stage = try await Stage()
        try stage.fill(["one.txt": 40_000])
        try await stage.alice("upload_file \(stage.folder) readers")
        let inbox = try stage.inbox()
        for patterns in ["--only '*.mp3'", "--only one.txt --only '*.mp3'", "--only '*.mp3/'"] {
            let refusal = try await stage.bob.refusal(
                of: "download_file readers album \(inbox) \(patterns)")
            #expect(refusal.contains("*.mp3"), "\(refusal)")
        }
        #expect(
            try await stage.bob.refusal(of: "download_file readers album \(inbox) --only")
                .contains("usage"))
        #expect(try await stage.bob.downloads().isEmpty)
        #expect(!exists(inbox + "/album.part") && !exists(inbox + "/album"))
    }

    @Test func `a file that changes is served no more, the others are`() async throws {
        let stage = try await Stage()
        try stage.fill(["one.bin": 2_000_000, "two.bin": 2_000_000, "three.bin": 2_000_000])
        try await stage.alice("upload_file \(stage.folder) readers")
        try TestBytes.write(to: stage.folder + "/two.bin", size: 2_000_000, seed: 99)
        let inbox = try stage.inbox()
        try await stage.bob("download_file readers album \(inbox)")
        // It ends up with everything but that file, or Alice stops all of it; never wrong bytes.
        try await eventually("word of the change", context: stage.alice.process.transcript) {
            let log = try? String(
                contentsOfFile: stage.network.scratch("alice.log"), encoding: .utf8)
            return (log ?? "").split(separator: "\n").contains {
                $0.contains("two.bin") && $0.contains("changed")
            }
        }
        #expect(try await !stage.bob.shownDownload(of: "album").isComplete)
        #expect(!exists(inbox + "/album"))
        let other = try stage.network.scratch.file("other.bin", size: 100_000, seed: 4)
        try await stage.alice("upload_file \(other) readers")
        try await stage.bob.download(
            "other.bin", of: "readers", to: stage.network.scratch("other-copy.bin"))
        #expect(try await same(stage.network.scratch("other-copy.bin"), other))
    }

    @Test func `what is in the way of a directory is named and left alone`() async throws {
        let stage = try await Stage()
        try stage.fill(["one.bin": 100_000])
        try await stage.alice("upload_file \(stage.folder) readers")
        let inbox = try stage.inbox()
        let obstacle = try stage.network.scratch.text("inbox/album/mine.txt", "mine")
        let refusal = try await stage.bob.refusal(of: "download_file readers album \(inbox)")
        #expect(refusal.contains(inbox + "/album"), "\(refusal)")
        #expect(fileSize(obstacle) == 4)
        let second = try stage.network.scratch.text("second/album.part/mine.txt", "mine")
        let folder = stage.network.scratch("second")
        #expect(
            try await stage.bob.refusal(of: "download_file readers album \(folder)")
                .contains("album.part"))
        #expect(fileSize(second) == 4)
        #expect(!exists(folder + "/album"))
    }

    @Test func `a cancelled directory leaves nothing behind, not even of a selection`()
        async throws
    {
        let stage = try await Stage()
        try stage.fill(["one.bin": 3_000_000, "sub/two.bin": 3_000_000, "sub/three.bin": 10])
        try await stage.alice("upload_file \(stage.folder) readers")
        try await stage.alice("limit up 2M")
        let inbox = try stage.inbox()
        for options in ["", "--only sub", "--sequential"] {
            try await stage.bob("download_file readers album \(inbox) \(options)")
            try await stage.bob.download(of: "album") { $0.verified > 0 }
            try await stage.bob("cancel album")
            #expect(try FileManager.default.contentsOfDirectory(atPath: inbox).isEmpty)
        }
        let edges = stage.network.scratch("state-bob/edges")
        #expect((try? FileManager.default.contentsOfDirectory(atPath: edges)) ?? [] == [])
        try await stage.alice("limit up off")
        try await stage.bob("download_file readers album \(inbox)")
        try await stage.bob("wait")
        #expect(try await difference(stage.folder, inbox + "/album").isEmpty)
    }

    @Test func `a partial seed serves what it has`() async throws {
        let stage = try await Stage()
        try stage.fill(["one.bin": 3_000_000, "sub/two.bin": 3_000_000])
        let carol = try await stage.network.member("carol")
        try await carol("join_group readers")
        try await stage.alice("accept_request readers carol")
        try await stage.alice("upload_file \(stage.folder) readers")
        let inbox = try stage.inbox()
        try await stage.bob("download_file readers album \(inbox) --only sub")
        try await stage.bob("wait")
        try await stage.alice("logout")
        // Carol gets from Bob what he has, and the rest when Alice is back.
        let other = try stage.network.scratch.folder("carol")
        try await carol("download_file readers album \(other)")
        try await carol.download(of: "album") { $0.verified >= 2_900_000 }
        #expect(!exists(other + "/album"))
        try await stage.network.logIn(stage.alice, as: "alice")
        try await carol("wait")
        #expect(try await difference(stage.folder, other + "/album").isEmpty)
        let sources = try await carol.shownDownload(of: "album").sources
        #expect(sources[stage.bob.address] ?? 0 > 2_500_000, "\(sources)")
    }
}
