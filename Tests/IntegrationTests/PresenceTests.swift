import Foundation
import Testing

/// Who is there, and what is shared again when they come back.
@Suite(.inTurn) struct PresenceTests {
    @Test func `a killed sharer is offline within seconds, its share remembered`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000, kind: .sealed)
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.bob)
        pair.alice.process.kill()
        try await network.sharers(
            0, of: 1, share: "book.bin", seenBy: pair.bob, within: .seconds(10))
        let info = try await pair.bob("file_info readers book.bin")
        #expect(info.contains { $0.hasPrefix("sharer\talice\toffline\t") }, "\(info)")
        // No tracker sends anyone to it.
        let torrent = network.scratch("bob.torrent")
        try await pair.bob("export readers book.bin \(torrent)")
        let ticket = try Ticket(torrent)
        let entry = try await network.scrape(ticket.info.infoHash, passkey: ticket.passkey)
        #expect(entry?.complete == 0)
        let again = try await network.again("alice", after: pair.alice)
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.bob)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
        #expect(again.process.exitStatus == nil)
    }

    @Test func `a logout stops sharing, a login shares again`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1_000_000, kind: .sealed)
        try await pair.alice("logout")
        try await network.sharers(
            0, of: 1, share: "book.bin", seenBy: pair.bob, within: .seconds(10))
        let answer = try await network.logIn(pair.alice, as: "alice")
        #expect(answer.contains { $0.contains("1 file") }, "\(answer)")
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.bob)
        // The same after an end of the program.
        #expect(try await pair.alice.quit() == .exited(0))
        try await network.sharers(
            0, of: 1, share: "book.bin", seenBy: pair.bob, within: .seconds(10))
        let again = try await network.again("alice", after: pair.alice)
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.bob)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(try await same(pair.copy, pair.original))
        #expect(again.process.exitStatus == nil)
    }

    @Test func `what one user shared is not shared for another`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000, kind: .sealed)
        try await pair.alice("logout")
        try await pair.alice("create_user carol secret-of-carol")
        try await network.logIn(pair.alice, as: "carol")
        try await network.sharers(0, of: 1, share: "book.bin", seenBy: pair.bob)
        #expect(try await pair.alice.refusal(of: "list_files readers").contains("readers"))
        #expect(try await pair.alice.downloads().isEmpty)
        try await pair.alice("logout")
        try await network.logIn(pair.alice, as: "alice")
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.bob)
    }

    @Test func `what is no longer shared stays so after the next login`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000, kind: .sealed)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.alice)
        try await pair.alice("stop_share readers book.bin")
        try await pair.alice("logout")
        try await network.logIn(pair.alice, as: "alice")
        try await network.sharers(1, of: 1, share: "book.bin", seenBy: pair.bob)
        #expect(
            try await pair.bob("file_info readers book.bin").contains { $0.contains("\tbob\t") })
    }

    @Test func `a download goes on after a logout and a login`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20, kind: .sealed)
        do {
            let brake = try await Brake(pair.alice)
            try await pair.bob("download_file readers book.bin \(pair.copy)")
            try await brake.release(until: "a part of the file") {
                try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
            }
            try await pair.bob("logout")
            try await brake.off()
        }
        #expect(!exists(pair.copy))
        let answer = try await network.logIn(pair.bob, as: "bob")
        #expect(answer.contains { $0.contains("1 download") }, "\(answer)")
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a share whose file is gone or changed is not shared again, and named`() async throws
    {
        let network = try await Network()
        let pair = try await network.pair(size: 100_000, kind: .sealed)
        let other = try network.scratch.file("originals/other.bin", size: 100_000, seed: 8)
        try await pair.alice("upload_file \(other) readers")
        #expect(try await pair.alice.quit() == .exited(0))
        try TestBytes.write(to: pair.original, size: 100_000, seed: 9)
        try FileManager.default.removeItem(atPath: other)
        let again = try await network.visitor("alice", port: pair.alice.port)
        let answer = try await network.logIn(again, as: "alice")
        #expect(answer.contains { $0.contains("book.bin") && $0.contains("changed") }, "\(answer)")
        #expect(answer.contains { $0.contains("other.bin") }, "\(answer)")
        try await network.sharers(0, of: 1, share: "book.bin", seenBy: pair.bob)
        try await network.sharers(0, of: 1, share: "other.bin", seenBy: pair.bob)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        #expect(try await pair.bob.shownDownload(of: "book.bin").verified == 0)
    }
}
