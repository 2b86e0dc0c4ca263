import Foundation
import Testing

/// Bytes that aren't what they should be.
@Suite(.inTurn) struct CorruptionTests {
    @Test func `damaged pieces come from another sharer, and their sender is blamed`() async throws
    {
        let network = try await Network()
        let log = network.scratch("bob.log")
        let alice = try await network.member("alice")
        let bob = try await network.member(
            "bob", options: ["--log-level", "info", "--log-file", log])
        let mallory = try await network.member("mallory")
        try await network.found(
            "readers", owner: alice, members: ["bob": bob, "mallory": mallory])
        let original = try network.scratch.file("a/book.bin", size: 8 << 20, seed: 1)
        let damaged = try network.scratch.file("m/book.bin", size: 8 << 20, seed: 1)
        try await alice("upload_file \(original) readers")
        try await mallory("upload_file \(damaged) readers")
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: bob)
        try damage(damaged, at: 1 << 20, count: 6 << 20)
        // Mallory is alone at first, so that she is asked.
        try await alice("logout")
        let copy = network.scratch("copy.bin")
        try await bob("download_file readers book.bin \(copy)")
        try await eventually("the blame", context: bob.process.transcript) {
            let lines = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            return lines.split(separator: "\n").contains {
                $0.contains(mallory.address) && $0.contains("piece")
            }
        }
        #expect(!exists(copy))
        try await network.logIn(alice, as: "alice")
        try await bob("wait book.bin", within: .seconds(90))
        #expect(try await same(copy, original))
        let download = try await bob.shownDownload(of: "book.bin")
        #expect(download.sources[alice.address] ?? 0 >= 6 << 20, "\(download.sources)")
    }

    @Test func `with both sharers there, the download ends well all the same`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 8 << 20)
        let mallory = try await network.member("mallory")
        try await mallory("join_group readers")
        try await pair.alice("accept_request readers mallory")
        let damaged = try network.scratch.file("m/book.bin", size: pair.size, seed: 1)
        try await mallory("upload_file \(damaged) readers")
        try damage(damaged, at: 0, count: pair.size)
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: pair.bob)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await pair.bob("wait book.bin", within: .seconds(90))
        #expect(try await same(pair.copy, pair.original))
    }

    @Test func `a file that changes while it is shared is not served, and its owner told`()
        async throws
    {
        let network = try await Network()
        let log = network.scratch("alice.log")
        let alice = try await network.member(
            "alice", options: ["--log-level", "info", "--log-file", log])
        let bob = try await network.member("bob")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        let original = try network.scratch.file("book.bin", size: 2_000_000, seed: 2)
        try await alice("upload_file \(original) readers")
        try TestBytes.write(to: original, size: 2_000_000, seed: 3)
        let copy = network.scratch("copy.bin")
        try await bob("download_file readers book.bin \(copy)")
        try await eventually("word of the change", context: alice.process.transcript) {
            let lines = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            return lines.split(separator: "\n").contains {
                $0.contains("book.bin") && $0.contains("changed")
            }
        }
        try await bob.repeatedly("list_files readers") { !$0.text.contains("\t1/") }
        #expect(try await bob.shownDownload(of: "book.bin").verified == 0)
        #expect(!exists(copy))
        // The rest of what she shares is still served.
        let other = try network.scratch.file("other.bin", size: 100_000, seed: 4)
        try await alice("upload_file \(other) readers")
        try await bob.download("other.bin", of: "readers", to: network.scratch("other-copy.bin"))
        #expect(try await same(network.scratch("other-copy.bin"), other))
    }

    @Test func `a file that loses its end while it is shared harms nobody`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 8 << 20)
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await brake.release(until: "a part of the file") {
            try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
        }
        #expect(truncate(pair.original, 1000) == 0)
        try await brake.off()
        // Alice lives, and shares something else; Bob still has what he had.
        let other = try network.scratch.file("other.bin", size: 100_000, seed: 4)
        try await pair.alice("upload_file \(other) readers")
        try await pair.bob.download(
            "other.bin", of: "readers", to: network.scratch("other-copy.bin"))
        #expect(try await same(network.scratch("other-copy.bin"), other))
        #expect(!exists(pair.copy))
    }
}
