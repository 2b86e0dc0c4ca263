import Foundation

/// What all measurements of trackers have in common.
struct TrackerStage {
    let programs: Programs
    let placement = Placement()
    let generators: Generators
    /// For the programs' state.
    let folder: String
    let seconds: Double

    init(programs: Programs, folder: String, seconds: Double) throws {
        (self.programs, self.folder, self.seconds) = (programs, folder, seconds)
        generators = Generators(placement: placement)
        // opentracker gives up root's rights and has to get there all the same.
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: folder)
    }

    /// What `announcers` tells.
    struct Load: Decodable {
        let answered: Int
        let failed: Int
        let lost: Int
        let perSecond: Double
        let bytesEach: Double
        let serverCpuMicros: Double
        let ownCpuMicros: Double
        let p50Micros: Double
        let p99Micros: Double
    }

    struct Held: Decodable {
        let connected: Int
        let failed: Int
    }

    /// Writes down the hashes of the population's swarms.
    func whitelist(_ population: TrackerPopulation) async throws -> String {
        let lister = try generators.start("announcers", ["--list"] + population.options)
        guard try await lister.end(within: .seconds(60)) == .exited(0) else {
            throw BenchmarkError("no list of hashes\n\(lister.transcript)")
        }
        let path = folder + "/whitelist-\(population.name)"
        try (lister.output.lines.joined(separator: "\n") + "\n").write(
            toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    func load(
        _ population: TrackerPopulation, on tracker: RunningTracker, _ options: [String]
    ) async throws -> Load {
        let crowd = try generators.start(
            "announcers",
            population.options + .option("to", tracker.address)
                + .option("pid", tracker.process.pid) + .option("seconds", seconds) + options)
        guard try await crowd.end(within: .seconds(seconds + 120)) == .exited(0) else {
            throw BenchmarkError(
                "announcers \(options): \(crowd.transcript)\n\(tracker.process.transcript)")
        }
        let load = try generators.result(Load.self, of: crowd)
        guard load.failed * 1000 <= load.answered else {
            throw BenchmarkError("\(load.failed) refused, \(load.answered) answered: \(options)")
        }
        return load
    }

    /// Has everybody announce once.
    func fill(_ population: TrackerPopulation, _ tracker: RunningTracker) async throws {
        let load = try await load(population, on: tracker, ["--fill"])
        guard load.answered == population.peers else {
            throw BenchmarkError("\(load.answered) of \(population.peers) announced")
        }
    }

    /// wrk announces one peer over kept connections.
    /// - Returns: answers a second, and the tracker's microseconds for each.
    func wrk(_ tracker: RunningTracker, hash: String) async throws -> (Double, Double) {
        let escaped = stride(from: 0, to: 40, by: 2).map { "%" + hash.dropFirst($0).prefix(2) }
        let query =
            "info_hash=\(escaped.joined())&peer_id=-WK0001-000000000000&port=6881&uploaded=0"
            + "&downloaded=0&left=1&compact=1&numwant=30&key=1"
        let before = tracker.process.processorSeconds ?? 0
        let process = try placement.start(
            "wrk",
            ["-t1", "-c64", "-d\(Int(seconds.rounded(.up)))s"]
                + ["http://\(tracker.address)/announce?\(query)"], on: .second)
        _ = try await process.end(within: .seconds(seconds + 30))
        let used = (tracker.process.processorSeconds ?? 0) - before
        func number(_ pattern: Regex<(Substring, Substring)>) throws -> Double {
            let found = process.output.lines.compactMap { $0.firstMatch(of: pattern)?.1 }.first
            guard let value = found.flatMap({ Double($0) }) else {
                throw BenchmarkError("wrk: \(process.transcript)")
            }
            return value
        }
        let rate = try number(/Requests\/sec:\s+([0-9.]+)/)
        return (rate, used / (try number(/([0-9]+) requests in/)) * 1e6)
    }
}
