import Foundation
import Testing
import Wire

/// Trackers, and the database server they share, that are killed, stopped and started again at
/// random, while users found groups and leave them, and downloads go on. It waits more than it works,
/// and so takes no turn. `MTORRENT_SEED` chooses other faults than those of every day.
struct ChaosTests {
    enum Store: CaseIterable {
        case folder
        case server

        /// Of faults, in seconds.
        var time: Int { self == .folder ? 20 : 64 }
    }

    @Test(arguments: Store.allCases)
    func `what was acknowledged is at every tracker after kills, stops and restarts`(
        store: Store
    ) async throws {
        let seed =
            ProcessInfo.processInfo.environment["MTORRENT_SEED"].flatMap { UInt64($0) } ?? 1
        print("chaos with a \(store): seed \(seed)")
        let server = store == .server ? try await DatabaseServer() : nil
        let network = try await TrackerNetwork(
            trackers: 3, starting: 2, options: server.map { ["--store", $0.location] } ?? [])
        let pair = try await network.pair(
            size: store.time * 25_000, leecherOptions: ["--down", "25K"])
        let carol = try await network.member("carol")
        let others = try await OtherClients(network, size: store.time * 25_000)
        try await others.findEachOther()
        try await pair.bob.insist("download_file readers book.bin \(pair.copy)")

        let end = ContinuousClock.now + .seconds(store.time)
        async let faults: Void = Faults.wreak(network, server, seed: seed, until: end)
        async let one = load(pair.alice, "alice", seed: seed &+ 1, until: end)
        async let two = load(pair.bob, "bob", seed: seed &+ 2, until: end)
        async let three = load(carol, "carol", seed: seed &+ 3, until: end)
        var history = CommandHistory(calls: try await one + two + three)
        try await faults

        #expect(history.calls.count { $0.answer == .done } > 10, "seed \(seed)")
        try await pair.bob("wait book.bin", within: .seconds(120))
        #expect(try await same(pair.original, pair.copy))
        try await others.finish()
        history.calls += try await looks(at: network, for: history)
        #expect(history.unexplained == [], "seed \(seed): \(history.unexplainedCalls)")
        withExtendedLifetime(server) {}
    }

