import Foundation
import Testing

/// Real peers that share and download below one folder only.
@Suite(.inTurn) struct ShareRootTests {
    @Test func `a peer with a share root shares and downloads below it, also after a restart`()
        async throws
    {
        let network = try await Network()
        let home = try network.scratch.folder("home")
        let other = try network.scratch.folder("other")
        var alice = try await network.member("alice", options: ["--share-root", home])
        let bob = try await network.member("bob", options: ["--share-root", other])
        try await network.found("readers", owner: alice, members: ["bob": bob])
        let inside = try network.scratch.file("home/book", size: 300_000, seed: 1)
        let outside = try network.scratch.file("elsewhere/diary", size: 1000, seed: 2)
        try FileManager.default.createSymbolicLink(
            atPath: home + "/diary", withDestinationPath: outside)

        var refusal = try await alice.refusal(of: "upload_file \(outside) readers")
        #expect(refusal.contains(outside) && refusal.contains("--share-root"), "\(refusal)")
        refusal = try await alice.refusal(of: "upload_file \(home)/diary readers")
        #expect(refusal.contains("symbolic link"), "\(refusal)")
        try await alice("upload_file \(inside) readers")

        refusal = try await bob.refusal(of: "download_file readers book \(home)/copy")
        #expect(refusal.contains("outside of the share root"), "\(refusal)")
        try await bob.download("book", of: "readers", to: other + "/copy")
        #expect(try await same(inside, other + "/copy"))
        #expect(!exists(home + "/copy") && !exists(home + "/copy.part"))

        _ = try await alice.quit()
        alice = try await network.visitor(
            "alice", port: alice.port, options: ["--share-root", other])
        let told = try await network.logIn(alice, as: "alice").joined(separator: "\n")
        #expect(told.contains("book is not shared again"), "\(told)")
        #expect(told.contains(inside) && told.contains("--share-root"), "\(told)")
    }

    @Test func `the share root auto is the folder named for the port`() async throws {
        let scratch = try Scratch()
        let file = try scratch.file("elsewhere/diary", size: 1000, seed: 2)
        let port = try freePort()
        let command = """
            cd \(scratch.path) && exec \(Programs.peer) --data-dir \(scratch("state")) \
            --share-root auto -e 'share \(file) \(scratch("d.mtorrent"))' 127.0.0.1:\(port) 127.0.0.1:9
            """
        let finished = try await run("/bin/sh", ["-c", command], input: [])
        #expect(finished.code != 0)
        let words = (finished.output + finished.errors).joined(separator: "\n")
        #expect(words.contains("share root \(scratch.path)/\(port)"), "\(words)")
        var status = stat()
        #expect(stat(scratch("\(port)"), &status) == 0 && status.st_mode & 0o7777 == 0o700)
    }
}
