import Foundation
import Testing

/// Who else on the machine can read the programs' state: nobody, whatever the umask is.
@Suite(.inTurn) struct StateModeTests {
    private static let openly = ["-c", "umask 000; exec \"$@\"", "sh"]

    /// The modes of everything in a folder that others may do something with.
    private func open(_ folder: String) throws -> [String] {
        var found: [String] = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) + ["."] {
            var status = stat()
            // SQLite's files come and go.
            guard lstat(folder + "/" + name, &status) == 0 else { continue }
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            let mode = status.st_mode & 0o7777
            if mode != (isFolder ? 0o700 : 0o600) {
                found.append(name + " " + String(mode, radix: 8))
            }
        }
        return found
    }

    @Test func `state is for its owner alone, also without a umask`() async throws {
        let scratch = try Scratch()
        let (trackerState, peerState) = (scratch("tracker"), scratch("peer"))
        let tracker = try ChildProcess(
            "/bin/sh",
            Self.openly + [Programs.tracker, "--data-dir", trackerState, "127.0.0.1:0"],
            environment: [:])
        defer { tracker.kill() }
        let listening = "listening on "
        let line = try await tracker.line("the tracker's address") { $0.hasPrefix(listening) }
        let address = String(line.dropFirst(listening.count))
        let file = try scratch.file("book", size: 100_000, seed: 1)
        let link = "magnet:?xt=urn:btih:\(String(repeating: "ab", count: 20))&x.pe=127.0.0.1:9"
        let commands = [
            "create_user alice 'correct horse'", "login alice 'correct horse'", "create_group g",
            "upload_file \(file) g", "export g book \(scratch("t.torrent"))",
            "share \(file) \(scratch("m.mtorrent"))", "get '\(link)' \(scratch("later"))",
        ]
        let peer = try ChildProcess(
            "/bin/sh",
            Self.openly + [
                Programs.peer, "--data-dir", peerState, "--log-file", scratch("log"),
                "127.0.0.1:0", address,
            ],
            environment: ["HOME": scratch.path], mergingErrors: true)
        defer { peer.kill() }
        for command in commands { peer.send(command) }
        try await eventually("a fetch on record", context: peer.transcript) {
            let fetches = try? FileManager.default.contentsOfDirectory(
                atPath: peerState + "/fetches")
            return fetches?.isEmpty == false
        }
        #expect(try open(peerState) == [])
        #expect(try open(trackerState) == [])
        var status = stat()
        for secret in ["log", "t.torrent"] {
            #expect(stat(scratch(secret), &status) == 0 && status.st_mode & 0o7777 == 0o600)
        }
    }
}
