import Foundation

/// A program that shares or downloads, in the way that its kind is started and asked.
protocol Client: Sendable {
    /// As the tables call it.
    var name: String { get }
    /// Bytes of the requests that it is given.
    var requestBytes: Int { get }
    /// Puts its state where each run finds it: so that nothing is hashed again.
    func prepare(_ stage: PeerStage) async throws
    /// Starts it with the whole file, listening at the port.
    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess
}

extension Client {
    var requestBytes: Int { 16384 }
    func prepare(_ stage: PeerStage) async throws {}
}

/// `mtorrent`, with requests of 16 KiB as any client makes them, or with the large ones that our
/// peers agree on.
struct OurPeer: Client {
    var requestBytes = 16384

    var name: String {
        requestBytes > 16384 ? "**mtorrent**, runs of \(requestBytes >> 10) KiB" : "**mtorrent**"
    }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        let peer = try stage.placement.start(
            stage.programs.peer,
            ["--data-dir", stage.sharerState, "127.0.0.1:\(port)", stage.trackerAddress],
            on: .first)
        peer.send("login alice alice-secret")
        return peer
    }
}

/// A minimal server in C, the limit that the others are held against.
struct CServer: Client {
    enum Answer: String {
        case gathered = "C, gathered from a mapping"
        case corked = "C, corked sendfile"
        case blockwise = "C, header + sendfile per block"
        case ranges = "C, sendfile of 1 MiB ranges"
    }

    let answer: Answer

    var name: String { answer.rawValue }

    var requestBytes: Int { answer == .ranges ? 1 << 20 : 16384 }

    func share(_ stage: PeerStage, port: UInt16) async throws -> ChildProcess {
        let manner: [String] =
            switch answer {
            case .gathered: []
            case .corked: ["--sendfile"]
            case .blockwise: ["--sendfile", "--gather", "1"]
            case .ranges: ["--sendfile", "--gather", "1"] + .option("max-block", 1 << 20)
            }
        return try stage.generators.start(
            "sharers",
            manner + stage.torrentOptions + .option("file", stage.original)
                + .option("listen", "127.0.0.1:\(port)"), on: .first)
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

/// A loop in C that receives, hashes and writes, the limit for one thread.
struct CReceiver: Downloader {
    var name: String { "C, recv + SHA-1 + pwritev, one thread" }

    func download(_ order: DownloadOrder, _ stage: PeerStage) async throws -> RunningDownload {
        let hashes = order.folder + "/hashes"
        try stage.torrent.pieceHashes.write(to: URL(fileURLWithPath: hashes))
        let process = try stage.generators.start(
            "receiver",
            stage.torrentOptions + .option("from", "127.0.0.1:\(order.sharers.lowerBound)")
                + .option("count", order.sharers.count) + .option("file", order.result)
                + .option("hashes", hashes), on: order.core)
        return RunningDownload(process) { false }
    }
}
