import Foundation
import Testing
import Wire

/// Downloads that are paused, resumed, cancelled and queued at the worst moments.
@Suite(.inTurn) struct PauseTests {
    /// Bob downloads from a sharer that counts what it sends, slowly enough to be met on the way.
    private struct Stage {
        let network: Network
        let file: Network.OpenFile
        let sharer: ScriptedSharer
        let bob: PeerProcess
        let copy: String

        init(
            size: Int = 8 << 20, bytesPerSecond: Int = 1 << 20, options: [String] = [],
            script: ScriptedSharer.Script? = nil
        ) async throws {
            network = try await Network()
            file = try network.openFile(size: size, pieceLength: 65_536)
            sharer = try ScriptedSharer(
                of: file.content, id: 1,
                script: script ?? ScriptedSharer.honest(bytesPerSecond: bytesPerSecond))
            try await network.announce(sharer)
            bob = try await network.visitor("bob", options: options)
            copy = network.scratch("copy.bin")
        }

        func get() async throws { try await bob("get \(file.description) \(copy)") }

        func isRight() async throws -> Bool { try await same(copy, file.original) }
    }

    @Test func `a paused download stays so over kill -9, and goes on when it is told`() async throws
    {
        let stage = try await Stage()
        try await stage.get()
        try await stage.bob.download(of: "book.bin") { $0.verified > 1 << 20 }
        try await stage.bob("pause book.bin")
        let paused = try await stage.bob.download(of: "book.bin") { $0.state == "P" }
        #expect(paused.isPartial)
        stage.bob.process.kill()
        let again = try await stage.network.visitor("bob", port: stage.bob.port)
        let restored = try await again.shownDownload(of: "book.bin")
        #expect(restored.state == "P" && restored.verified >= paused.verified - 1 << 20)
        #expect(exists(stage.copy + ".part") && !exists(stage.copy))
        // Nothing is left to wait for, which is said.
        #expect(try await again.answer("wait").text.contains("paused"))
        let before = stage.sharer.ledger
        try await again("resume book.bin")
        try await again("wait book.bin")
        #expect(try await stage.isRight())
        let after = stage.sharer.ledger
        #expect(after.repeatedBytes - before.repeatedBytes <= 1 << 20)
    }

    @Test func `nothing comes any more once a download is paused`() async throws {
        let stage = try await Stage()
        try await stage.get()
        try await stage.bob.download(of: "book.bin") { $0.verified > 1 << 20 }
        try await stage.bob("pause book.bin")
        try await eventually("the end of the connections") { !stage.sharer.ledger.isOpen }
        let calls = stage.sharer.ledger.connections
        // Told of a new sharer, it doesn't call it either.
        let other = try ScriptedSharer(of: stage.file.content, id: 2, script: ScriptedSharer.honest)
        try await stage.network.announce(other)
        #expect(try await stage.bob.refusal(of: "pause book.bin").contains("book.bin"))
        for _ in 0..<5 { try await stage.bob("show_downloads") }
        #expect(stage.sharer.ledger.connections == calls)
        #expect(other.ledger.connections == 0)
        try await stage.bob("resume book.bin")
        try await stage.bob("wait book.bin")
        #expect(try await stage.isRight())
    }

    /// The last block is asked of everybody, and nobody sends it.
    @Test func `pause and resume in the endgame`() async throws {
        let last: @Sendable (Content) -> BlockRequest = { $0.requests[$0.requests.count / 2] }
        let script: ScriptedSharer.Script = { play in
            try play.open()
            try play.serve { request in
                if request != last(play.content) { return play.answer(to: request) }
                play.note { $0.misdeeds += 1 }
                return []
            }
        }
        let stage = try await Stage(script: script)
        let second = try ScriptedSharer(of: stage.file.content, id: 2, script: script)
        try await stage.network.announce(second)
        try await stage.get()
        let almost = stage.file.content.size - 65_536
        try await stage.bob.download(of: "book.bin") { $0.verified == almost }
        try await eventually("the last request") { stage.sharer.ledger.misdeeds > 0 }
        for _ in 0..<3 {
            try await stage.bob("pause book.bin")
            try await stage.bob.download(of: "book.bin") { $0.state == "P" }
            try await stage.bob("resume book.bin")
            try await stage.bob.download(of: "book.bin") {
                $0.state == "D" && $0.verified == almost && $0.connectedPeers > 0
            }
        }
        let third = try ScriptedSharer(of: stage.file.content, id: 3, script: ScriptedSharer.honest)
        try await stage.network.announce(third)
        // It asks the tracker anew when it is resumed.
        try await stage.bob("pause book.bin")
        try await stage.bob("resume book.bin")
        try await stage.bob("wait book.bin", within: .seconds(60))
        #expect(try await stage.isRight())
        #expect(third.ledger.servedBytes <= 1 << 20, "\(third.ledger.servedBytes)")
    }

