import PeerCore
import Simulation
import Testing
import Wire

/// Single faults, and that they are what they should be.
struct SimulatedFaultTests {
    private func simulation(seed: UInt64 = 1) throws -> SwarmSimulation {
        try SwarmSimulation(length: 1 << 20, pieceLength: 32 << 10, seed: seed)
    }

    private func slowSeeder(_ simulation: SwarmSimulation) -> SimulatedPeer {
        simulation.addPeer(isSeed: true, link: SimulatedLink(uploadRate: 200_000))
    }

    @Test func `a killed peer goes on with the pieces it had recorded`() throws {
        let simulation = try simulation()
        _ = slowSeeder(simulation)
        let leecher = simulation.addPeer()
        simulation.startAll()
        #expect(simulation.run(for: .seconds(60)) { leecher.swarm.have.setCount == 10 })
        simulation.crash(leecher, .killed)
        _ = simulation.run(for: .seconds(3)) { false }
        simulation.restart(leecher)
        #expect(leecher.swarm.have.setCount == 10)
        #expect(simulation.run(for: .seconds(60)) { leecher.swarm.isComplete })
        #expect(leecher.storage.bytes == simulation.content)
        #expect(simulation.violations == [])
    }

    @Test func `a loss of power costs no more than what wasn't synced`() throws {
        let simulation = try simulation(seed: 2)
        simulation.addPeer(isSeed: true, link: SimulatedLink(uploadRate: 100_000))
        let leecher = simulation.addPeer()
        simulation.startAll()
        #expect(simulation.run(for: .seconds(60)) { leecher.swarm.have.setCount == 22 })
        let synced = leecher.storage.synced.setCount
        #expect(synced > 0 && synced < 22)
        simulation.crash(leecher, .powerLoss)
        simulation.restart(leecher)
        #expect((synced...22).contains(leecher.swarm.have.setCount))
        #expect(simulation.run(for: .seconds(120)) { leecher.swarm.isComplete })
        #expect(leecher.storage.bytes == simulation.content)
        #expect(simulation.violations == [])
    }

    @Test func `nothing gets through a partition, and what was held up does afterwards`() throws {
        let simulation = try simulation()
        _ = slowSeeder(simulation)
        let leecher = simulation.addPeer()
        simulation.startAll()
        #expect(simulation.run(for: .seconds(60)) { leecher.swarm.have.setCount == 5 })
        simulation.cut([leecher])
        _ = simulation.run(for: .seconds(2)) { false }
        let before = leecher.swarm.have.setCount
        _ = simulation.run(for: .seconds(20)) { false }
        #expect(leecher.swarm.have.setCount == before)
        simulation.heal()
        #expect(simulation.run(for: .seconds(60)) { leecher.swarm.isComplete })
        #expect(leecher.closeReasons.filter { $0 == .malformed } == [])
        #expect(simulation.violations == [])
    }

    @Test func `a full disk ends the download, which goes on once there is room`() throws {
        let simulation = try simulation()
        _ = slowSeeder(simulation)
        let leecher = simulation.addPeer()
        simulation.startAll()
        simulation.setRoom(200_000, of: leecher)
        #expect(simulation.run(for: .seconds(60)) { leecher.hasFailed })
        #expect(leecher.storage.recorded.setCount == 6)
        simulation.makeRoom(of: leecher)
        #expect(simulation.run(for: .seconds(60)) { leecher.swarm.isComplete })
        #expect(simulation.violations == [])
    }

    @Test func `a tracker that was killed knows its members and nobody in the swarm`() throws {
        let simulation = try simulation()
        _ = slowSeeder(simulation)
        let leecher = simulation.addPeer()
        simulation.startAll()
        #expect(simulation.run(for: .seconds(10)) { simulation.tracker.counts.leechers == 1 })
        simulation.crashTracker()
        simulation.restartTracker()
        #expect(simulation.tracker.counts.leechers == 0)
        let areBack = simulation.run(for: .seconds(200)) {
            simulation.tracker.counts.leechers + simulation.tracker.counts.seeders == 2
        }
        #expect(areBack && leecher.swarm.isComplete)
        #expect(simulation.violations == [])
    }

    @Test func `who isn't a member learns of nobody`() throws {
        let simulation = try simulation()
        _ = slowSeeder(simulation)
        var plan = SimulatedPeerPlan()
        plan.isOutsider = true
        let outsider = simulation.addPeer(plan)
        simulation.startAll()
        _ = simulation.run(for: .seconds(300)) { false }
        #expect(outsider.connectionCount == 0 && outsider.swarm.have.isEmpty)
        #expect(simulation.violations == [])
    }

    @Test func `nobody gets anything of a free rider, which gets everything of others`() throws {
        let simulation = try simulation()
        _ = slowSeeder(simulation)
        let rider = simulation.addPeer(behavior: .freeRiding)
        let leecher = simulation.addPeer()
        simulation.startAll()
        let isDone = simulation.run(for: .seconds(120)) {
            rider.swarm.isComplete && leecher.swarm.isComplete
        }
        #expect(isDone && rider.givenBytes == 0)
        #expect(simulation.violations == [])
    }
}
