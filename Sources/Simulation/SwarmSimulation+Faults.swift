import PeerCore
import Wire

// What goes wrong with peers, connections and the network.
extension SwarmSimulation {
    /// How a peer goes down without a word.
    package enum Crash: Sendable {
        /// The program is killed; the system closes its connections.
        case killed
        /// The machine stops; nobody hears of it until it is back.
        case powerLoss
    }

    /// Ends a peer where it is. What its disk has stays; `restart` begins with that.
    package func crash(_ peer: SimulatedPeer, _ crash: Crash) {
        guard peer.isRunning else { return }
        let acknowledged = peer.swarm.have
        let synced = peer.storage.synced
        peer.isRunning = false
        peer.isDown = true
        peer.life += 1
        peer.announcing = SimulatedAnnouncing()
        peer.scheduledDeadline = nil
        for case let end? in peer.ends { drop(end, isHeard: crash == .killed) }
        guard peer.behavior.isHonest else { return }
        let kept: Bitfield
        switch crash {
        case .killed:
            kept = peer.storage.loseMemory(&random)
            if !acknowledged.subtracting(kept).isEmpty {
                note(violation: "a crash lost an acknowledged piece")
            }
        case .powerLoss:
            kept = peer.storage.losePower(&random)
            if !synced.subtracting(kept).isEmpty {
                note(violation: "a loss of power lost a synced piece")
            }
        }
        for piece in kept.members where !peer.storage.isGood(piece: piece) {
            note(violation: "a crash kept a bad piece")
        }
    }

    /// Starts a peer that crashed, with what its disk has and a new peer id.
    package func restart(_ peer: SimulatedPeer) {
        guard peer.isDown else { return }
        peer.isDown = false
        peer.hasFailed = false
        let have = peer.behavior.isHonest ? peer.storage.recorded : peer.swarm.have
        peer.life += 1
        peer.swarm = makeSwarm(have: have, wanted: peer.plan.wanted)
        peer.announcing = SimulatedAnnouncing()
        peer.scheduledDeadline = nil
        start(peer)
    }

    /// Ends a connection in both directions; what was on its way is lost.
    package func reset(_ peer: SimulatedPeer, connection index: Int) {
        let open = peer.ends.compactMap { $0 }
        guard !open.isEmpty else { return }
        let end = open[index % open.count]
        let other = end.other
        drop(end, isHeard: true)
        if !end.isClosing { handle(.closed(end.id), at: peer) }
        if let other, other.isOpen { lose(other) }
    }

    /// The peer sends nothing more on one of its connections, but still reads it.
    package func shutOne(of peer: SimulatedPeer, connection index: Int) {
        let open = peer.ends.compactMap { $0 }.filter { $0.pendingCount == 0 && !$0.isClosing }
        guard !open.isEmpty else { return }
        shut(open[index % open.count])
    }

    /// Removes an end at once. Where it isn't heard of, the other side goes on for a while.
    private func drop(_ end: SimulatedEnd, isHeard: Bool) {
        let other = end.other
        end.peer.remove(end)
        guard let other, other.isOpen else { return }
        let delay =
            isHeard
            ? latency(from: end.peer, to: other.peer) : .seconds(20 + random.below(40))
        events.schedule(.hangUp(other), at: now.advanced(by: delay))
    }

    /// Nothing gets through any more between those on one side and the others.
    package func cut(_ side: [SimulatedPeer]) {
        for peer in side { sides[peer.index] = 1 }
    }

    /// Ends a partition; what was held up comes now.
    package func heal() {
        sides = [:]
        for peer in peers {
            for case let end? in peer.ends where end.heldSegments > 0 {
                let held = end.heldSegments
                end.heldSegments = 0
                for _ in 0..<held { arrived(at: end) }
            }
        }
    }

    /// The peer leaves, if it is there, and comes back, if it isn't.
    package func leave(_ peer: SimulatedPeer) {
        if peer.isRunning { stop(peer) }
    }

    package func comeBack(_ peer: SimulatedPeer) {
        guard !peer.isRunning else { return }
        if peer.isDown { restart(peer) } else { start(peer) }
    }

    /// The peer's disk has only so much room left.
    package func setRoom(_ room: Int, of peer: SimulatedPeer) { peer.storage.room = room }

    /// The peer's disk has room again, and what failed for want of it goes on.
    package func makeRoom(of peer: SimulatedPeer) {
        peer.storage.room = .max
        if peer.hasFailed { restart(peer) }
    }

    package func crashTracker() { tracker.crash() }
    package func restartTracker() { tracker.restart() }

    /// Somebody who isn't a member of anything announces peers that aren't there, from one address:
    /// a few get into an open swarm, none into a group's.
    package func flood(announces count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let address = IPAddress(ipv4: 0x0b00_0001)
        let before = tracker.peerCount
        for number in 0..<count {
            tracker.enterStranger(number, from: address, at: now, random: &random)
        }
        let most = tracker.isOpen ? tracker.rates.burst : 0
        if tracker.peerCount - before > most {
            note(violation: "one address announced \(tracker.peerCount - before) peers")
        }
    }
}