    @Test func `cancelled and started again at once, again and again`() async throws {
        let stage = try await Stage()
        for round in 0..<6 {
            try await stage.get()
            if round % 2 == 0 {
                try await stage.bob.download(of: "book.bin") { $0.verified > 0 }
            }
            if round % 3 == 0 { try await stage.bob("pause book.bin") }
            try await stage.bob("cancel book.bin")
            #expect(try await stage.bob.downloads().isEmpty)
            #expect(!exists(stage.copy) && !exists(stage.copy + ".part"))
        }
        try await stage.get()
        try await stage.bob("wait book.bin")
        #expect(try await stage.isRight())
    }

    @Test func `what is cancelled doesn't come back with the next start`() async throws {
        let stage = try await Stage()
        try await stage.get()
        try await stage.bob.download(of: "book.bin") { $0.verified > 0 }
        try await stage.bob("cancel book.bin")
        stage.bob.process.kill()
        let again = try await stage.network.visitor("bob", port: stage.bob.port)
        #expect(try await again.downloads().isEmpty)
        #expect(!exists(stage.copy + ".part"))
        #expect(try await again.refusal(of: "resume book.bin").contains("book.bin"))
    }

    @Test func `cancelling what is complete leaves the file where it is`() async throws {
        let stage = try await Stage(size: 1 << 20)
        try await stage.get()
        try await stage.bob("wait")
        _ = try await stage.bob.answer("cancel book.bin")
        #expect(try await stage.isRight())
        _ = try await stage.bob.answer("pause book.bin")
        _ = try await stage.bob.answer("cancel book.bin")
        #expect(try await stage.isRight())
    }

    @Test func `a pause, a resume or a cancel of what isn't there names it`() async throws {
        let stage = try await Stage(size: 1 << 20)
        for command in ["pause", "resume", "cancel"] {
            #expect(try await stage.bob.refusal(of: "\(command) none.bin").contains("none.bin"))
            #expect(try await stage.bob.refusal(of: "\(command) g none.bin").contains("none.bin"))
            #expect(try await stage.bob.refusal(of: command).hasPrefix("usage: \(command)"))
            #expect(try await stage.bob.refusal(of: "\(command) a b c").contains("usage"))
        }
    }

    @Test func `the same name in two groups is told apart`() async throws {
        let network = try await Network()
        let alice = try await network.member("alice")
        let bob = try await network.member("bob")
        var originals: [String: String] = [:]
        for (number, group) in ["readers", "writers"].enumerated() {
            try await network.found(group, owner: alice, members: ["bob": bob])
            originals[group] = try network.scratch.file(
                "\(group)/book.bin", size: 4 << 20, seed: UInt64(number))
            try await alice("upload_file \(originals[group] ?? "") \(group)")
        }
        let brake = try await Brake(alice)
        for group in originals.keys {
            try await bob("download_file \(group) book.bin \(network.scratch("copy-\(group)"))")
        }
        for command in ["pause", "resume", "cancel"] {
            let refusal = try await bob.refusal(of: "\(command) book.bin")
            #expect(refusal.contains("readers") && refusal.contains("writers"), "\(refusal)")
        }
        try await bob("pause readers book.bin")
        try await brake.off()
        try await bob.repeatedly("show_downloads") { answer in
            answer.lines.contains { $0.hasPrefix("[C] [writers] book.bin") }
        }
        #expect(try await bob.downloads().contains { $0.group == "readers" && $0.state == "P" })
        try await bob("resume readers book.bin")
        try await bob("wait")
        for (group, original) in originals {
            #expect(try await same(network.scratch("copy-\(group)"), original))
        }
    }
}

extension Download {
    /// Some of it is there, whether it goes on or not.
    var isPartial: Bool { verified > 0 && verified < size }
}
