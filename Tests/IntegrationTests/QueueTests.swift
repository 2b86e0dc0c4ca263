import Foundation
import Testing

/// Downloads that wait for their turn, are paused, and are given up.
@Suite(.inTurn) struct QueueTests {
    /// Alice shares `a.bin`, `b.bin` and `c.bin` so slowly that nothing ends before she is let go;
    /// Bob downloads them in this order, one at a time.
    private struct Scene {
        static let size = 256 << 10
        static let options = ["--max-downloads", "1"]

        let network: Network
        let alice: PeerProcess
        var bob: PeerProcess

        init() async throws {
            network = try await Network()
            alice = try await network.member("alice", options: ["--up", "1K"])
            bob = try await network.member("bob", options: Self.options)
            try await network.found("readers", owner: alice, members: ["bob": bob])
            for (seed, name) in ["a", "b", "c"].enumerated() {
                let path = try network.scratch.file(
                    "originals/\(name).bin", size: Self.size, seed: UInt64(seed))
                try await alice("upload_file \(path) readers")
            }
        }

        func begin(_ names: String...) async throws {
            for name in names {
                try await bob("download_file readers \(name).bin \(copy(name))")
            }
        }

        func copy(_ name: String) -> String { network.scratch("copy-\(name)") }

        /// The downloads' letters, in the order of the list: `aD bQ`.
        func states() async throws -> String {
            try await bob.downloads().map { "\($0.name.dropLast(4))\($0.state)" }
                .joined(separator: " ")
        }

        func letGo() async throws { try await alice("limit up off") }

        func isCopied(_ name: String) async throws -> Bool {
            try await same(copy(name), network.scratch("originals/\(name).bin"))
        }
    }

