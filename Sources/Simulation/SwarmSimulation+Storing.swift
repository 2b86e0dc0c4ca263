import PeerCore
import Wire

// Disks, and what becomes of pieces.
extension SwarmSimulation {
    static let syncInterval = Duration.seconds(5)

    func store(
        _ source: UnsafeRawBufferPointer, _ piece: Int, _ begin: Int, _ peer: SimulatedPeer
    ) {
        if peer.swarm.have.contains(piece) { note(violation: "stored into a verified piece") }
        if let monitor = receiving?.monitor, !monitor.expects(piece, begin, source.count) {
            note(violation: "peer \(peer.index) stored what it hadn't asked for")
        }
        peer.takenBytes += source.count
        peer.storage.store(source, piece: piece, begin: begin)
    }

    /// A worker has hashed a piece; what is right is written and noted before the swarm hears of
    /// it.
    func verified(_ piece: Int, by peer: SimulatedPeer) {
        let ok = peer.storage.isGood(piece: piece)
        if ok, !peer.storage.record(piece) {
            // A full disk ends the download; what is recorded stays, for a new one.
            if peer.isRunning { stop(peer) }
            peer.life += 1
            peer.isDown = true
            peer.hasFailed = true
            return
        }
        handle(.verified(piece: piece, ok: ok), at: peer)
    }

    func synced(_ peer: SimulatedPeer, _ life: Int) {
        guard peer.life == life, peer.isRunning else { return }
        peer.storage.sync()
        guard !peer.swarm.isComplete else { return }
        events.schedule(.synced(peer, life: life), at: now.advanced(by: Self.syncInterval))
    }

    func completed(_ piece: Int, by peer: SimulatedPeer) {
        if !peer.storage.isGood(piece: piece) { note(violation: "completed a bad piece") }
        if !peer.storage.recorded.contains(piece) {
            note(violation: "reported a piece that would be lost")
        }
        observer?.completed(piece, by: peer, at: now)
    }

    func completed(by peer: SimulatedPeer) {
        if peer.completedAt == nil { peer.completedAt = now }
        peer.storage.sync()
        let missing = (peer.plan.wanted ?? Bitfield(fullOf: info.pieceCount))
            .subtracting(peer.storage.recorded)
        if !missing.isEmpty { note(violation: "complete without \(missing.setCount) pieces") }
    }

    func blamed(_ endpoint: Endpoint, by peer: SimulatedPeer) {
        peer.blamed.append(endpoint)
        let culprit = peers.first { $0.endpoint.address == endpoint.address }
        if culprit?.behavior.isCorrupting != true {
            note(violation: "blamed \(endpoint), which sent nothing wrong")
        }
    }
}
