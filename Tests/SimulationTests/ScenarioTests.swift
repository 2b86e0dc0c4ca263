import Simulation
import Testing

/// Swarms of a hundred peers, each message of which is simulated: how well they do is the same on
/// every machine. `scripts/simulate` runs those of a thousand.
struct ScenarioTests {
    private func report(_ name: String, seed: UInt64 = 1) throws -> ScenarioReport {
        let run = try ScenarioRun(#require(Scenario.named(name, peers: 100)), seed: seed)
        #expect(run.run(), "somebody didn't complete")
        #expect(run.report.violations == [])
        return run.report
    }

    @Test func `a flash crowd completes soon after the seeder has given each piece once`() throws {
        let report = try report("flash-crowd")
        #expect(report.ratio < 1.15)
        #expect(report.duplicates < 0.005)
    }

    @Test func `who corrupts is banned, and delays nobody by much`() throws {
        let report = try report("hostile")
        #expect(report.ratio < 1.35)
        let bans = try #require(report.bans)
        #expect(bans.met > 500 && bans.banned == bans.met)
    }

    @Test func `who gives is served alike, and well before who only takes`() throws {
        let report = try report("free-riders")
        let (contributors, freeRiders) = (report.groups[0], report.groups[1])
        #expect(contributors.last < 1.1 * contributors.mean)
        #expect(freeRiders.mean > 1.5 * contributors.mean)
    }
}
