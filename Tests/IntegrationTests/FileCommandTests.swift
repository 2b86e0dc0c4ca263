import Foundation
import Testing
import Wire

/// What the commands about a group's files print.
@Suite(.inTurn) struct FileCommandTests {
    @Test func `a file is listed, described, downloaded and shown`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 5_000_017, kind: .sealed)
        #expect(try await pair.bob("list_files readers") == ["book.bin\t5000017\t1/1"])
        let info = try await pair.bob("file_info readers book.bin")
        let hash = try await sha1sum(pair.original)
        #expect(info.contains("name\tbook.bin"))
        #expect(info.contains("size\t5000017"))
        #expect(info.contains("sha1\t\(hash)"))
        #expect(info.contains("sharers\t1/1"))
        #expect(info.contains { $0.hasPrefix("added\t") && $0.hasSuffix(" by alice") })
        let pieces = try #require(
            Int(try await pair.bob.fact("pieces", of: "book.bin", in: "readers")))
        let length = try #require(
            Int(try await pair.bob.fact("piece_length", of: "book.bin", in: "readers")))
        #expect(pieces == (5_000_017 + length - 1) / length)
        #expect(info.contains("sharer\talice\tonline\t\(pieces)/\(pieces)"))
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        let ended = try await pair.bob("wait book.bin")
        #expect(ended.count == 1)
        try await pair.bob("wait")
        let shown = try await pair.bob.downloads()
        #expect(shown.count == 1)
        #expect(shown.first?.state == "C")
        #expect(shown.first?.group == "readers")
        #expect(shown.first?.percent == "100%")
        #expect(shown.first?.verified == 5_000_017)
        #expect(shown.first?.sources == [pair.alice.address: 5_000_017])
        #expect(try await same(pair.copy, pair.original))
        #expect(!exists(pair.copy + ".part"))
        // Who has it whole shares it.
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.alice)
        try await pair.alice.repeatedly("file_info readers book.bin") {
            $0.lines.contains("sharer\tbob\tonline\t\(pieces)/\(pieces)")
        }
    }

    @Test func `an export is a torrent with one's own passkey`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1_000_000)
        let (first, second) = (network.scratch("alice.torrent"), network.scratch("bob.torrent"))
        try await pair.alice("export readers book.bin \(first)")
        try await pair.bob("export readers book.bin \(second)")
        let (a, b) = (try Ticket(first), try Ticket(second))
        #expect(a.info.infoHash == b.info.infoHash)
        #expect(
            try await pair.alice.fact("info_hash", of: "book.bin", in: "readers")
                == a.info.infoHash.hex)
        #expect(a.info.isPrivate)
        #expect(a.info.name == "book.bin" && a.info.length == 1_000_000)
        #expect(a.info.sha1?.hex == (try await sha1sum(pair.original)))
        #expect(a.info.source?.hasSuffix("/readers") == true)
        #expect(a.announce.hasPrefix("http://\(network.tracker.address)/announce/"))
        #expect(a.passkey != b.passkey)
        #expect(a.passkey.count >= 22)
        // It is a secret: others on the machine can't read it.
        var status = stat()
        #expect(stat(first, &status) == 0 && status.st_mode & 0o077 == 0)
        #expect(try await pair.bob.answer("export readers none.bin \(second)").error != nil)
        #expect(
            try await pair.bob.answer("export readers book.bin /nonexistent/x.torrent").error != nil
        )
    }

    @Test func `stop_share takes the file out with its last sharer`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.bob)
        try await pair.alice("stop_share readers book.bin")
        #expect(try await pair.bob("list_files readers") == ["book.bin\t100000\t1/1"])
        // The one that is left serves it.
        let second = network.scratch("second.bin")
        try await pair.alice.download("book.bin", of: "readers", to: second)
        #expect(try await same(second, pair.original))
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.bob)
        try await pair.alice("stop_share readers book.bin")
        try await pair.bob("stop_share readers book.bin")
        #expect(try await pair.bob("list_files readers").isEmpty)
        #expect(try await pair.bob.refusal(of: "file_info readers book.bin").contains("book.bin"))
        #expect(
            try await pair.bob.refusal(of: "download_file readers book.bin \(network.scratch("x"))")
                .contains("book.bin"))
        #expect(exists(pair.original) && exists(pair.copy))
        // The name is free for another file.
        let other = try network.scratch.file("other/book.bin", size: 50, seed: 2)
        try await pair.bob("upload_file \(other) readers")
        #expect(try await pair.bob("list_files readers") == ["book.bin\t50\t1/1"])
    }

    @Test func `who doesn't share a file can't stop sharing it`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1000)
        #expect(try await pair.bob.refusal(of: "stop_share readers book.bin").contains("book.bin"))
        #expect(try await pair.bob("list_files readers") == ["book.bin\t1000\t1/1"])
    }

    @Test func `names with blanks and umlauts go through every command`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        let name = "ein Bücherregal (2).bin"
        let original = try network.scratch.file(name, size: 70_000, seed: 3)
        try await alice("upload_file '\(original)' readers")
        #expect(try await bob("list_files readers") == ["\(name)\t70000\t1/1"])
        #expect(try await bob("file_info readers \"\(name)\"").contains("name\t\(name)"))
        let copy = network.scratch("eine Kopie.bin")
        try await bob("download_file readers '\(name)' '\(copy)'")
        try await bob("wait '\(name)'")
        #expect(try await bob.shownDownload(of: name).isComplete)
        #expect(try await same(copy, original))
        try await bob("stop_share readers '\(name)'")
    }

    @Test func `a folder as destination takes the file under its name`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1000)
        let folder = try network.scratch.folder("inbox")
        let answer = try await pair.bob.answer("download_file readers book.bin \(folder)")
        try await pair.bob("wait")
        // Either the file is in it, or the folder is named as what can't be replaced.
        if let error = answer.error {
            #expect(error.contains(folder))
        } else {
            #expect(try await same(folder + "/book.bin", pair.original))
        }
        #expect(exists(folder))
    }
}
