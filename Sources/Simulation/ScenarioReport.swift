import PeerCore
import Wire

/// What a scenario came to.
package struct ScenarioReport: Sendable {
    /// Peers of a kind that download.
    package struct Group: Sendable {
        package var name: String
        package var count: Int
        /// In seconds: the mean, the first and the last one's.
        package var mean: Double
        package var first: Double
        package var last: Double
        /// Bytes given by bytes taken, of the 5th, the 50th and the 95th of a hundred.
        package var shareRatios: [Double]
    }

    package var bound: Double
    package var last: Double
    package var groups: [Group]
    /// Parts of all bytes that arrived.
    package var duplicates: Double
    package var corrupt: Double
    /// Of the corrupters that a leecher met twice, how many it banned; nil where there are none.
    package var bans: (met: Int, banned: Int)?
    package var violations: [String]
    package var traceHash: UInt64
    package var eventCount: Int

    /// How much longer than the bound the last one took.
    package var ratio: Double { last / bound }
}

extension ScenarioRun {
    package var report: ScenarioReport {
        let everyone = members.flatMap { $0 }
        let progress = everyone.map { $0.progress(at: simulation.now) }
        let taken = progress.reduce(0) { $0 + $1.downloadedBytes + $1.wastedBytes }
        let wasted = progress.reduce(0) { $0 + $1.wastedBytes }
        let corrupt = progress.reduce(0) { $0 + $1.corruptBytes }
        let groups = zip(scenario.groups, members).filter { !$0.0.plan.isSeed }
            .map { Self.group($0.0.name, $0.1, simulation.now) }
        return ScenarioReport(
            bound: scenario.bound, last: groups.map(\.last).max() ?? 0, groups: groups,
            duplicates: Double(wasted) / Double(max(taken, 1)),
            corrupt: Double(corrupt) / Double(max(taken, 1)), bans: bans,
            violations: simulation.violations, traceHash: simulation.traceHash,
            eventCount: simulation.eventCount)
    }

    private static func group(
        _ name: String, _ peers: [SimulatedPeer], _ now: Instant
    ) -> ScenarioReport.Group {
        let times = peers.map { ($0.completedAt ?? now).seconds }
        let ratios = peers.map { Double($0.givenBytes) / Double(max($0.takenBytes, 1)) }.sorted()
        let shares = [0.05, 0.5, 0.95].map { ratios[Int($0 * Double(ratios.count - 1))] }
        return ScenarioReport.Group(
            name: name, count: peers.count, mean: times.reduce(0, +) / Double(times.count),
            first: times.min() ?? 0, last: times.max() ?? 0, shareRatios: shares)
    }

    /// Who sent a corrupt piece to a peer that had met it before.
    private var bans: (met: Int, banned: Int)? {
        let corrupters = Set(
            members.flatMap { $0 }.filter { $0.behavior == .corrupting }.map(\.endpoint.address))
        guard !corrupters.isEmpty else { return nil }
        var met = 0
        var banned = 0
        for peer in members.flatMap({ $0 }) where peer.behavior.isHonest && !peer.plan.isSeed {
            let blamed = Set(peer.blamed.map(\.address))
            let known = peer.swarm.peers(at: simulation.now).filter {
                corrupters.contains($0.endpoint.address) && $0.bytesFrom > 0
            }
            for other in known
            where other.bytesFrom > scenario.pieceLength
                || blamed.contains(other.endpoint.address)
            {
                met += 1
                if blamed.contains(other.endpoint.address) { banned += 1 }
            }
        }
        return (met, banned)
    }
}
