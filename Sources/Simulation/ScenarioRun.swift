import PeerCore
import Wire

/// A scenario on its way, with what is noted of it.
package final class ScenarioRun: SwarmObserver {
    /// The swarm at a moment.
    package struct Sample: Sendable {
        /// In seconds.
        package var time: Double
        /// Of those who download: what part of them is complete, and of what they want is there.
        package var complete: Double
        package var progress: Double
        /// Copies of the rarest piece, and of a piece on average, among all who are there.
        package var fewestCopies: Int
        /// What part of the pieces somebody has but those who had them at first.
        package var spread: Double
        package var copies: Double
    }

    package let scenario: Scenario
    package let simulation: SwarmSimulation
    package private(set) var samples: [Sample] = []
    package private(set) var members: [[SimulatedPeer]] = []
    private var copies: [Int]
    private var firstCopies = 0
    private var verifiedPieces = 0
    private var completedCount = 0
    private var leecherCount = 0
    /// When those leave who don't stay, by their indices.
    private var leaving: [Int: Scenario.Leaving] = [:]
    /// Those who are complete and haven't given enough yet.
    private var uneven: [SimulatedPeer] = []
    private let sampleInterval: Duration
    /// Nil once it has left, or where it stays.
    private var bytesUntilSeederLeaves: Int?

    package init(_ scenario: Scenario, seed: UInt64) throws(MetainfoError) {
        self.scenario = scenario
        simulation = try SwarmSimulation(
            length: scenario.length, pieceLength: scenario.pieceLength,
            configuration: scenario.configuration, detail: .messages, isOpen: true, seed: seed)
        simulation.siteRate = scenario.siteRate
        copies = [Int](repeating: 0, count: scenario.pieceCount)
        sampleInterval = .seconds(scenario.bound / 100)
        bytesUntilSeederLeaves = scenario.copiesUntilSeederLeaves.map {
            Int($0 * Double(scenario.length))
        }
        var random = SeededRandom(seed: seed ^ 0x5eed)
        for group in scenario.groups {
            var peers: [SimulatedPeer] = []
            for _ in 0..<group.count {
                let peer = simulation.addPeer(group.plan)
                peers.append(peer)
                leaving[peer.index] = group.leaving
                let wait = Int(group.arrivals.nanosecondsSaturating)
                let arrival =
                    group.plan.isSeed ? .zero : Duration.nanoseconds(random.below(max(wait, 1)))
                simulation.schedule(at: .zero + arrival) { [unowned self] in
                    simulation.start(peer)
                }
                if group.plan.isSeed, group.plan.behavior == .honest {
                    count(1, peer)
                    firstCopies += 1
                }
            }
            if !group.plan.isSeed { leecherCount += group.count }
            members.append(peers)
        }
        simulation.observer = self
    }

    /// Runs to the end. Returns whether everyone who could became complete.
    package func run() -> Bool {
        sample()
        return simulation.run(for: scenario.limit) { completedCount == leecherCount }
    }

    package func completed(_ piece: Int, by peer: SimulatedPeer, at now: Instant) {
        copies[piece] += 1
        verifiedPieces += 1
        if let limit = bytesUntilSeederLeaves, let seeder = members[0].first,
            seeder.givenBytes >= limit
        {
            bytesUntilSeederLeaves = nil
            simulation.schedule(at: simulation.now) { [unowned self] in leave(seeder) }
        }
        if peer.swarm.isComplete {
            completedCount += 1
            if completedCount == leecherCount { note() }
            switch leaving[peer.index] {
            case .whenComplete:
                simulation.schedule(at: simulation.now) { [unowned self] in leave(peer) }
            case .whenEven: uneven.append(peer)
            case .never, nil: break
            }
        }
    }

    private func count(_ change: Int, _ peer: SimulatedPeer) {
        for piece in peer.swarm.have.members { copies[piece] += change }
    }

    private func leave(_ peer: SimulatedPeer) {
        simulation.stop(peer)
        count(-1, peer)
    }

    private func sample() {
        note()
        let even = uneven.filter { $0.givenBytes >= $0.takenBytes }
        uneven.removeAll { $0.givenBytes >= $0.takenBytes }
        for peer in even { leave(peer) }
        simulation.schedule(at: simulation.now + sampleInterval) { [unowned self] in sample() }
    }

    private func note() {
        samples.append(
            Sample(
                time: simulation.now.seconds,
                complete: Double(completedCount) / Double(leecherCount),
                progress: Double(verifiedPieces) / Double(leecherCount * scenario.pieceCount),
                fewestCopies: copies.min() ?? 0,
                spread: Double(copies.count { $0 > firstCopies }) / Double(copies.count),
                copies: Double(copies.reduce(0, +)) / Double(copies.count)))
    }
}

extension Instant {
    /// Since the clock's zero.
    var seconds: Double { Double(nanoseconds) * 1e-9 }
}