    @Test func `downloads wait for their turn, and the next begins when one ends`() async throws {
        let scene = try await Scene()
        try await scene.begin("a")
        let answer = try await scene.bob(
            "download_file readers b.bin \(scene.copy("b"))")
        #expect(answer.last?.hasPrefix("b.bin (256 KiB) waits for its turn") == true)
        try await scene.begin("c")
        #expect(try await scene.states() == "aD bQ cQ")
        #expect(!exists(scene.copy("b") + ".part"))
        try await scene.letGo()
        try await scene.bob("wait")
        #expect(try await scene.states() == "aC bC cC")
        for name in ["a", "b", "c"] { #expect(try await scene.isCopied(name)) }
    }

    @Test func `a paused one lets the next in, and goes to the end when it is resumed`()
        async throws
    {
        let scene = try await Scene()
        try await scene.begin("a", "b", "c")
        #expect(try await scene.bob("pause a.bin").last?.hasPrefix("paused a.bin at ") == true)
        #expect(try await scene.states() == "aP bD cQ")
        let error = try await scene.bob.refusal(of: "pause a.bin")
        #expect(error == "a.bin is paused already: resume lets it go on")
        #expect(try await scene.bob.refusal(of: "resume b.bin").hasPrefix("b.bin isn't paused"))
        #expect(try await scene.bob.refusal(of: "resume c.bin").hasPrefix("c.bin isn't paused"))
        try await scene.bob("resume readers a.bin")
        #expect(try await scene.states() == "aQ bD cQ")
        try await scene.bob("pause b.bin")
        #expect(try await scene.states() == "aQ bP cD")
        try await scene.bob("pause c.bin")
        #expect(try await scene.states() == "aD bP cP")
        try await scene.letGo()
        let lines = try await scene.bob("wait")
        #expect(lines.last == "2 downloads are paused and aren't waited for")
        #expect(try await scene.states() == "aC bP cP")
        #expect(
            try await scene.bob.refusal(of: "wait b.bin")
                == "b.bin is paused and isn't waited for: resume b.bin")
        try await scene.bob("resume b.bin")
        try await scene.bob("resume c.bin")
        try await scene.bob("wait")
        for name in ["a", "b", "c"] { #expect(try await scene.isCopied(name)) }
    }

    @Test func `a cancelled one leaves the list, its file and its record go`() async throws {
        let scene = try await Scene()
        try await scene.begin("a", "b", "c")
        #expect(exists(scene.copy("a") + ".part"))
        try await scene.bob("cancel a.bin")
        try await scene.bob("cancel b.bin")
        #expect(!exists(scene.copy("a") + ".part") && !exists(scene.copy("a")))
        #expect(try await scene.states() == "cD")
        try await scene.bob("pause c.bin")
        try await scene.bob("cancel c.bin")
        #expect(try await scene.states() == "")
        #expect(!exists(scene.copy("c") + ".part"))
        #expect(
            try await scene.bob.refusal(of: "cancel a.bin")
                == "no download is named a.bin: show_downloads lists them")
        // Nothing of it is remembered, and nothing is in its way.
        let again = try await scene.network.again("bob", after: try await ended(scene.bob))
        #expect(try await again("show_downloads").isEmpty)
        try await scene.letGo()
        try await again.download("a.bin", of: "readers", to: scene.copy("a"))
        #expect(try await scene.isCopied("a"))
        #expect(
            try await again.refusal(of: "cancel a.bin")
                == "a.bin is complete: stop_share ends its sharing")
    }

    private func ended(_ peer: PeerProcess) async throws -> PeerProcess {
        _ = try await peer.quit()
        return peer
    }

    @Test func `a restart keeps the order and who is paused`() async throws {
        var scene = try await Scene()
        try await scene.begin("a", "b", "c")
        try await scene.bob("pause a.bin")
        try await scene.bob("pause b.bin")
        try await scene.bob("resume a.bin")
        #expect(try await scene.states() == "aQ bP cD")
        scene.bob.process.kill()
        scene.bob = try await scene.network.again(
            "bob", after: scene.bob, options: Scene.options)
        // In the order of the queue, in which the paused one has kept its place.
        #expect(try await scene.states() == "bP cD aQ")
        try await scene.letGo()
        try await scene.bob("wait")
        #expect(try await scene.states() == "bP cC aC")
        try await scene.bob("resume b.bin")
        try await scene.bob("wait b.bin")
        for name in ["a", "b", "c"] { #expect(try await scene.isCopied(name)) }
    }

    @Test func `one that fails lets the next in`() async throws {
        let scene = try await Scene()
        try await scene.begin("a", "b", "c")
        _ = try scene.network.scratch.text("copy-b", "in the way")
        try await scene.letGo()
        let error = try await scene.bob.refusal(of: "wait")
        #expect(error.contains("b.bin failed") && error.contains("exists already"))
        #expect(try await scene.states() == "aC bF cC")
        try await scene.bob("cancel b.bin")
        #expect(try await scene.states() == "aC cC")
        #expect(exists(scene.copy("b")))
    }

    @Test func `what was there before a pause is there after it, and isn't fetched again`()
        async throws
    {
        let network = try await Network()
        let size = 8 << 20
        let pair = try await network.pair(size: size, sharerOptions: ["--up", "1M"])
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await pair.bob.download(of: "book.bin") { $0.isInTheMiddle }
        try await pair.bob("pause book.bin")
        let paused = try await pair.bob.shownDownload(of: "book.bin")
        #expect(paused.state == "P" && paused.connectedPeers == 0)
        #expect(paused.verified > 0 && paused.verified < size)
        try await pair.alice("limit up off")
        try await pair.bob("resume book.bin")
        try await pair.bob("wait book.bin")
        #expect(try await same(pair.copy, pair.original))
        let download = try await pair.bob.shownDownload(of: "book.bin")
        // All but the pieces that were on their way at the pause.
        #expect((size...size + 2 << 20).contains(download.received), "\(download)")
    }

    @Test func `a name that several groups have needs the group`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice", options: ["--up", "1K"])
        let bob = try await network.member("bob")
        for (seed, group) in ["class", "lab"].enumerated() {
            try await network.found(group, owner: alice, members: ["bob": bob])
            let path = try network.scratch.file(
                "\(group)/notes.bin", size: 256 << 10, seed: UInt64(seed))
            try await alice("upload_file \(path) \(group)")
            try await bob("download_file \(group) notes.bin \(network.scratch("copy-\(group)"))")
        }
        #expect(
            try await bob.refusal(of: "pause notes.bin")
                == "there are downloads named notes.bin of several groups, class, lab: name one:"
                + " pause <group_id> notes.bin")
        try await bob("pause lab notes.bin")
        let states = try await bob.downloads().map { "\($0.group) \($0.state)" }
        #expect(states == ["class D", "lab P"])
        #expect(
            try await bob.refusal(of: "pause attic notes.bin")
                == "no download of attic is named notes.bin: show_downloads lists them")
        // Only one of them can be meant.
        try await bob("pause notes.bin")
        #expect(try await bob.refusal(of: "resume notes.bin").contains("class, lab"))
        try await bob("cancel lab notes.bin")
        try await bob("cancel notes.bin")
        #expect(try await bob("show_downloads").isEmpty)
    }
}
