import Foundation

struct QBittorrent: Client, Downloader {
    var name: String { "qBittorrent" }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        let profile = stage.folder + "/qbittorrent"
        try? FileManager.default.removeItem(atPath: profile)
        return try start(
            stage, profile, port, try freePort(), .first,
            arguments: [
                "--skip-hash-check", "--add-paused=false", "--skip-dialog=true",
                "--save-path=\(stage.folder)/seed", stage.sharerTorrent,
            ])
    }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        let control = try freePort()
        let process = try start(stage, order.folder, order.port, control, order.core)
        let address = "http://127.0.0.1:\(control)/api/v2"
        try await eventually("qBittorrent's control port", context: process.transcript) {
            let asked = try ChildProcess("curl", ["--silent", "--fail", address + "/app/version"])
            return try await asked.end() == .exited(0)
        }
        let mark = order.folder + "/complete"
        let download = RunningDownload(process, isRunning: true) {
            FileManager.default.fileExists(atPath: mark)
        }
        _ = try await finish(
            "curl",
            [
                "--silent", "--fail", "--form", "torrents=@\(stage.downloaderTorrent)", "--form",
                "savepath=\(order.folder)/got", address + "/torrents/add",
            ])
        return download
    }

    private func start(
        _ stage: PeerStage, _ profile: String, _ port: UInt16, _ control: UInt16, _ core: Core,
        arguments: [String] = []
    ) throws -> ChildProcess {
        let folder = profile + "/qBittorrent/config"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try Data(configuration(port, mark: profile + "/complete").utf8)
            .write(to: URL(fileURLWithPath: folder + "/qBittorrent.conf"))
        return try stage.placement.start(
            "qbittorrent-nox", ["--profile=\(profile)", "--webui-port=\(control)"] + arguments,
            on: core, environment: ["HOME": profile])
    }

    private func configuration(_ port: UInt16, mark: String) -> String {
        """
        [LegalNotice]
        Accepted=true

        [AutoRun]
        enabled=true
        program=touch \(mark)

        [BitTorrent]
        Session\\BTProtocol=TCP
        Session\\DHTEnabled=false
        Session\\LSDEnabled=false
        Session\\PeXEnabled=false
        Session\\MaxConnections=-1
        Session\\MaxConnectionsPerTorrent=-1
        Session\\MaxUploads=-1
        Session\\MaxUploadsPerTorrent=-1
        Session\\MultiConnectionsPerIp=true
        Session\\Port=\(port)
        Session\\QueueingSystemEnabled=false

        [Network]
        PortForwardingEnabled=false

        [Preferences]
        WebUI\\Address=127.0.0.1
        WebUI\\LocalHostAuth=false
        """
    }
}
