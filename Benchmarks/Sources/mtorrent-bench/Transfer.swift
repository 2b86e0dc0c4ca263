import Foundation

/// One file from one peer to another over loopback, by us, by aria2, and by both.
struct Transfer {
    enum Contender: String, CaseIterable {
        /// As it comes: each piece is verified, and the whole file by a hash of its own.
        case ours = "mtorrent → mtorrent"
        /// The same job as aria2's, which verifies pieces.
        case oursPiecesOnly = "mtorrent → mtorrent `--verify pieces`"
        case aria2 = "aria2c → aria2c"
        case toAria2 = "mtorrent → aria2c"
    }

    /// What one run cost.
    struct Sample {
        /// From the start of the downloading program to its end: log-in, tracker and all.
        var wall: Double
        /// From the first MiB that is written to the program's word that all is verified.
        var transfer: Double
        /// Processor time of the downloading program's whole life.
        var downloaderCPU: Double
        /// Processor time of the seeding program during the run.
        var seederCPU: Double
        /// Peak resident memory of the downloading program, bytes.
        var downloaderMemory: Double
    }

    let programs: Programs
    let folder: String
    let size: Int
    let runs: Int
    private let group = "bench"
    private let file = "bench.bin"
    private let seederPort: UInt16 = 26881
    private let downloaderPort: UInt16 = 26882

    /// Everything that stays the same over the runs.
    private struct Stage {
        let tracker: ChildProcess
        let trackerAddress: String
        let sum: String
        /// With the passkeys of the one who shares and of the one who downloads.
        let seederTorrent: String
        let downloaderTorrent: String
        /// Where the tracker tells how many have the whole file.
        let scrape: String
    }

    func run() async throws -> [Contender: [Sample]] {
        let stage = try await prepare()
        defer { stage.tracker.kill() }
        var samples: [Contender: [Sample]] = [:]
        for _ in 0..<runs {
            for contender in Contender.allCases {
                let sample = try await run(contender, stage)
                samples[contender, default: []].append(sample)
                FileHandle.standardError.write(
                    Data("\(contender.rawValue): \(fixed(sample.wall, 2)) s\n".utf8))
            }
        }
        return samples
    }

    // MARK: Preparation

    private var original: String { folder + "/seed/" + file }
    private var result: String { folder + "/got/" + file }

    private func prepare() async throws -> Stage {
        let manager = FileManager.default
        for name in ["seed", "got"] {
            try manager.createDirectory(
                atPath: folder + "/" + name, withIntermediateDirectories: true)
        }
        try TestBytes.write(to: original, size: size, seed: 1)
        let tracker = try ChildProcess(
            programs.tracker, ["--data-dir", folder + "/tracker", "127.0.0.1:0"])
        let line = try await tracker.line("the tracker's address") { $0.contains("listening on") }
        let address = String(line.split(separator: " ").last ?? "")
        let seeder = try await shell("alice", address, seederPort)
        try await seeder("create_user alice alice-secret")
        try await seeder("login alice alice-secret")
        try await seeder("create_group \(group) open")
        try await seeder("upload_file \(original) \(group)", within: .seconds(300))
        try await seeder("export \(group) \(file) \(folder)/alice.torrent")
        let downloader = try await shell("bob", address, downloaderPort)
        try await downloader("create_user bob bob-secret")
        try await downloader("login bob bob-secret")
        try await downloader("join_group \(group)")
        try await seeder("accept_request \(group) bob")
        try await downloader("export \(group) \(file) \(folder)/bob.torrent")
        let scrape = try await scrapeAddress(address, seeder)
        try await downloader.quit()
        try await seeder.quit()
        return Stage(
            tracker: tracker, trackerAddress: address, sum: try await sha1sum(original),
            seederTorrent: folder + "/alice.torrent", downloaderTorrent: folder + "/bob.torrent",
            scrape: scrape)
    }

    /// The passkey from the exported torrent, the info-hash from what the tracker tells.
    private func scrapeAddress(_ tracker: String, _ seeder: Shell) async throws -> String {
        let torrent = try Data(contentsOf: URL(fileURLWithPath: folder + "/alice.torrent"))
        let text = String(decoding: torrent.prefix(1000), as: UTF8.self)
        let information = try await seeder("file_info \(group) \(file)").joined(separator: " ")
        // Bencoded: the length of the announce address, then the address.
        guard let announce = text.firstMatch(of: /8:announce(\d+):/),
            let length = Int(announce.1),
            let passkey = text[announce.range.upperBound...].prefix(length)
                .split(separator: "/").last,
            let hash = information.firstMatch(of: /\binfo_hash\s+([0-9a-f]{40})/)?.1
        else { throw BenchmarkError("no passkey or info-hash in: \(information)") }
        let escaped = stride(from: 0, to: 40, by: 2).map { "%" + hash.dropFirst($0).prefix(2) }
        return "http://\(tracker)/scrape/\(passkey)?info_hash=\(escaped.joined())"
    }

    /// Waits until the tracker knows as many with the whole file; it forgets an empty swarm.
    private func seeders(_ count: Int, _ stage: Stage) async throws {
        var answer = ""
        try await eventually("\(count) seeders at the tracker", context: answer) {
            answer = try await finish("curl", ["--silent", "--max-time", "5", stage.scrape])
                .joined()
            let number = answer.firstMatch(of: /8:completei(\d+)e/).flatMap { Int($0.1) }
            return answer.hasPrefix("d5:files") && number ?? 0 == count
        }
    }

