import Foundation

/// What `mtorrent-bench tracker` measures, as its options say.
struct TrackerBenchmark {
    enum Part: String, CaseIterable {
        case announce
        case idle
        case memory
        case passkeys
    }

    var programs = Programs(folder: ".build/release")
    var parts = Part.allCases
    var runs = 3
    /// Of each cell.
    var seconds = 2.0
    var swarms = 200_000
    var peers = 1_000_000
    var idleConnections = 18_000
    var contenders = TrackerContender.allCases

    static let usage = """
        Usage: mtorrent-bench tracker [OPTIONS] [announce|idle|memory|passkeys ...]

        Measures the tracker under load, beside opentracker and a minimal server in C, and prints
        Markdown tables.

          --programs DIR  where mtorrent and mtorrent-tracker are (.build/release)
          --quick         one run of shorter cells, a tenth of the peers
          --runs N        of each cell, in turn; medians are shown (3)
          --seconds S     of each cell (2)

        """

    /// Nil when they aren't understood.
    init?(_ arguments: some Collection<String>) {
        var arguments = Array(arguments)[...]
        var named: [Part] = []
        while let argument = arguments.popFirst() {
            if argument == "--quick" {
                (runs, seconds, swarms, peers) = (1, 1, 20_000, 100_000)
                idleConnections = 2000
            } else if let part = Part(rawValue: argument) {
                named.append(part)
            } else if let value = arguments.popFirst() {
                switch argument {
                case "--programs": programs = Programs(folder: value)
                case "--runs": runs = Int(value) ?? 0
                case "--seconds": seconds = Double(value) ?? 0
                default: return nil
                }
            } else {
                return nil
            }
        }
        guard runs > 0, seconds > 0 else { return nil }
        if !named.isEmpty { parts = named }
    }

    var population: TrackerPopulation {
        TrackerPopulation(name: "zipf", swarms: swarms, peers: peers, zipf: 0.9)
    }

    func run() async throws -> String {
        let scratch = try WorkFolder(bytes: 2 << 30)
        let congestion = CongestionControl()
        defer { congestion.restore() }
        let stage = try TrackerStage(
            programs: programs, folder: scratch.path, seconds: seconds)
        var text = """
            \(Machine.description());
            congestion control \(congestion.inForce); \(peers) peers in \(swarms) swarms, zipf 0.9;
            the tracker on one core, the load on the other; medians of \(runs) interleaved runs.

            """
        var targets: [Target] = []
        if parts.contains(.announce) || parts.contains(.idle) {
            let cells = try await announces(stage)
            text += announceTables(cells)
            targets += announceTargets(cells)
        }
        if parts.contains(.memory) {
            let bytes = try await memory(stage)
            text += storeTable(bytes)
            targets += storeTargets(bytes)
        }
        if parts.contains(.passkeys) {
            let samples = try await PasskeyCost(stage: stage, runs: runs).run()
            text += passkeyTable(samples)
            targets += passkeyTargets(samples)
        }
        return text + targetTable(targets)
    }

    // MARK: Announces

    private func announces(_ stage: TrackerStage) async throws -> TrackerCells {
        var cells = TrackerCells()
        var lengths = AnswerLengths()
        let whitelist = try await stage.whitelist(population)
        for _ in 0..<runs {
            for contender in contenders {
                let tracker = try await stage.start(
                    contender, whitelist: whitelist, lengths: lengths)
                defer { tracker.process.kill() }
                if contender.storesPeers { try await stage.fill(population, tracker) }
                let measurement = TrackerMeasurement(
                    stage: stage, population: population, contender: contender,
                    tracker: tracker)
                if parts.contains(.announce) {
                    try await measurement.rates(whitelist: whitelist, into: &cells)
                }
                if parts.contains(.idle) {
                    try await measurement.besideIdle(idleConnections, into: &cells)
                }
                if contender == .ours { cells.noteLengths(&lengths) }
            }
        }
        return cells
    }

    // MARK: Memory

    private var layouts: [TrackerPopulation] {
        [
            TrackerPopulation(name: "one peer a swarm", swarms: peers, peers: peers, zipf: 0),
            population,
            TrackerPopulation(name: "1,000 swarms", swarms: 1000, peers: peers, zipf: 0),
        ]
    }

    /// Resident bytes for each peer, by layout and program.
    private func memory(_ stage: TrackerStage) async throws -> [StoreSample] {
        var samples: [StoreSample] = []
        for layout in layouts {
            let whitelist = try await stage.whitelist(layout)
            for contender in contenders where contender.storesPeers {
                let tracker = try await stage.start(
                    contender, whitelist: whitelist, lengths: AnswerLengths())
                defer { tracker.process.kill() }
                // One announce, so that what comes with the first isn't counted.
                var first = layout
                first.peers = 1
                try await stage.fill(first, tracker)
                let before = tracker.resident()
                try await stage.fill(layout, tracker)
                let bytes = (tracker.resident() - before) / Double(layout.peers)
                progress("\(contender), \(layout.name): \(fixed(bytes, 1)) bytes a peer")
                samples.append(
                    StoreSample(layout: layout.name, contender: contender, bytes: bytes))
            }
        }
        return samples
    }
}
