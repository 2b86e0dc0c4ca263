import PeerCore
import Wire

// What has to hold all the time.
extension SwarmSimulation {
    /// After every so many events of a swarm its core is looked through as a whole.
    static let lookInterval = 64

    /// What can be looked at after every event.
    func check(_ peer: SimulatedPeer) {
        eventsUntilLook -= 1
        if eventsUntilLook <= 0 {
            eventsUntilLook = Self.lookInterval
            lookThrough(peer)
        }
        if peer.connectionCount > configuration.maxConnections + 1 {
            note(violation: "peer \(peer.index) has \(peer.connectionCount) connections")
        }
    }

    /// What waits to be sent on a connection.
    func check(_ end: SimulatedEnd) {
        if end.pendingCount > mostPending {
            note(violation: "\(end.pendingCount) bytes wait on one connection")
        }
    }

    private func lookThrough(_ peer: SimulatedPeer) {
        for line in peer.swarm.brokenInvariants() {
            note(violation: "peer \(peer.index): broken: \(line)")
        }
    }

    /// All there is to look at, once more at the end.
    package func checkEverything() {
        for peer in peers {
            lookThrough(peer)
            guard peer.behavior.isHonest else { continue }
            let have = peer.swarm.have
            for piece in have.members where !peer.storage.isGood(piece: piece) {
                note(violation: "peer \(peer.index) has a bad piece \(piece)")
            }
            if !have.subtracting(peer.storage.recorded).isEmpty {
                note(violation: "peer \(peer.index) has what isn't recorded")
            }
        }
    }
}
