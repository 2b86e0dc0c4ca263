import Simulation
import Testing

/// Small swarms in which everything goes wrong that the seed thinks of. A failure names the seed;
/// `mtorrent-sim --seed N` tells its course.
struct FaultScenarioTests {
    /// What a seed leads to is the same every time.
    private func run(_ seed: UInt64) throws -> FaultScenario {
        let scenario = try FaultScenario(seed: seed)
        _ = scenario.run()
        return scenario
    }

    @Test(arguments: 0..<8)
    func `everyone completes after the faults, and nothing is violated`(part: UInt64) throws {
        for seed in part * 25..<(part + 1) * 25 {
            let scenario = try run(seed)
            #expect(scenario.simulation.violations == [], "seed \(seed)")
        }
    }

    @Test func `the same seed gives the same course, and another one another`() throws {
        let first = try run(1_000_001).simulation.traceHash
        let again = try run(1_000_001).simulation.traceHash
        let other = try run(1_000_002).simulation.traceHash
        #expect(first == again)
        #expect(first != other)
    }
}
