import Foundation
import Testing

/// What a user shared comes back with the log-in, however much it is.
@Suite(.inTurn) struct RestoreTests {
    private static let count = 300

    /// Other bytes of the same length, with the time of the last change put back: only a look at
    /// the bytes themselves tells.
    private func exchangeUnseen(_ path: String) throws {
        var status = stat()
        try #require(stat(path, &status) == 0)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data(repeating: 0xEE, count: Int(status.st_size)))
        try handle.close()
        let times = [status.st_atim, status.st_mtim]
        try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
    }

    @Test func `hundreds of shares come back unhashed, without a descriptor for each`()
        async throws
    {
        let network = try await Network()
        var alice = try await network.member("alice")
        let bob = try await network.member("bob")
        try await network.found("readers", owner: alice, members: ["bob": bob])
        let paths = try (0..<Self.count).map { number in
            try network.scratch.file(
                "originals/file-\(number)", size: 1000 + number, seed: UInt64(number))
        }
        for path in paths { alice.process.send("upload_file \(path) readers") }
        try await alice("list_files readers", within: .seconds(120))
        alice.process.kill()
        _ = try await alice.process.end()
        // One isn't what it was any more, as everybody may see; of another it can't be seen.
        #expect(truncate(paths[1], 10) == 0)
        try exchangeUnseen(paths[2])

        alice = try await network.visitor("alice", port: alice.port)
        let before = try alice.footprint().descriptors
        let told = try await network.logIn(alice, as: "alice")
        #expect(told.contains { $0.contains("\(Self.count - 1)") }, "\(told)")
        #expect(told.contains { $0.contains("file-1 ") && $0.contains("changed") }, "\(told)")
        #expect(try alice.footprint().descriptors <= before + 16)
        // Its commands don't wait for hundreds of announces.
        try await network.sharers(1, of: 1, share: "file-2", seenBy: alice)
        let last = Self.count - 1
        try await network.sharers(1, of: 1, share: "file-\(last)", seenBy: bob)
        let copy = network.scratch("copy")
        try await bob("download_file readers file-\(last) \(copy)")
        try await bob("wait file-\(last)")
        #expect(try await same(copy, paths[last]))
    }
}
