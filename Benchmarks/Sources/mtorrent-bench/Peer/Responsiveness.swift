import Foundation

/// How soon our peer answers a new connection, and its user, while it serves a crowd at full rate.
struct Responsiveness {
    let stage: PeerStage
    let counts: [Int]
    let seconds: Double

    struct Sample {
        let leechers: Int
        let handshakes: Generators.Handshakes
        /// Of `show_downloads` on the shell's pipe, milliseconds.
        let shellMedian: Double
        let shellMost: Double
    }

    func run() async throws -> [Sample] {
        var samples: [Sample] = []
        for count in counts {
            let sample = try await measure(count)
            progress(
                "handshakes beside \(count): p50 \(sample.handshakes.p50Ms) ms, p99 "
                    + "\(sample.handshakes.p99Ms) ms; shell \(fixed(sample.shellMedian, 1)) ms")
            samples.append(sample)
        }
        return samples
    }

    private func measure(_ count: Int) async throws -> Sample {
        let port = try freePort()
        let shell = try await Shell(
            stage.programs, tracker: stage.trackerAddress, folder: stage.sharerState
        ) { try OurPeer().start(stage, port: port) }
        defer { shell.process.kill() }
        try await shell("login alice alice-secret")
        try await stage.answers(at: port)
        let crowd = try stage.crowd(
            count, at: port, of: shell.process,
            options: .option("settle", 15) + .option("warm-up", 1) + .option("seconds", 600))
        defer { crowd.kill() }
        // Until the crowd is at work; it tells nothing before its end.
        try await eventually("the crowd's connections") {
            let lines = try await shell("file_info \(PeerStage.group) \(PeerStage.file)")
            return !lines.isEmpty && (crowd.processorSeconds ?? 0) > 1
        }
        let visitor = try stage.generators.start(
            "handshakes",
            .option("to", "127.0.0.1:\(port)") + .option("info-hash", stage.torrent.infoHash)
                + .option("seconds", seconds))
        var answers: [Double] = []
        while visitor.exitStatus == nil {
            let start = monotonicSeconds()
            try await shell("show_downloads", longestPause: .milliseconds(1))
            answers.append((monotonicSeconds() - start) * 1000)
            try await Task.sleep(for: .milliseconds(50))
        }
        _ = try await visitor.end()
        return Sample(
            leechers: count,
            handshakes: try stage.generators.result(Generators.Handshakes.self, of: visitor),
            shellMedian: median(answers), shellMost: answers.max() ?? .nan)
    }
}