    private func shell(_ user: String, _ tracker: String, _ port: UInt16) async throws -> Shell {
        try await Shell(
            programs, tracker: tracker, folder: folder + "/state-" + user, port: port)
    }

    // MARK: One run

    private func run(_ contender: Contender, _ stage: Stage) async throws -> Sample {
        try? FileManager.default.removeItem(atPath: folder + "/got")
        try FileManager.default.createDirectory(
            atPath: folder + "/got", withIntermediateDirectories: true)
        // A new state folder: what was downloaded in an earlier run is forgotten.
        try? FileManager.default.removeItem(atPath: folder + "/state-bob")
        let seeder =
            contender == .aria2 ? try await seedByAria2(stage) : try await seedByUs(stage)
        defer { seeder.kill() }
        try await seeders(1, stage)
        let seederBefore = seeder.processorSeconds ?? 0
        let sample =
            switch contender {
            case .ours: try await downloadByUs(stage, verify: "file")
            case .oursPiecesOnly: try await downloadByUs(stage, verify: "pieces")
            case .aria2, .toAria2: try await downloadByAria2(stage)
            }
        let seederCPU = (seeder.processorSeconds ?? .nan) - seederBefore
        guard try await sha1sum(result) == stage.sum else {
            throw BenchmarkError("\(contender.rawValue): the file that arrived is another one")
        }
        // It leaves the swarm in good order: the next contender is to find only its own seeder.
        // aria2 takes its leave of the tracker at SIGINT alone.
        seeder.closeInput()
        if contender == .aria2 { seeder.signal(SIGINT) }
        _ = try await seeder.end(within: .seconds(30))
        try await seeders(0, stage)
        var complete = sample
        complete.seederCPU = seederCPU
        return complete
    }

    private func seedByUs(_ stage: Stage) async throws -> ChildProcess {
        let seeder = try await shell("alice", stage.trackerAddress, seederPort)
        try await seeder("login alice alice-secret")
        return seeder.process
    }

    private func downloadByUs(_ stage: Stage, verify: String) async throws -> Sample {
        let script = [
            "login bob bob-secret", "download_file \(group) \(file) \(result)", "wait", "exit",
        ]
        return try await measure(
            programs.peer,
            [
                "--verify", verify, "--data-dir", folder + "/state-bob",
                "127.0.0.1:\(downloaderPort)", stage.trackerAddress,
            ], input: script
        ) { $0.contains(file) && $0.contains("[C]") }
    }

    // MARK: aria2

    /// What both sides have in common: only the tracker tells of peers, nothing but the file.
    private func aria2Arguments(port: UInt16, folder: String) -> [String] {
        [
            "--no-conf=true", "--dir=\(folder)", "--listen-port=\(port)", "--enable-dht=false",
            "--enable-dht6=false", "--disable-ipv6=true", "--bt-enable-lpd=false",
            "--enable-peer-exchange=false", "--file-allocation=none", "--summary-interval=0",
            "--console-log-level=notice", "--enable-color=false", "--follow-torrent=mem",
        ]
    }

    private func seedByAria2(_ stage: Stage) async throws -> ChildProcess {
        let arguments = aria2Arguments(port: seederPort, folder: folder + "/seed")
        let seeder = try ChildProcess(
            "aria2c",
            arguments + [
                "--bt-seed-unverified=true", "--seed-ratio=0.0", stage.seederTorrent,
            ], mergingErrors: true)
        return seeder
    }

    private func downloadByAria2(_ stage: Stage) async throws -> Sample {
        let arguments = aria2Arguments(port: downloaderPort, folder: folder + "/got")
        return try await measure(
            "aria2c", arguments + ["--seed-time=0", stage.downloaderTorrent], input: []
        ) { $0.contains("Seeding is over") || $0.contains("Download complete") }
    }

    // MARK: Measuring

    private func measure(
        _ executable: String, _ arguments: [String], input: [String],
        isComplete: (String) -> Bool
    ) async throws -> Sample {
        let clock = ContinuousClock()
        let start = clock.now
        let process = try ChildProcess(executable, arguments, mergingErrors: true)
        for line in input { process.send(line) }
        process.closeInput()
        var firstBytes: ContinuousClock.Instant?
        var lastWord: ContinuousClock.Instant?
        let status = try await eventually(
            "the end of the download", within: .seconds(600), longestPause: .milliseconds(2),
            context: process.transcript
        ) { () -> ExitStatus? in
            if firstBytes == nil, process.writtenBytes > 1 << 20 { firstBytes = clock.now }
            if lastWord == nil, process.output.lines.contains(where: isComplete) {
                lastWord = clock.now
            }
            return process.exitStatus
        }
        let end = clock.now
        guard status == .exited(0) else {
            throw BenchmarkError("\(executable) failed\n\(process.transcript)")
        }
        let transfer = firstBytes.map { seconds((lastWord ?? end) - $0) } ?? .nan
        return Sample(
            wall: seconds(end - start), transfer: transfer,
            downloaderCPU: process.usage.processorSeconds, seederCPU: 0,
            downloaderMemory: Double(process.usage.ru_maxrss << 10))
    }
}
