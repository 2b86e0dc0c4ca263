import FoundationEssentials
import Glibc
import Options
import Simulation

/// `mtorrent-sim`: swarms on a simulated network.
enum SimulationProgram {
    private static let parser = OptionParser(
        program: "mtorrent-sim",
        usage: ["[--seed N] [--count N | --soak SECONDS]", "--scenario NAME [--peers K]"],
        summary:
            "Runs whole swarms in one thread, with nothing left to chance but the seed. Without a "
            + "scenario: small ones in which things go wrong. Scenarios: "
            + Scenario.names.joined(separator: ", ") + ".",
        options: [
            Option(long: "seed", value: "N", help: "what decides everything (default 1)"),
            Option(long: "count", value: "N", help: "run so many seeds, one after the other"),
            Option(long: "soak", value: "SECONDS", help: "run seeds for so long"),
            Option(long: "scenario", value: "NAME", help: "a big swarm, with figures"),
            Option(long: "peers", value: "K", help: "leechers of the scenario"),
            Option(long: "trace", value: "FILE", help: "write every action of every peer"),
            Option(long: "svg", value: "DIR", help: "draw the scenario's curves"),
        ])

    /// Returns the exit code: 1 where something was violated.
    static func run(arguments: [String], environment: [String: String]) -> Int32 {
        do {
            let parsed = try parser.parse(arguments: arguments, environment: environment)
            if parsed.wantsHelp {
                print(parser.helpText, terminator: "")
                return 0
            }
            if parsed.wantsVersion {
                print("mtorrent-sim 0.1.0")
                return 0
            }
            if let name = parsed.string("scenario") { return try runScenario(name, parsed) }
            return try runFaults(parsed)
        } catch {
            complain("\(error)")
            return 2
        }
    }

    // MARK: Small swarms

    private static func runFaults(_ parsed: ParsedOptions) throws -> Int32 {
        let first = UInt64(try parsed.integer("seed", in: 0...Int.max) ?? 1)
        let soak = try parsed.integer("soak", in: 1...1_000_000)
        let count = try parsed.integer("count", in: 1...Int.max)
        let trace = try Trace(parsed.string("trace"))
        let isSingle = soak == nil && count == nil
        let begin = ContinuousClock.now
        var seed = first
        var failed = 0
        repeat {
            let scenario = try FaultScenario(seed: seed)
            if isSingle { for line in scenario.description { print(line) } }
            scenario.simulation.tracer = trace?.write
            if !scenario.run() {
                failed += 1
                print("seed \(seed) broke:")
                for line in scenario.simulation.violations { print("    \(line)") }
                print("    again: mtorrent-sim --seed \(seed)")
            }
            if isSingle { print("trace hash \(hex(scenario.simulation.traceHash))") }
            seed += 1
            if let soak, ContinuousClock.now - begin >= .seconds(soak) { break }
        } while soak != nil || seed - first < count ?? 1
        if !isSingle { print("\(seed - first) seeds, \(failed) broke") }
        return failed == 0 ? 0 : 1
    }

    // MARK: Scenarios

    private static func runScenario(_ name: String, _ parsed: ParsedOptions) throws -> Int32 {
        let peers = try parsed.integer("peers", in: 1...65_000)
        let seed = UInt64(try parsed.integer("seed", in: 0...Int.max) ?? 1)
        guard let scenario = Scenario.named(name, peers: peers) else {
            throw parsed.error("scenario", "it is one of " + Scenario.names.joined(separator: ", "))
        }
        let run = try ScenarioRun(scenario, seed: seed)
        let trace = try Trace(parsed.string("trace"))
        run.simulation.tracer = trace?.write
        let begin = processorTime()
        let isComplete = run.run()
        let report = run.report
        print(report.text(of: scenario))
        print("processor time \(rounded(processorTime() - begin, 1)) s")
        if let folder = parsed.string("svg") {
            let path = folder + "/" + scenario.name + ".svg"
            let drawing = ScenarioDrawing(scenario, report, run.samples).svg
            do {
                try drawing.write(toFile: path, atomically: true, encoding: .utf8)
            } catch {
                complain("\(path) can't be written: name a folder that is there with --svg")
                return 1
            }
        }
        if !isComplete { complain("somebody didn't become complete") }
        return isComplete && report.violations.isEmpty ? 0 : 1
    }

    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func complain(_ text: String) {
        let line = "mtorrent-sim: \(text)\n"
        write(STDERR_FILENO, line, line.utf8.count)
    }
}

/// A file of lines, one for each action.
final class Trace {
    private let file: UnsafeMutablePointer<FILE>

    init?(_ path: String?) throws {
        guard let path else { return nil }
        guard let file = fopen(path, "w") else {
            throw OptionError("\(path): \(String(cString: strerror(errno)))")
        }
        self.file = file
    }

    deinit { fclose(file) }

    func write(_ line: String) {
        fputs(line, file)
        fputc(10, file)
    }
}
