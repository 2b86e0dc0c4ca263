import Foundation

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
            manner + stage.torrentOptions() + .option("file", stage.original)
                + .option("listen", "127.0.0.1:\(port)"), on: .first)
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
            stage.torrentOptions() + .option("from", "127.0.0.1:\(order.sharers.lowerBound)")
                + .option("count", order.sharers.count) + .option("file", order.result)
                + .option("hashes", hashes), on: order.core)
        return RunningDownload(process) { false }
    }
}
