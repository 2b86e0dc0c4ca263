import PeerCore
import Simulation
import Testing
import Wire

/// Downloads from sharers of all kinds, on a simulated network.
struct SwarmSharersTests {
    private func simulation(
        mebibytes: Int, pieceLength: Int = 256 << 10, seed: UInt64 = 1,
        _ configure: (inout SwarmConfiguration) -> Void = { _ in }
    ) throws -> SwarmSimulation {
        var configuration = SwarmConfiguration()
        configure(&configuration)
        let simulation = try SwarmSimulation(
            length: mebibytes << 20, pieceLength: pieceLength, configuration: configuration,
            seed: seed)
        simulation.maxSegmentLength = 100_000
        return simulation
    }

    /// The part of a sharer's link that is used, once it has had some time to begin.
    private func utilization(roundTrip: Duration, longestBlock: Int) throws -> Double {
        let rate = 5_000_000
        let simulation = try simulation(mebibytes: 24) { $0.maxBlockLength = longestBlock }
        simulation.addPeer(
            isSeed: true, link: SimulatedLink(uploadRate: rate, latency: roundTrip / 2))
        let leecher = simulation.addPeer()
        simulation.startAll()
        func downloaded() -> Int64 {
            leecher.swarm.progress(at: simulation.now).downloadedBytes
        }
        _ = simulation.run(for: .milliseconds(2_900)) { false }
        let before = downloaded()
        _ = simulation.run(for: .seconds(1)) { false }
        #expect(leecher.completedAt == nil)
        return Double(downloaded() - before) / Double(rate)
    }

    @Test(arguments: [1, 30, 300], [16 << 10, 1 << 20])
    func `a sharer's link is full whatever the round trip`(
        milliseconds: Int, longestBlock: Int
    ) throws {
        let utilization = try utilization(
            roundTrip: .milliseconds(milliseconds), longestBlock: longestBlock)
        #expect(utilization >= 0.9)
    }

    @Test(
        arguments: [
            SimulatedBehavior.stalling(afterBlocks: 0), .stalling(afterBlocks: 40),
            .trickling(afterBlocks: 40), .hangingUp(afterBlocks: 10), .garbling(afterBlocks: 40),
            .rejecting, .repeating, .corrupting, .corruptingSome(every: 7),
        ])
    func `a bad sharer beside a good one doesn't hold up the download`(
        behavior: SimulatedBehavior
    ) throws {
        let simulation = try simulation(mebibytes: 8)
        let link = SimulatedLink(uploadRate: 2_000_000, latency: .milliseconds(10))
        simulation.addPeer(isSeed: true, link: link)
        simulation.addPeer(isSeed: true, behavior: behavior, link: link)
        let leecher = simulation.addPeer()
        simulation.startAll()
        #expect(simulation.run(for: .seconds(30)) { leecher.completedAt != nil })
        #expect(leecher.storage.bytes == simulation.content)
        #expect(simulation.violations == [])
    }

    @Test(arguments: [SimulatedBehavior.corrupting, .corruptingSome(every: 13)], UInt64(1)..<4)
    func `of two sharers the corrupting one is convicted, and only it`(
        behavior: SimulatedBehavior, seed: UInt64
    ) throws {
        let simulation = try simulation(mebibytes: 8, seed: seed)
        simulation.addPeer(isSeed: true)
        let corrupter = simulation.addPeer(isSeed: true, behavior: behavior)
        let leecher = simulation.addPeer()
        simulation.startAll()
        #expect(simulation.run(for: .seconds(30)) { leecher.completedAt != nil })
        _ = simulation.run(for: .seconds(1)) { false }
        #expect(leecher.blamed.map(\.address) == [corrupter.endpoint.address])
        #expect(leecher.storage.bytes == simulation.content)
    }

    @Test func `with slow verification no more is asked for than may wait, and all is fetched`()
        throws
    {
        let simulation = try simulation(mebibytes: 8) { $0.maxUnverifiedBytes = 1 << 20 }
        simulation.verifyDelay = .milliseconds(100)
        for _ in 0..<4 { simulation.addPeer(isSeed: true) }
        let leecher = simulation.addPeer()
        simulation.startAll()
        var most: Int64 = 0
        let isDone = simulation.run(for: .seconds(30)) {
            let progress = leecher.swarm.progress(at: simulation.now)
            most = max(most, progress.downloadedBytes - progress.verifiedBytes)
            return leecher.completedAt != nil
        }
        #expect(isDone)
        #expect(most > 512 << 10 && most <= 1 << 20)
    }

    @Test func `a partial download gets just what is wanted`() throws {
        let simulation = try simulation(mebibytes: 4)
        var wanted = Bitfield(bitCount: simulation.info.pieceCount)
        for piece in [1, 2, 9] { wanted.insert(piece) }
        simulation.addPeer(isSeed: true)
        let leecher = simulation.addPeer(wanted: wanted)
        simulation.startAll()
        #expect(simulation.run(for: .seconds(30)) { leecher.completedAt != nil })
        #expect(Array(leecher.swarm.have.members) == [1, 2, 9])
        #expect(leecher.swarm.progress(at: simulation.now).downloadedBytes == 3 * 256 << 10)
    }
}
