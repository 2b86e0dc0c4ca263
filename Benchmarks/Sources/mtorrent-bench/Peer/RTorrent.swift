import Foundation

/// rtorrent as a daemon.
struct RTorrent: Client, Downloader {
    var name: String { "rtorrent" }

    func prepare(_ stage: PeerStage) async throws {
        let port = try freePort()
        let process = try start(
            stage, state(stage), stage.folder + "/seed", port, .any, load: stage.sharerTorrent)
        guard try await stage.visit(port, patience: 60) else {
            throw BenchmarkError("no block within a minute")
        }
        process.signal(SIGINT)
        _ = try await process.end()
    }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        try start(stage, state(stage), stage.folder + "/seed", port, .first, load: nil)
    }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        let state = order.folder + "/state"
        let process = try start(
            stage, state, order.folder + "/got", order.port, order.core,
            load: stage.downloaderTorrent)
        return RunningDownload(process) {
            FileManager.default.fileExists(atPath: state + "/complete")
        }
    }

    private func state(_ stage: PeerStage) -> String { stage.folder + "/rtorrent" }

    /// - Parameter load: nil for what the session in the state folder has.
    private func start(
        _ stage: PeerStage, _ state: String, _ folder: String, _ port: UInt16, _ core: Core,
        load: String?
    ) throws -> ChildProcess {
        try FileManager.default.createDirectory(
            atPath: state + "/session", withIntermediateDirectories: true)
        var configuration = """
            system.daemon.set = true
            session.path.set = \(state)/session
            directory.default.set = \(folder)
            network.port_range.set = \(port)-\(port)
            network.bind_address.set = 127.0.0.1
            network.max_open_sockets.set = 6000
            throttle.max_uploads.set = 4000
            throttle.max_uploads.global.set = 4000
            throttle.max_downloads.global.set = 4000
            throttle.max_peers.normal.set = 4000
            throttle.max_peers.seed.set = 4000
            pieces.hash.on_completion.set = no
            protocol.pex.set = no
            dht.mode.set = disable
            trackers.use_udp.set = no
            method.set_key = event.download.finished, mark, ((execute, touch, \(state)/complete))

            """
        if let load { configuration += "schedule2 = load, 0, 0, ((load.start, \(load)))\n" }
        let path = state + "/rtorrent.rc"
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: path))
        return try stage.placement.start(
            "rtorrent", ["-n", "-o", "import=\(path)"], on: core, environment: ["HOME": state])
    }
}
