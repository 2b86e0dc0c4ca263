import Foundation
import Testing

/// Disks that are slow, full or broken, and files that change under the programs.
@Suite(.inTurn, .enabled(if: FaultyDisk.isPossible, "needs /dev/fuse")) struct DiskTests {
    /// Alice shares `slow.bin` from a faulty disk, and `fast.bin` from another; Bob and Carol are
    /// in the group.
    private struct Scene {
        static let size = 8 << 20
        let network: Network
        let disk: FaultyDisk
        let alice: PeerProcess
        let bob: PeerProcess
        let carol: PeerProcess

        /// - Parameter fastSize: bytes of `fast.bin`.
        init(fastSize: Int = Self.size) async throws {
            network = try await Network()
            disk = try await FaultyDisk(network.scratch)
            alice = try await network.member(
                "alice", options: ["--log-level", "info", "--log-file", network.scratch("log")])
            bob = try await network.member("bob")
            carol = try await network.member("carol")
            try await network.found(
                "readers", owner: alice, members: ["bob": bob, "carol": carol])
            let fast = try network.scratch.file("originals/fast.bin", size: fastSize, seed: 1)
            try TestBytes.write(to: disk("slow.bin"), size: Self.size, seed: 2)
            for path in [fast, disk("slow.bin")] { try await alice("upload_file \(path) readers") }
        }

        /// Until Alice's peer has said something of a file that she shares.
        func word(of path: String, _ what: String) async throws {
            try await eventually("word of \(path)", context: alice.process.transcript) {
                let log = try? String(contentsOfFile: network.scratch("log"), encoding: .utf8)
                return (log ?? "").split(separator: "\n").contains {
                    $0.contains(path) && $0.contains(what)
                }
            }
        }

        func copy(_ name: String) -> String { network.scratch("copies/\(name)") }

        func load(_ name: String, by peer: PeerProcess) async throws {
            _ = try network.scratch.folder("copies")
            try await peer("download_file readers \(name) \(copy(name))")
        }
    }

    @Test func `a file that is slow to read holds up nobody who wants another`() async throws {
        let scene = try await Scene()
        try forget(scene.disk("slow.bin"))
        try scene.disk.cause(.holdReads, of: "slow.bin")
        try await scene.load("slow.bin", by: scene.bob)
        try await scene.disk.isHolding()
        // All the while Alice's disk doesn't answer.
        try await scene.load("fast.bin", by: scene.carol)
        try await scene.carol("wait fast.bin")
        #expect(try await scene.alice("list_files readers").count == 2)
        let waiting = try await scene.bob.shownDownload(of: "slow.bin")
        #expect(waiting.state == "D" && waiting.verified < Scene.size, "\(waiting)")
        try scene.disk.cause(nil)
        try await scene.bob("wait slow.bin")
        #expect(try await same(scene.copy("slow.bin"), scene.disk("slow.bin")))
    }

    @Test func `a peer whose disk doesn't answer stops all the same`() async throws {
        let scene = try await Scene()
        try forget(scene.disk("slow.bin"))
        try scene.disk.cause(.holdReads, of: "slow.bin")
        try await scene.load("slow.bin", by: scene.bob)
        try await scene.disk.isHolding()
        scene.alice.process.closeInput()
        try await scene.network.sharers(0, of: 1, share: "slow.bin", seenBy: scene.carol)
        try scene.disk.cause(nil)
        #expect(try await scene.alice.process.end() == .exited(0))
    }

    @Test func `a file that can't be read is withdrawn alone, with the reason`() async throws {
        let scene = try await Scene()
        try forget(scene.disk("slow.bin"))
        try scene.disk.cause(.failReads, of: "slow.bin")
        try await scene.load("slow.bin", by: scene.bob)
        try await scene.word(of: scene.disk("slow.bin"), "Input/output error")
        try await scene.load("fast.bin", by: scene.carol)
        try await scene.carol("wait fast.bin")
        let waiting = try await scene.bob.shownDownload(of: "slow.bin")
        #expect(waiting.state == "D" && waiting.verified < Scene.size, "\(waiting)")
        // Its owner has mended it: it is shared again with the next log-in.
        try scene.disk.cause(nil)
        try await scene.alice("logout")
        try await scene.network.logIn(scene.alice, as: "alice")
        try await scene.bob("wait slow.bin")
        #expect(try await same(scene.copy("slow.bin"), scene.disk("slow.bin")))
    }

    @Test func `a file that is cut off while it is served is withdrawn`() async throws {
        let size = 64 << 20
        let scene = try await Scene(fastSize: size)
        let original = scene.network.scratch("originals/fast.bin")
        let brake = try await Brake(scene.alice)
        try await scene.load("fast.bin", by: scene.bob)
        try await brake.release(until: "a part of the file") {
            try await scene.bob.shownDownload(of: "fast.bin").isInTheMiddle
        }
        #expect(truncate(original, 16 << 10) == 0)
        try await brake.off()
        try await scene.word(of: original, "changed")
        let left = try await scene.bob.shownDownload(of: "fast.bin")
        #expect(left.state == "D" && left.verified < size, "\(left)")
        try await scene.bob.repeatedly("file_info readers fast.bin") { answer in
            answer.lines.contains { $0.contains("alice") && $0.contains("\t0/") }
        }
        // Nothing else is withdrawn with it.
        try await scene.load("slow.bin", by: scene.carol)
        try await scene.carol("wait slow.bin")
    }

    @Test(arguments: [(FaultyDisk.Fault.full, "disk full"), (.failWrites, "Input/output error")])
    func `a download that can't be written fails alone and keeps what it has`(
        _ fault: FaultyDisk.Fault, _ reason: String
    ) async throws {
        let scene = try await Scene()
        let copy = scene.disk("copy.bin")
        let brake = try await Brake(scene.alice)
        try await scene.bob("download_file readers fast.bin \(copy)")
        try await brake.release(until: "a part of the file") {
            try await scene.bob.shownDownload(of: "fast.bin").isInTheMiddle
        }
        try scene.disk.cause(fault, of: "copy.bin")
        try await brake.off()
        let failed = try await scene.bob.download(of: "fast.bin") { $0.state == "F" }
        #expect(failed.reason.contains(copy) && failed.reason.contains(reason), "\(failed)")
        #expect(failed.verified > 0)
        #expect(exists(copy + ".part"))
        // Others go on.
        try await scene.load("slow.bin", by: scene.bob)
        try await scene.bob("wait slow.bin")
        // Room was made: what it has is not loaded again.
        try scene.disk.cause(nil)
        try await scene.bob("download_file readers fast.bin \(copy)")
        try await scene.bob("wait fast.bin")
        let again = try await scene.bob.shownDownload(of: "fast.bin")
        #expect(again.received <= Scene.size - failed.verified, "\(failed) \(again)")
        #expect(try await same(copy, scene.network.scratch("originals/fast.bin")))
    }

    @Test func `a partial file that is moved away ends its download with the reason`() async throws
    {
        let network = try await Network()
        let pair = try await network.pair(size: 32 << 20)
        let brake = try await Brake(pair.alice)
        try await pair.bob("download_file readers book.bin \(pair.copy)")
        try await brake.release(until: "a part of the file") {
            try await pair.bob.shownDownload(of: "book.bin").isInTheMiddle
        }
        #expect(rename(pair.copy + ".part", network.scratch("elsewhere")) == 0)
        try await brake.off()
        let failed = try await pair.bob.download(of: "book.bin") { $0.state == "F" }
        #expect(failed.reason.contains(pair.copy + ".part"), "\(failed)")
        #expect(failed.reason.contains("moved"), "\(failed)")
        #expect(!exists(pair.copy))
    }
}
