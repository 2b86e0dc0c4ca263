import Foundation

/// transmission-daemon. It dials no peers at loopback addresses.
struct Transmission: Client, Downloader {
    var name: String { "transmission" }
    var isDialled: Bool { true }

    func prepare(_ stage: PeerStage) async throws {
        let port = try freePort()
        let folder = state(stage)
        let daemon = try await start(stage, folder, stage.folder + "/seed", port, .any) {
            try await self.add(stage.sharerTorrent, to: $0)
        }
        guard try await stage.visit(port, patience: 60) else {
            throw BenchmarkError("no block within a minute")
        }
        daemon.signal(SIGTERM)
        _ = try await daemon.end()
    }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        try await start(stage, state(stage), stage.folder + "/seed", port, .first) { _ in }
    }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        var download: RunningDownload?
        _ = try await start(
            stage, order.folder + "/state", order.folder + "/got", order.port, order.core
        ) { daemon in
            download = RunningDownload(daemon.process, isRunning: true) {
                daemon.process.output.lines.contains {
                    $0.contains("State changed from \"Incomplete\" to \"Complete\"")
                }
            }
            try await self.add(stage.downloaderTorrent, to: daemon)
        }
        guard let download else { throw BenchmarkError("transmission-daemon hasn't started") }
        return download
    }

    private struct Daemon {
        let process: ChildProcess
        let control: UInt16
    }

    private func state(_ stage: PeerStage) -> String { stage.folder + "/transmission" }

    /// Starts the daemon and does something with it once it takes commands.
    private func start(
        _ stage: PeerStage, _ state: String, _ folder: String, _ port: UInt16, _ core: Core,
        then body: (Daemon) async throws -> Void
    ) async throws -> ChildProcess {
        let control = try freePort()
        try FileManager.default.createDirectory(
            atPath: state, withIntermediateDirectories: true)
        let settings =
            Self.settings + """
                 "download-dir": "\(folder)", "peer-port": \(port), "rpc-port": \(control) }
                """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: state + "/settings.json"))
        let process = try stage.placement.start(
            "transmission-daemon", ["--foreground", "--log-info", "--config-dir", state],
            on: core, environment: ["HOME": state])
        try await eventually("transmission's control port", context: process.transcript) {
            let asked = try ChildProcess(
                "transmission-remote", ["127.0.0.1:\(control)", "--list"])
            return try await asked.end() == .exited(0)
        }
        try await body(Daemon(process: process, control: control))
        return process
    }

    private func add(_ torrent: String, to daemon: Daemon) async throws {
        _ = try await finish(
            "transmission-remote", ["127.0.0.1:\(daemon.control)", "--add", torrent])
    }

    private static let settings = """
        { "bind-address-ipv4": "127.0.0.1", "dht-enabled": false, "lpd-enabled": false,
          "pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false,
          "peer-limit-global": 4000, "peer-limit-per-torrent": 4000,
          "upload-slots-per-torrent": 4000, "preallocation": 0, "encryption": 0,
          "rpc-bind-address": "127.0.0.1", "rpc-whitelist-enabled": false,
          "download-queue-enabled": false,
        """
}
