import PeerCore
import Simulation
import Testing
import Wire

/// Whole swarms of the real core on a simulated network.
struct SwarmSimulationTests {
    private static let pieceLength = 64 << 10

    private func simulation(
        pieces: Int = 40, seed: UInt64 = 1,
        _ configure: (inout SwarmConfiguration) -> Void = { _ in }
    ) throws -> SwarmSimulation {
        var configuration = SwarmConfiguration()
        configure(&configuration)
        return try SwarmSimulation(
            length: pieces * Self.pieceLength - 1234, pieceLength: Self.pieceLength,
            configuration: configuration, seed: seed)
    }

    private func bytesFromLeechers(to leecher: SimulatedPeer, seeder: SimulatedPeer) -> Int64 {
        leecher.swarm.peers(at: .zero)
            .filter { $0.endpoint.address != seeder.endpoint.address }
            .reduce(0) { $0 + $1.bytesFrom }
    }

    @Test func `every leecher completes and has bytes from another leecher`() throws {
        let simulation = try simulation()
        let seeder = simulation.addPeer(isSeed: true)
        let leechers = (0..<5).map { _ in simulation.addPeer() }
        simulation.startAll()
        #expect(simulation.run(for: .seconds(60)) { simulation.isEveryoneComplete })
        for leecher in leechers {
            #expect(leecher.storage.bytes == simulation.content)
            #expect(bytesFromLeechers(to: leecher, seeder: seeder) > 0)
        }
        #expect(simulation.violations == [])
    }
}
