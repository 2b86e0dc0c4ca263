import Foundation

/// A program that answers announces.
enum TrackerContender: String, CaseIterable {
    case ours = "**mtorrent-tracker**"
    case opentracker
    case limit = "C, answers without a look-up"

    /// opentracker closes each connection after its answer.
    var keepsConnections: Bool { self != .opentracker }
    var storesPeers: Bool { self != .limit }
}

/// Whom the tracker is to know.
struct TrackerPopulation {
    let name: String
    var swarms: Int
    var peers: Int
    /// 0: all swarms alike.
    var zipf: Double
    /// Files of the swarms' hashes and the peers' passkeys.
    var hashes: String?
    var passkeys: String?

    var options: [String] {
        var options: [String] = .option("swarms", swarms) + .option("peers", peers)
        options += .option("zipf", zipf)
        options += hashes.map { .option("hashes", $0) } ?? []
        return options + (passkeys.map { .option("passkeys", $0) } ?? [])
    }
}

/// Bytes of the answers of the limit.
struct AnswerLengths {
    var datagram = 200
    var http = 400
}

extension TrackerStage {
    /// Starts the program on the first core, knowing nobody.
    func start(
        _ contender: TrackerContender, whitelist: String, lengths: AnswerLengths
    ) async throws -> RunningTracker {
        let port = try freePort()
        let address = "127.0.0.1:\(port)"
        let scratch = folder + "/\(contender)-\(port)"
        try FileManager.default.createDirectory(
            atPath: scratch, withIntermediateDirectories: true)
        let process: ChildProcess
        switch contender {
        case .ours:
            process = try placement.start(
                programs.tracker,
                ["--announce-interval", "1h", "--data-dir", scratch]
                    + ["--announces-per-address", "1000000"]
                    // The others write nothing down; what that costs `make bench-sync` tells.
                    + ["--swarm-log", "off"]
                    + ["--log-file", scratch + "/log", address],
                on: .first)
            try await process.line("the tracker's address") { $0.contains("listening on") }
        case .opentracker:
            // It has its root there, and what it may answer for in a file below.
            let configuration = """
                listen.udp.workers 1
                listen.tcp_udp \(address)
                tracker.rootdir \(scratch)
                access.whitelist whitelist

                """
            try configuration.write(
                toFile: scratch + "/configuration", atomically: true, encoding: .utf8)
            try FileManager.default.copyItem(atPath: whitelist, toPath: scratch + "/whitelist")
            process = try placement.start(
                "opentracker", ["-f", scratch + "/configuration"], on: .first)
        case .limit:
            process = try generators.start(
                "answerer",
                .option("listen", address) + .option("datagram-bytes", lengths.datagram)
                    + .option("http-bytes", lengths.http), on: .first)
            try await process.line("the limit's start") { $0 == "listening" }
        }
        return RunningTracker(process: process, address: address)
    }
}

struct RunningTracker {
    let process: ChildProcess
    let address: String

    func resident() -> Double { Double(process.memory("VmRSS") ?? 0) }
}
