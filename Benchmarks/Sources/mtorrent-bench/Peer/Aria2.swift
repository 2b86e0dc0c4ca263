import Foundation

struct Aria2: Client, Downloader {
    var name: String { "aria2" }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        try stage.placement.start(
            "aria2c",
            arguments(port, stage.folder + "/seed") + [
                "--bt-seed-unverified=true", "--seed-ratio=0.0", "--bt-max-peers=0",
                stage.sharerTorrent,
            ], on: .first)
    }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        let process = try stage.placement.start(
            "aria2c",
            arguments(order.port, order.folder + "/got") + [
                "--seed-time=0", stage.downloaderTorrent,
            ], on: order.core)
        return RunningDownload(process) {
            process.output.lines.contains {
                $0.contains("Download complete") || $0.contains("Seeding is over")
            }
        }
    }

    private func arguments(_ port: UInt16, _ folder: String) -> [String] {
        [
            "--no-conf=true", "--dir=\(folder)", "--listen-port=\(port)", "--enable-dht=false",
            "--enable-dht6=false", "--disable-ipv6=true", "--bt-enable-lpd=false",
            "--enable-peer-exchange=false", "--file-allocation=none", "--summary-interval=0",
            "--console-log-level=notice", "--enable-color=false", "--follow-torrent=mem",
            "--bt-tracker-connect-timeout=5",
        ]
    }
}
