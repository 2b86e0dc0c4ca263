import PeerCore
import Wire

/// A small swarm of which the seed decides everything: file, peers, lines, clocks, who is hostile,
/// and what goes wrong when. After a while all faults end, and within a bound everyone who can has
/// to become complete.
package final class FaultScenario {
    package let seed: UInt64
    package let simulation: SwarmSimulation
    /// What the seed has chosen, for people.
    package private(set) var description: [String] = []
    /// Those who have to become complete.
    package private(set) var leechers: [SimulatedPeer] = []
    private var sharers: [SimulatedPeer] = []
    var others: [SimulatedPeer] = []
    var random: SeededRandom

    /// How long things go wrong.
    static let faultTime = Duration.seconds(60)

    package init(seed: UInt64) throws(MetainfoError) {
        self.seed = seed
        var random = SeededRandom(seed: seed)
        let pieceLength = 1 + random.below(random.below(3) == 0 ? 4_000 : 50_000)
        let length = 1 + random.below(min(300_000, 120 * pieceLength))
        var configuration = SwarmConfiguration()
        if random.below(2) == 0 {
            configuration.uploadSlots = 1 + random.below(4)
            configuration.unchokeInterval = .seconds(1 + random.below(10))
            configuration.optimisticInterval = configuration.unchokeInterval * 3
        }
        configuration.maxReconnectDelay = .seconds(60)
        let isOpen = random.below(3) == 0
        simulation = try SwarmSimulation(
            length: length, pieceLength: pieceLength, configuration: configuration,
            isOpen: isOpen, seed: random.next())
        simulation.maxSegmentLength = 1 + random.below(20_000)
        simulation.verifyDelay = .microseconds(1 + random.below(200_000))
        simulation.tracker.announceInterval = .seconds(10 + random.below(50))
        simulation.datagramFaults.lost = random.below(300)
        simulation.datagramFaults.duplicated = random.below(300)
        simulation.datagramFaults.delay = .milliseconds(random.below(8_000))
        self.random = random
        description.append(
            "\(length) bytes in pieces of \(pieceLength), \(isOpen ? "open to all" : "of a group")")
        addPeers()
        planFaults()
    }

    /// Runs it. Returns whether everyone who can became complete and nothing was violated.
    package func run() -> Bool {
        _ = simulation.run(for: Self.faultTime) { false }
        heal()
        let isDone = simulation.run(for: bound) { [self] in
            !simulation.violations.isEmpty || isEveryoneDone
        }
        if !isDone {
            for peer in leechers where !peer.swarm.isComplete {
                simulation.note(violation: "peer \(peer.index) isn't complete in time")
            }
        }
        simulation.checkEverything()
        return simulation.violations.isEmpty
    }

    private var isEveryoneDone: Bool { leechers.allSatisfy { $0.swarm.isComplete } }

    /// How long after the last fault it may take. Dead connections are noticed, the tracker is
    /// asked again, waits before dialling end, and those who don't answer are given up, each of
    /// which has its time; then the file goes five times through the slowest uplink.
    private var bound: Duration {
        let configuration = simulation.configuration
        let waits =
            configuration.idleTimeout + configuration.maxReconnectDelay * 2
            + simulation.tracker.announceInterval * 2 + configuration.requestTimeout.upperBound * 3
            + configuration.optimisticInterval * (leechers.count + others.count)
        let slowest = sharers.map(\.link.uploadRate).min() ?? 1
        let bytes = simulation.info.length * Int64(leechers.count + 1)
        return waits + .seconds(5 * Double(bytes) / Double(slowest))
    }

    // MARK: Peers

    private func addPeers() {
        for _ in 0..<1 + random.below(2) {
            sharers.append(add { $0.isSeed = true })
        }
        for _ in 0..<1 + random.below(4) {
            leechers.append(add { $0.wanted = wanted() })
        }
        for _ in 0..<random.below(3) { others.append(addHostile()) }
        if !simulation.tracker.isOpen, random.below(2) == 0 {
            others.append(add { $0.isOutsider = true })
        }
        for peer in simulation.peers {
            let arrival = random.below(3) == 0 ? random.below(20_000) : random.below(500)
            simulation.schedule(at: .zero + .milliseconds(arrival)) { [unowned self] in
                simulation.start(peer)
            }
        }
    }

    private func add(_ configure: (inout SimulatedPeerPlan) -> Void) -> SimulatedPeer {
        var plan = SimulatedPeerPlan()
        plan.link = SimulatedLink(
            uploadRate: 50_000 + random.below(2_000_000),
            downloadRate: random.below(2) == 0 ? nil : 100_000 + random.below(4_000_000),
            latency: .microseconds(100 + random.below(80_000)),
            receiveWindow: random.below(3) == 0 ? 4_000 + random.below(60_000) : 1 << 20)
        plan.link.latencyIn = .microseconds(random.below(80_000))
        plan.clock = SimulatedClock(
            offset: .seconds(random.below(1_000_000)), gain: random.below(20_000) - 10_000)
        configure(&plan)
        return simulation.addPeer(plan)
    }

    /// Now and then only some pieces are wanted.
    private func wanted() -> Bitfield? {
        guard random.below(5) == 0 else { return nil }
        var wanted = Bitfield(bitCount: simulation.info.pieceCount)
        for piece in 0..<wanted.bitCount where random.below(2) == 0 { wanted.insert(piece) }
        return wanted
    }

    private func addHostile() -> SimulatedPeer {
        let blocks = random.below(20)
        let kinds: [SimulatedBehavior] = [
            .corrupting, .corruptingSome(every: 1 + random.below(9)),
            .stalling(afterBlocks: blocks), .trickling(afterBlocks: blocks),
            .hangingUp(afterBlocks: blocks), .garbling(afterBlocks: blocks), .rejecting, .lying,
            .repeating, .freeRiding,
        ]
        let behavior = kinds[random.below(kinds.count)]
        let peer = add {
            $0.behavior = behavior
            $0.isSeed = behavior != .freeRiding && behavior != .lying
        }
        description.append("peer \(peer.index) is \(behavior)")
        return peer
    }

    // MARK: Faults

    private func planFaults() {
        for _ in 0..<random.below(14) {
            let time = Duration.milliseconds(random.below(55_000))
            let length = Duration.milliseconds(random.below(20_000))
            let peer = simulation.peers[random.below(simulation.peers.count)]
            plan(random.below(11), peer, at: .zero + time, until: .zero + time + length)
        }
        if random.below(2) == 0 {
            say("strangers announce hundreds of peers", .zero, .zero) { $0.flood(announces: 300) }
        }
    }

    private func plan(
        _ kind: Int, _ peer: SimulatedPeer, at begin: Instant, until end: Instant
    ) {
        let number = random.below(8)
        switch kind {
        case 0, 1:
            say("a connection of peer \(peer.index) is reset", begin, begin) { simulation in
                simulation.reset(peer, connection: number)
            }
        case 2:
            say("peer \(peer.index) ends a connection in one direction", begin, begin) {
                $0.shutOne(of: peer, connection: number)
            }
        case 3, 4:
            say("peer \(peer.index) is killed", begin, end) {
                $0.crash(peer, .killed)
            } undo: {
                $0.restart(peer)
            }
        case 5:
            say("the machine of peer \(peer.index) loses power", begin, end) {
                $0.crash(peer, .powerLoss)
            } undo: {
                $0.restart(peer)
            }
        case 6:
            say("the tracker is killed", begin, end) {
                $0.crashTracker()
            } undo: {
                $0.restartTracker()
            }
        case 7, 8:
            let cut = simulation.peers.filter { _ in random.below(2) == 0 }
            say("peers \(cut.map(\.index)) are cut off", begin, end) {
                $0.cut(cut)
            } undo: {
                $0.heal()
            }
        case 9:
            let room = random.below(Int(simulation.info.length))
            say("the disk of peer \(peer.index) has room for \(room) bytes", begin, end) {
                $0.setRoom(room, of: peer)
            } undo: {
                $0.makeRoom(of: peer)
            }
        default:
            say("peer \(peer.index) leaves", begin, end) {
                $0.leave(peer)
            } undo: {
                $0.comeBack(peer)
            }
        }
    }

    private func say(
        _ text: String, _ begin: Instant, _ end: Instant,
        _ body: @escaping (SwarmSimulation) -> Void,
        undo: ((SwarmSimulation) -> Void)? = nil
    ) {
        let length = undo == nil ? "" : " for \((end - begin).milliseconds) ms"
        description.append("at \((begin - .zero).milliseconds) ms \(text)\(length)")
        simulation.schedule(at: begin) { [unowned self] in body(simulation) }
        if let undo { simulation.schedule(at: end) { [unowned self] in undo(simulation) } }
    }

    private func heal() {
        simulation.datagramFaults = SimulatedDatagramFaults()
        simulation.heal()
        if !simulation.tracker.isRunning { simulation.restartTracker() }
        for peer in simulation.peers {
            simulation.makeRoom(of: peer)
            simulation.comeBack(peer)
        }
    }
}

extension Duration {
    var milliseconds: Int64 { nanosecondsSaturating / 1_000_000 }
}
