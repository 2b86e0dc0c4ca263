import Foundation

/// `mtorrent`, with requests of 16 KiB as any client makes them, or with the large ones that our
/// peers agree on.
struct OurPeer: Client {
    var requestBytes = 16384

    var name: String {
        requestBytes > 16384 ? "**mtorrent**, runs of \(requestBytes >> 10) KiB" : "**mtorrent**"
    }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        let peer = try start(stage, port: port)
        peer.send("login alice alice-secret")
        return peer
    }

    /// Starts it over the state in which it shares the file once it is logged in.
    /// - Parameter state: nil is that of the open group's sharer.
    func start(
        _ stage: PeerStage, port: UInt16, state: String? = nil
    ) throws -> ChildProcess {
        try stage.placement.start(
            stage.programs.peer,
            ["--data-dir", state ?? stage.sharerState, "127.0.0.1:\(port)", stage.trackerAddress],
            on: .first)
    }
}

/// `mtorrent` as it downloads a group's file: by default it verifies each piece and then the whole.
struct OurDownload: Downloader {
    var verify = "file"
    var maxBlock = 16384

    var name: String {
        "**mtorrent**" + (verify == "pieces" ? " `--verify pieces`" : "")
            + (maxBlock > 16384 ? ", runs of \(maxBlock >> 10) KiB" : "")
    }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        let state = order.folder + "/state"
        let shell = try await Shell(
            stage.programs, tracker: stage.trackerAddress, folder: state
        ) {
            try stage.placement.start(
                stage.programs.peer,
                [
                    "--verify", verify, "--data-dir", state, "127.0.0.1:\(order.port)",
                    stage.trackerAddress,
                ], on: order.core)
        }
        try await shell("login bob bob-secret")
        let process = shell.process
        let download = RunningDownload(process, isRunning: true) {
            process.output.lines.contains { $0.hasPrefix("[C]") }
        }
        process.send("download_file \(PeerStage.group) \(PeerStage.file) \(order.result)")
        process.send("wait")
        return download
    }
}
