import Foundation
import Synchronization

/// `mtorrent` that serves the same file to the members of a sealed group, over TLS.
final class SealedPeer: Client {
    let name: String
    let requestBytes: Int
    private let infoHash = Mutex("")

    private static let group = "sealed"

    init(requestBytes: Int = 16384) {
        self.requestBytes = requestBytes
        let open = OurPeer(requestBytes: requestBytes).name
        name = open.replacing("**mtorrent**", with: "**mtorrent**, sealed")
    }

    private func state(_ stage: PeerStage) -> String {
        "\(stage.folder)/state-sealed-\(requestBytes)"
    }
    private func torrent(_ stage: PeerStage) -> String {
        "\(stage.folder)/sealed-\(requestBytes).torrent"
    }

    /// Alice shares the file in a sealed group; the crowd shows Bob's certificate, which counts for
    /// less than an hour from here on.
    func prepare(_ stage: PeerStage) async throws {
        let group = "\(Self.group)-\(requestBytes)"
        let alice = try await Shell(
            stage.programs, tracker: stage.trackerAddress, folder: state(stage), port: freePort())
        let bob = try await Shell(
            stage.programs, tracker: stage.trackerAddress, folder: stage.folder + "/state-bob",
            port: freePort())
        for (shell, user) in [(alice, "alice"), (bob, "bob")] {
            try await shell("login \(user) \(user)-secret")
        }
        try await alice("create_group \(group)")
        try await alice("upload_file \(stage.original) \(group)", within: .seconds(300))
        try await bob("join_group \(group)")
        try await alice("accept_request \(group) bob")
        try await bob("export \(group) \(PeerStage.file) \(torrent(stage))")
        let facts = try await bob("file_info \(group) \(PeerStage.file)")
        try await bob.quit()
        try await alice.quit()
        let hash = try TorrentFile(path: torrent(stage), facts: facts).infoHash
        infoHash.withLock { $0 = hash }
    }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        let peer = try OurPeer().start(stage, port: port, state: state(stage))
        peer.send("login alice alice-secret")
        return peer
    }

    func leecherOptions(_ stage: PeerStage) -> [String] {
        stage.torrentOptions(infoHash: infoHash.withLock { $0 })
            + .option("certificate", torrent(stage) + ".pem")
    }
}
