import Foundation
import Testing

/// Files that go from peer to peer.
@Suite(.inTurn) struct TransferTests {
    @Test func `three download at once, from the seeder and from each other`() async throws {
        let network = try await Network()
        let size = 32 << 20
        let alice = try await network.member("alice")
        let people = ["bob", "carol", "dave"]
        try await alice("create_group readers")
        var peers: [PeerProcess] = []
        for person in people {
            let peer = try await network.member(person)
            try await peer("join_group readers")
            try await alice("accept_request readers \(person)")
            peers.append(peer)
        }
        let original = try network.scratch.file("book.bin", size: size, seed: 1)
        try await alice("upload_file \(original) readers")
        do {
            // It waits until all three are there.
            let brake = try await Brake(alice)
            for (person, peer) in zip(people, peers) {
                try await peer("download_file readers book.bin \(network.scratch(person))")
            }
            try await brake.off()
        }
        for peer in peers { try await peer("wait book.bin", within: .seconds(120)) }
        let hash = try await sha1sum(original)
        for (person, peer) in zip(people, peers) {
            #expect(try await sha1sum(network.scratch(person)) == hash)
            let download = try await peer.shownDownload(of: "book.bin")
            #expect(download.isComplete)
            // What came twice at the end is counted, and is little.
            #expect((size...size + 8 << 20).contains(download.received), "\(download)")
            let others = download.sources.filter { $0.key != alice.address }
            #expect(others.values.reduce(0, +) > 0, "\(person): \(download.sources)")
            let known = Set(peers.map(\.address) + [alice.address])
            #expect(known.isSuperset(of: download.sources.keys), "\(download.sources)")
        }
        try await network.sharers(4, of: 4, share: "book.bin", seenBy: alice)
    }

    @Test func `a fourth member downloads from all sharers`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 24 << 20, kind: .sealed)
        let carol = try await network.member("carol")
        try await carol("join_group readers")
        try await pair.alice("accept_request readers carol")
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: carol)
        let copy = network.scratch("carol.bin")
        try await carol.download("book.bin", of: "readers", to: copy)
        #expect(try await same(copy, pair.original))
        let sources = try await carol.shownDownload(of: "book.bin").sources
        #expect(Set(sources.keys) == [pair.alice.address, pair.bob.address])
    }

    /// Halted, a sharer keeps its connections and sends nothing.
    @Test func `blocks that a halted sharer owes come from another`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 16 << 20, kind: .sealed)
        let carol = try await network.member("carol")
        try await carol("join_group readers")
        try await pair.alice("accept_request readers carol")
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        try await network.sharers(2, of: 2, share: "book.bin", seenBy: carol)
        let copy = network.scratch("carol.bin")
        // Both owe blocks when one of them halts for good.
        let first = try await Brake(pair.alice)
        let second = try await Brake(pair.bob)
        try await carol("download_file readers book.bin \(copy)")
        try await second.release(until: "a part of the file") {
            try await carol.shownDownload(of: "book.bin").verified > 0
        }
        try await first.release(until: "bytes from both") {
            try await carol.shownDownload(of: "book.bin").sources.count == 2
        }
        try await second.off()
        try await carol("wait book.bin", within: .seconds(120))
        #expect(try await same(copy, pair.original))
        try await first.off()
    }

    @Test(arguments: [0, 1, 16_383, 16_384, 16_385, 1_000_003])
    func `files of odd sizes arrive`(size: Int) async throws {
        let network = try await Network()
        let pair = try await network.pair(size: size, kind: .sealed)
        try await pair.bob.download("book.bin", of: "readers", to: pair.copy)
        #expect(fileSize(pair.copy) == size)
        #expect(try await same(pair.copy, pair.original))
        #expect(try await pair.bob.shownDownload(of: "book.bin").percent == "100%")
        #expect(try await pair.bob("list_files readers") == ["book.bin\t\(size)\t2/2"])
    }

    @Test func `several files go at once, each to its end`() async throws {
        let network = try await Network()
        let pair = try await network.pair(size: 1_000_000, kind: .sealed)
        var originals = ["book.bin": pair.original]
        for number in 0..<5 {
            let name = "more-\(number).bin"
            originals[name] = try network.scratch.file(
                name, size: 300_000 * number + 1, seed: UInt64(number) + 10)
            try await pair.alice("upload_file \(originals[name] ?? "") readers")
        }
        #expect(try await pair.bob("list_files readers").count == 6)
        for name in originals.keys {
            try await pair.bob("download_file readers \(name) \(network.scratch("copy-\(name)"))")
        }
        #expect(try await pair.bob("wait").count == 6)
        for (name, original) in originals {
            #expect(try await same(network.scratch("copy-\(name)"), original))
        }
        #expect(try await pair.bob.downloads().allSatisfy(\.isComplete))
        try await pair.bob.repeatedly("list_files readers") {
            $0.lines.allSatisfy { $0.hasSuffix("\t2/2") }
        }
    }
}
