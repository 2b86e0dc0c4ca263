import Foundation

/// Loads that are measured, each with and without idle connections beside.
enum TrackerCell: String, CaseIterable {
    case udp = "UDP announce"
    case udpHalf = "UDP announce, half of that rate"
    case udpFixed = "UDP announce, 50,000/s"
    case scrape = "UDP scrape of 30"
    case kept = "HTTP, kept connections"
    case keptHalf = "HTTP, kept connections, half of that rate"
    case wrk = "HTTP, kept connections, wrk"
    case closed = "HTTP, a connection each"
    case closedHalf = "HTTP, a connection each, half of that rate"
    case udpBeforeIdle = "UDP announce, just before the idle connections"
    case udpBesideIdle = "UDP announce, idle connections beside"
    case httpBeforeIdle = "HTTP, just before the idle connections"
    case httpBesideIdle = "HTTP, idle connections beside"

    var hasLatency: Bool { [.udpHalf, .udpFixed, .keptHalf, .closedHalf].contains(self) }
}

/// All that was measured.
struct TrackerCells {
    struct Sample {
        var perSecond: Double
        var serverMicros: Double
        var p50 = Double.nan
        var p99 = Double.nan
        var bytes = Double.nan
    }

    private(set) var samples: [TrackerCell: [TrackerContender: [Sample]]] = [:]
    /// User memory of each idle connection.
    private(set) var idleBytes: [TrackerContender: [Double]] = [:]

    mutating func add(_ sample: Sample, _ cell: TrackerCell, _ contender: TrackerContender) {
        samples[cell, default: [:]][contender, default: []].append(sample)
        progress(
            "\(contender), \(cell.rawValue): \(fixed(sample.perSecond, 0))/s, "
                + "\(fixed(sample.serverMicros, 2)) µs")
    }

    mutating func add(idleBytes bytes: Double, _ contender: TrackerContender) {
        idleBytes[contender, default: []].append(bytes)
        progress("\(contender): \(fixed(bytes, 0)) bytes for an idle connection")
    }

    func figure(
        _ contender: TrackerContender, _ cell: TrackerCell, _ value: (Sample) -> Double
    ) -> Double {
        median(samples[cell]?[contender]?.map(value) ?? [])
    }

    /// The limit answers with as many bytes as we do.
    func noteLengths(_ lengths: inout AnswerLengths) {
        let (udp, http) = (figure(.ours, .udp, \.bytes), figure(.ours, .kept, \.bytes))
        if !udp.isNaN { lengths.datagram = Int(udp) }
        if !http.isNaN { lengths.http = Int(http) }
    }
}

/// The loads on one tracker that is running.
struct TrackerMeasurement {
    let stage: TrackerStage
    let population: TrackerPopulation
    let contender: TrackerContender
    let tracker: RunningTracker

    func rates(whitelist: String, into cells: inout TrackerCells) async throws {
        try await saturation([], .udp, half: .udpHalf, into: &cells)
        try await load(.option("rate", 50_000), .udpFixed, into: &cells)
        try await load(.option("scrape", 30), .scrape, into: &cells)
        if contender.keepsConnections {
            try await saturation(["--http"], .kept, half: .keptHalf, into: &cells)
            let hashes = try String(contentsOfFile: whitelist, encoding: .utf8)
            let (rate, micros) = try await stage.wrk(tracker, hash: String(hashes.prefix(40)))
            cells.add(.init(perSecond: rate, serverMicros: micros), .wrk, contender)
        }
        try await saturation(["--http", "--close"], .closed, half: .closedHalf, into: &cells)
    }

    /// What the loads before leave behind slows all programs down: so the rates without idle
    /// connections are measured again, right before.
    func besideIdle(_ count: Int, into cells: inout TrackerCells) async throws {
        let http = contender.keepsConnections ? ["--http"] : ["--http", "--close"]
        try await load([], .udpBeforeIdle, into: &cells)
        try await load(http, .httpBeforeIdle, into: &cells)
        let before = tracker.process.memory("RssAnon") ?? 0
        let crowd = try stage.generators.start(
            "announcers",
            population.options + .option("to", tracker.address) + .option("hold", count)
                + (contender.keepsConnections ? ["--announce"] : []))
        defer { crowd.kill() }
        let line = try await crowd.line("the idle crowd", within: .seconds(60)) { _ in true }
        let held = try stage.generators.decode(TrackerStage.Held.self, line)
        guard held.connected == count else {
            throw BenchmarkError("\(contender): \(held.connected) of \(count) are connected")
        }
        let after = tracker.process.memory("RssAnon") ?? 0
        cells.add(idleBytes: Double(after - before) / Double(count), contender)
        try await load([], .udpBesideIdle, into: &cells)
        try await load(http, .httpBesideIdle, into: &cells)
    }

    private func saturation(
        _ options: [String], _ cell: TrackerCell, half: TrackerCell,
        into cells: inout TrackerCells
    ) async throws {
        let rate = try await load(options, cell, into: &cells)
        try await load(options + .option("rate", rate / 2), half, into: &cells)
    }

    @discardableResult
    private func load(
        _ options: [String], _ cell: TrackerCell, into cells: inout TrackerCells
    ) async throws -> Double {
        let load = try await stage.load(population, on: tracker, options)
        let sample = TrackerCells.Sample(
            perSecond: load.perSecond, serverMicros: load.serverCpuMicros,
            p50: load.p50Micros, p99: load.p99Micros, bytes: load.bytesEach)
        cells.add(sample, cell, contender)
        return load.perSecond
    }
}