    /// Founds groups and leaves them: some that all fight for, some of the user's own.
    private func load(
        _ peer: PeerProcess, _ user: String, seed: UInt64, until end: ContinuousClock.Instant
    ) async throws -> [CommandHistory.Call] {
        var random = Randomness(seed: seed)
        var calls: [CommandHistory.Call] = []
        while ContinuousClock.now < end {
            let isOwn = Int.random(in: 0..<4, using: &random) == 0
            let group =
                isOwn ? "\(user)-\(calls.count)" : "all-\(Int.random(in: 0..<8, using: &random))"
            let creates = isOwn || Bool.random(using: &random)
            let start = ContinuousClock.now
            let answer = try await peer.answer(
                (creates ? "create_group " : "leave_group ") + group, within: .seconds(60))
            if let meaning = CommandHistory.Answer(answer.error) {
                calls.append(
                    CommandHistory.Call(
                        group: group, user: user, action: creates ? .create : .leave, start: start,
                        end: .now, answer: meaning))
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return calls
    }

    /// What the trackers have in the end: all the same.
    private func looks(
        at network: TrackerNetwork, for history: CommandHistory
    ) async throws -> [CommandHistory.Call] {
        var visitors: [PeerProcess] = []
        for tracker in network.trackers {
            let visitor = try await PeerProcess(
                tracker: tracker.address, dataFolder: network.scratch("v\(tracker.port)"))
            try await visitor.repeatedly("login carol 'correct horse'") { $0.error == nil }
            visitors.append(visitor)
        }
        let owners = try await eventually("the same groups at all trackers") {
            var seen: [[String: String]] = []
            for visitor in visitors { seen.append(try await visitor.ownersOfGroups()) }
            return seen.allSatisfy { $0 == seen[0] } ? seen[0] : nil
        }
        #expect(owners["readers"] == "alice" && owners["films"] == "dora")
        let groups = Set(history.calls.map(\.group)).union(owners.keys)
        return groups.subtracting(["readers", "films"]).map { group in
            CommandHistory.Call(
                group: group, user: "", action: .look, start: .now, end: .now,
                answer: .owner(owners[group]))
        }
    }
}

extension PeerProcess {
    fileprivate func ownersOfGroups() async throws -> [String: String] {
        let rows = try await self("list_groups").map { $0.split(separator: "\t") }
        return Dictionary(uniqueKeysWithValues: rows.map { (String($0[0]), String($0[1])) })
    }
}

extension CommandHistory.Answer {
    /// What the shell's words mean; nil for a command that was refused, without effect.
    fileprivate init?(_ error: String?) {
        switch error {
        case nil: self = .done
        case let error? where error.contains("exists already"): self = .exists
        case let error? where error.contains("there is no group"): self = .absent
        case let error? where error.contains("you are not a member"): self = .notMember
        case let error? where error.contains("nothing was changed"): return nil
        default: self = .unknown
        }
    }
}

extension CommandHistory {
    fileprivate var unexplainedCalls: String {
        let groups = unexplained
        return calls.filter { groups.contains($0.group) }.map { "\($0)" }
            .joined(separator: "\n")
    }
}

/// Ordinary clients, each of which knows one tracker, another one than the others.
private final class OtherClients: Sendable {
    private let network: TrackerNetwork
    private let original: String
    private let seeder: ChildProcess
    private let leecher: ChildProcess

    /// Dora's peer has gone when they come, so that they have only each other.
    init(_ network: TrackerNetwork, size: Int) async throws {
        self.network = network
        let dora = try await network.member("dora")
        try await dora.insist("create_group films open")
        original = try network.scratch.file("seeder/film.bin", size: size, seed: 5)
        try await dora.insist("upload_file \(original) films")
        try await dora.insist("export films film.bin \(network.scratch("film.torrent"))")
        _ = try await dora.quit()
        seeder = try Self.start(
            "seeder", 0, network, ThirdParty.Manners(verifies: false, uploadLimit: 25_000))
        leecher = try Self.start("leecher", 1, network)
    }

    deinit {
        seeder.kill()
        leecher.kill()
    }

    /// aria2 with a folder of that name and a torrent that names one tracker.
    private static func start(
        _ name: String, _ place: Int, _ network: TrackerNetwork,
        _ manners: ThirdParty.Manners = ThirdParty.Manners()
    ) throws -> ChildProcess {
        let ticket = try Ticket(network.scratch("film.torrent"))
        let url = "http://\(network.trackers[place].address)/announce/\(ticket.passkey)"
        let torrent = network.scratch("\(name).torrent")
        let metainfo = Metainfo(info: ticket.info, trackers: [[url]])
        try Data(metainfo.encoded()).write(to: URL(fileURLWithPath: torrent))
        return try ThirdParty.aria2.start(
            torrent: torrent, folder: try network.scratch.folder(name), scratch: network.scratch,
            manners: manners)
    }

    func findEachOther() async throws {
        let copy = network.scratch("leecher/film.bin")
        try await eventually(
            "the first bytes of \(copy)", within: .seconds(60), context: leecher.transcript
        ) { fileSize(copy) ?? 0 > 0 }
    }

    /// The download ends well, and another client finds them at a third tracker, which has started
    /// after they had announced themselves.
    func finish() async throws {
        try await leecher.completes(network.scratch("leecher/film.bin"), as: original)
        let third = try Self.start("third", 2, network)
        defer { third.kill() }
        try await third.completes(network.scratch("third/film.bin"), as: original)
    }
}

/// One fault after the other, each mended before the next; a third tracker comes half-way.
private struct Faults {
    private let network: TrackerNetwork
    private let server: DatabaseServer?
    private var random: Randomness

    static func wreak(
        _ network: TrackerNetwork, _ server: DatabaseServer?, seed: UInt64,
        until end: ContinuousClock.Instant
    ) async throws {
        var faults = Faults(network: network, server: server, random: Randomness(seed: seed))
        let middle = ContinuousClock.now + ContinuousClock.now.duration(to: end) / 2
        while ContinuousClock.now < end {
            if ContinuousClock.now > middle, network.trackers.count == 2 {
                try await faults.start(2)
            }
            let victim = Int.random(in: 0..<network.trackers.count, using: &faults.random)
            switch Int.random(in: 0..<(server == nil ? 2 : 5), using: &faults.random) {
            case 0: try await faults.kill(victim)
            case 1: try await faults.stop(victim)
            case 2: try await faults.killServer()
            case 3: try await faults.stopServer()
            default: try await faults.killServer(andTracker: victim)
            }
            try await faults.pause(100...800)
        }
        if network.trackers.count == 2 { try await faults.start(2) }
    }

    private mutating func pause(_ milliseconds: ClosedRange<Int>) async throws {
        try await Task.sleep(
            for: .milliseconds(Int.random(in: milliseconds, using: &random)))
    }

    private func start(_ place: Int) async throws {
        try await eventually("a start of tracker \(place)", within: .seconds(60)) {
            (try? await network.start(place)) != nil
        }
    }

    private mutating func kill(_ place: Int) async throws {
        try network.kill(place)
        try await pause(300...2500)
        try await start(place)
    }

    private mutating func stop(_ place: Int) async throws {
        network.trackers[place].process.signal(SIGSTOP)
        try await pause(300...2500)
        network.trackers[place].process.signal(SIGCONT)
    }

    private mutating func killServer(andTracker place: Int? = nil) async throws {
        server?.kill()
        if let place { try network.kill(place) }
        try await pause(300...2500)
        try await server?.start()
        if let place { try await start(place) }
    }

    /// At times for longer than a tracker waits for an answer.
    private mutating func stopServer() async throws {
        server?.signal(SIGSTOP)
        try await pause(300...7000)
        server?.signal(SIGCONT)
    }
}
