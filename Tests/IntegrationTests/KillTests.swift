import Foundation
import Testing
import Wire

/// SIGKILL at random moments of a download, again and again: at most the pieces in flight are lost
/// each time, and the file is right at the end.
@Suite(.inTurn) struct KillTests {
    private static let kills = 50
    private static let pieceLength = 65_536

    @Test func `fifty kills cost at most the pieces in flight each`() async throws {
        let seed = UInt64.random(in: 0 ..< .max)
        var random = Randomness(seed: seed)
        let network = try await Network()
        let file = try network.openFile(size: 64 << 20, pieceLength: Self.pieceLength)
        let sharer = try ScriptedSharer(
            of: file.content, id: 1, script: ScriptedSharer.honest(bytesPerSecond: 32 << 20))
        try await network.announce(sharer)
        let copy = network.scratch("copy.bin")
        var bob = try await network.visitor("bob")
        try await bob("get \(file.description) \(copy)")
        var lost: [Int] = []
        var told = Set<Int>()
        var forgotten: [Int] = []
        for _ in 0..<Self.kills {
            let before = sharer.ledger
            let observer = HaveObserver(of: bob.port, file.content)
            let share = Double.random(in: 0..<2, using: &random)
            let moment = Int(share * Double(file.content.size / Self.kills))
            try await eventually(
                "a connection and \(moment) bytes", longestPause: .milliseconds(1),
                context: "seed \(seed)\n\(bob.process.transcript)"
            ) {
                let now = sharer.ledger
                return now.isOpen && now.servedBytes >= before.servedBytes + moment
                    || now.isComplete(of: file.content)
            }
            bob.process.kill()
            observer.stop()
            try await eventually("the end of the observer") { observer.hasEnded }
            let now = observer.pieces
            if let first = now.first { forgotten.append(told.subtracting(first).count) }
            told = now.reduce(into: told) { $0.formUnion($1) }
            // What is sent a second time in this life was lost with an earlier one.
            lost.append(sharer.ledger.repeatedBytes - lost.reduce(0, +))
            bob = try await network.visitor("bob", port: bob.port)
        }
        // It may have ended in an earlier life, and isn't listed any more then.
        try await bob("wait")
        #expect(try await same(copy, file.original), "seed \(seed)")
        lost.append(sharer.ledger.repeatedBytes - lost.reduce(0, +))
        // The last life fetches whatever earlier ones didn't come to.
        // Where the machine is short of time, the network is ahead of the hashing now and then.
        #expect(
            lost.dropLast().count { $0 > 4 << 20 } <= Self.kills / 10, "seed \(seed): \(lost)")
        #expect(lost.reduce(0, +) <= Self.kills << 20, "seed \(seed): \(lost)")
        // What a peer has told of is never taken back.
        #expect(forgotten.allSatisfy { $0 == 0 }, "seed \(seed): \(forgotten)")
        #expect(!told.isEmpty && !forgotten.isEmpty)
    }

    /// Files of all sizes; some kills come while the end is being put in its place.
    @Test func `a directory arrives through fifteen kills, and what was verified stays so`()
        async throws
    {
        let seed = UInt64.random(in: 0 ..< .max)
        var random = Randomness(seed: seed)
        let network = try await Network()
        let album = try await network.album(
            [
                "a/one.bin": 9_000_001, "a/empty": 0, "b": 1, "c/d/e/two.bin": 5_000_003,
                "f.bin": 262_144, "g.bin": 7_340_032, "h/three.bin": 2_000_000, "z": 70_001,
            ], sharerOptions: ["--up", "24M"])
        let (kills, size) = (15, 23_672_182)
        let copy = network.scratch("copy")
        var bob = album.bob
        try await bob("download_file readers album \(copy)")
        var known = 0
        for kill in 1...kills {
            let moment =
                known + Int(Double.random(in: 0..<2, using: &random) * Double(size / kills))
            while let shown = try await bob.downloads().first, shown.state != "C" {
                #expect(shown.verified >= known, "seed \(seed), kill \(kill)")
                known = shown.verified
                if known >= moment { break }
            }
            bob.process.kill()
            bob = try await network.again("bob", after: bob)
        }
        try await bob("wait")
        #expect(try await differences(copy, album.original) == [], "seed \(seed)")
        #expect(!exists(copy + ".part"))
        try await network.sharers(2, of: 2, share: "album", seenBy: album.alice)
    }
}
