import Foundation

/// What it costs to look whether an announce is a member's: the same crowd in a group's swarms and
/// in open ones, on one tracker.
struct PasskeyCost {
    enum Transport: String, CaseIterable {
        case udp = "UDP"
        case http = "HTTP"
    }

    struct Sample {
        let transport: Transport
        let isPersonal: Bool
        let micros: Double
    }

    let stage: TrackerStage
    let runs: Int

    private static let files = 400
    private static let users = ["alice", "bob", "carol", "dave"]

    static func medians(_ samples: [Sample], _ transport: Transport) -> (Double, Double) {
        func of(_ isPersonal: Bool) -> Double {
            median(
                samples.filter { $0.transport == transport && $0.isPersonal == isPersonal }
                    .map(\.micros))
        }
        return (of(false), of(true))
    }

    func run() async throws -> [Sample] {
        let tracker = try await stage.start(
            .ours, whitelist: "", lengths: AnswerLengths())
        defer { tracker.process.kill() }
        let open = TrackerPopulation(
            name: "open", swarms: Self.files, peers: 100_000, zipf: 0.9)
        var personal = open
        (personal.hashes, personal.passkeys) = try await found(tracker)
        try await stage.fill(open, tracker)
        try await stage.fill(personal, tracker)
        var samples: [Sample] = []
        // A pair's difference is small beside what the machine does in between: many pairs.
        for _ in 0..<runs * 2 {
            for transport in Transport.allCases {
                for population in [open, personal] {
                    let load = try await stage.load(
                        population, on: tracker, transport == .http ? ["--http"] : [])
                    let isPersonal = population.passkeys != nil
                    progress(
                        "\(transport.rawValue), \(isPersonal ? "by passkey" : "open"): "
                            + "\(fixed(load.serverCpuMicros, 2)) µs")
                    samples.append(
                        Sample(
                            transport: transport, isPersonal: isPersonal,
                            micros: load.serverCpuMicros))
                }
            }
        }
        return samples
    }

    /// Founds a group with files.
    /// - Returns: the files that hold their info-hashes, and the passkeys of the members.
    private func found(_ tracker: RunningTracker) async throws -> (String, String) {
        let folder = stage.folder + "/passkeys"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        var shells: [Shell] = []
        for user in Self.users {
            let shell = try await Shell(
                stage.programs, tracker: tracker.address, folder: folder + "/" + user,
                port: try freePort())
            try await shell("create_user \(user) \(user)-secret")
            try await shell("login \(user) \(user)-secret")
            shells.append(shell)
        }
        let owner = shells[0]
        try await owner("create_group bench open")
        for (user, shell) in zip(Self.users, shells).dropFirst() {
            try await shell("join_group bench")
            try await owner("accept_request bench \(user)")
        }
        var hashes: [String] = []
        for file in 0..<Self.files {
            let path = folder + "/file-\(file)"
            try "\(file)".write(toFile: path, atomically: false, encoding: .utf8)
            try await owner("upload_file \(path) bench", longestPause: .milliseconds(1))
            let facts = try await owner(
                "file_info bench file-\(file)", longestPause: .milliseconds(1))
            hashes += facts.compactMap {
                $0.firstMatch(of: /\binfo_hash\s+([0-9a-f]{40})/).map { String($0.1) }
            }
        }
        var passkeys: [String] = []
        for shell in shells {
            passkeys += try await shell("passkey").compactMap {
                $0.firstMatch(of: /\b([0-9a-f]{32})\b/).map { String($0.1) }
            }
            try await shell.quit()
        }
        guard hashes.count == Self.files, passkeys.count == Self.users.count else {
            throw BenchmarkError("\(hashes.count) hashes, \(passkeys.count) passkeys")
        }
        return (
            try write(hashes, folder + "/hashes"), try write(passkeys, folder + "/passkeys")
        )
    }

    private func write(_ lines: [String], _ path: String) throws -> String {
        try (lines.joined(separator: "\n") + "\n").write(
            toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
