import PeerCore
import Wire

/// A swarm that is looked at for how well it does.
package struct Scenario: Sendable {
    /// When a peer that has everything leaves.
    package enum Leaving: Sendable {
        case never
        /// At once.
        case whenComplete
        /// Once it has given as much as it has taken.
        case whenEven
    }

    /// Peers of a kind, which figures are given for together.
    package struct Group: Sendable {
        package var name: String
        package var count: Int
        package var plan = SimulatedPeerPlan()
        /// They come one after the other within this time.
        package var arrivals = Duration.seconds(1)
        package var leaving = Leaving.never

        init(_ name: String, _ count: Int, _ configure: (inout SimulatedPeerPlan) -> Void) {
            self.name = name
            self.count = count
            configure(&plan)
        }
    }

    package var name: String
    package var title: String
    package var pieceCount = 1_000
    package var pieceLength = 16 << 10
    package var groups: [Group]
    package var configuration = Scenario.usualConfiguration
    /// Of the narrow line between sites, in bytes a second each way.
    package var siteRate: Int?
    /// The first seeder leaves once it has given so many copies of the file.
    package var copiesUntilSeederLeaves: Double?
    /// When it is given up.
    package var limit = Duration.seconds(3_600)

    init(_ name: String, _ title: String, _ groups: [Group]) {
        self.name = name
        self.title = title
        self.groups = groups
    }

    package var length: Int { pieceCount * pieceLength }

    /// Each peer looks for twenty others, and so has about thirty; lines are narrow.
    static var usualConfiguration: SwarmConfiguration {
        var configuration = SwarmConfiguration()
        configuration.enoughConnections = 20
        configuration.initialSlots = 5
        return configuration
    }

    /// No swarm completes sooner, in seconds: the file has to leave the seeders once, get into
    /// the slowest, over the line between the sites, and N times through all uplinks together.
    package var bound: Double {
        let size = Double(length)
        var seeders = 0.0
        var upload = 0.0
        var slowest = Double.infinity
        var leechers = 0.0
        for group in groups where group.plan.behavior.isHonest {
            let rate = Double(group.plan.link.uploadRate)
            if group.plan.isSeed {
                seeders += Double(group.count) * rate
            } else {
                leechers += Double(group.count)
                slowest = min(slowest, group.plan.link.downloadRate.map(Double.init) ?? .infinity)
            }
            if group.plan.behavior == .honest { upload += Double(group.count) * rate }
        }
        let crossing = siteRate.map { size / Double($0) } ?? 0
        return max(size / seeders, size / slowest, leechers * size / upload, crossing)
    }
}

extension Scenario {
    package static let names = [
        "flash-crowd", "seeder-leaves", "slow-peer", "hostile", "two-sites", "home-links",
        "free-riders",
    ]

    /// The scenario of a name with so many leechers, or as many as are usual; nil if there is none.
    package static func named(_ name: String, peers: Int?) -> Scenario? {
        switch name {
        case "flash-crowd": flashCrowd(peers ?? 1_000)
        case "seeder-leaves": seederLeaves(peers ?? 100)
        case "slow-peer": slowPeer(peers ?? 100)
        case "hostile": hostile(peers ?? 100)
        case "two-sites": twoSites(peers ?? 100)
        case "home-links": homeLinks(peers ?? 200)
        case "free-riders": freeRiders(peers ?? 100)
        default: nil
        }
    }

    private static func line(up: Int, down: Int, latency: Int = 10) -> SimulatedLink {
        SimulatedLink(
            uploadRate: up, downloadRate: down, latency: .milliseconds(latency),
            receiveWindow: 1 << 20)
    }

    /// 2 Mbit/s up, 8 Mbit/s down.
    private static let equal = line(up: 250_000, down: 1_000_000)

    private static func flashCrowd(_ count: Int) -> Scenario {
        Scenario(
            "flash-crowd", "\(count) leechers come to one seeder, all on equal links",
            [
                Group("seeder", 1) {
                    $0.isSeed = true
                    $0.link = equal
                },
                Group("leechers", count) { $0.link = equal },
            ])
    }

    private static func seederLeaves(_ count: Int) -> Scenario {
        var scenario = Scenario(
            "seeder-leaves", "the seeder leaves after 1.1 copies, for \(count) leechers",
            [
                Group("seeder", 1) {
                    $0.isSeed = true
                    // Four times as fast: it is gone before others have much.
                    $0.link = line(up: 1_000_000, down: 1_000_000)
                },
                Group("leechers", count) { $0.link = equal },
            ])
        scenario.copiesUntilSeederLeaves = 1.1
        return scenario
    }

    private static func slowPeer(_ count: Int) -> Scenario {
        Scenario(
            "slow-peer", "one sharer of a twentieth of the others' speed among \(count)",
            [
                Group("seeders", 2) {
                    $0.isSeed = true
                    $0.link = equal
                },
                Group("slow sharer", 1) {
                    $0.isSeed = true
                    $0.link = line(up: 12_500, down: 1_000_000, latency: 100)
                },
                Group("leechers", count) { $0.link = equal },
            ])
    }

    private static func hostile(_ count: Int) -> Scenario {
        Scenario(
            "hostile", "a tenth of \(count) peers send wrong bytes",
            [
                Group("seeder", 1) {
                    $0.isSeed = true
                    $0.link = equal
                },
                Group("leechers", count - count / 10) { $0.link = equal },
                Group("corrupters", count / 10) {
                    $0.isSeed = true
                    $0.behavior = .corrupting
                    $0.link = equal
                },
            ])
    }

    private static func twoSites(_ count: Int) -> Scenario {
        let office = line(up: 10_000_000, down: 10_000_000, latency: 1)
        var scenario = Scenario(
            "two-sites", "\(count) leechers at two sites, 16 Mbit/s between them",
            [
                Group("seeder", 1) {
                    $0.isSeed = true
                    $0.link = office
                },
                Group("here", count / 2) { $0.link = office },
                Group("there", count - count / 2) {
                    $0.link = office
                    $0.site = 1
                },
            ])
        scenario.siteRate = 2_000_000
        scenario.pieceLength = 64 << 10
        return scenario
    }

    private static func homeLinks(_ count: Int) -> Scenario {
        var scenario = Scenario(
            "home-links", "\(count) leechers on lines of four speeds",
            [
                Group("seeder", 1) {
                    $0.isSeed = true
                    $0.link = line(up: 1_250_000, down: 6_250_000)
                },
                Group("6/0.8 Mbit/s", count / 4) { $0.link = line(up: 100_000, down: 750_000) },
                Group("50/10 Mbit/s", count / 2) {
                    $0.link = line(up: 1_250_000, down: 6_250_000)
                },
                Group("100/40 Mbit/s", count / 8) {
                    $0.link = line(up: 5_000_000, down: 12_500_000)
                },
                Group("200/200 Mbit/s", count - count / 4 - count / 2 - count / 8) {
                    $0.link = line(up: 25_000_000, down: 25_000_000)
                },
            ])
        scenario.pieceLength = 64 << 10
        return scenario
    }

    private static func freeRiders(_ count: Int) -> Scenario {
        let home = line(up: 128_000, down: 2_000_000)
        var scenario = Scenario(
            "free-riders",
            "a fifth of \(count) peers take and don't give, the others leave once they are even",
            [
                Group("seeder", 1) {
                    $0.isSeed = true
                    $0.link = line(up: 512_000, down: 2_000_000)
                },
                Group("contributors", count - count / 5) { $0.link = home },
                Group("free riders", count / 5) {
                    $0.link = home
                    $0.behavior = .freeRiding
                },
            ])
        scenario.groups[1].leaving = .whenEven
        // As in the program: where some know far more peers than others, they have more chances.
        scenario.configuration.enoughConnections = 100
        scenario.pieceCount = 500
        scenario.pieceLength = 64 << 10
        return scenario
    }
}
