import PeerCore
import Wire

// Connections, and bytes on their way.
extension SwarmSimulation {
    func dialled(by peer: SimulatedPeer, _ endpoint: Endpoint) {
        guard peer.isRunning else { return }
        guard let other = peers.first(where: { $0.endpoint == endpoint }), other.isRunning else {
            return handle(.connectFailed(endpoint), at: peer)
        }
        let dialling = SimulatedEnd(
            id: peer.makeConnectionID(), peer: peer, isOutgoing: true)
        peer.ends[dialling.id] = dialling
        let accepting = SimulatedEnd(
            id: other.makeConnectionID(), peer: other, isOutgoing: false)
        other.ends[accepting.id] = accepting
        dialling.other = accepting
        accepting.other = dialling
        handle(.connected(dialling.id, endpoint), at: peer)
    }

    func enqueue(_ bytes: ArraySlice<UInt8>, on id: ConnectionID, of peer: SimulatedPeer) {
        guard let end = peer.ends[id], !end.isClosing else { return }
        if end.pendingCount == 0 { peer.sendQueue.append(end) }
        end.outbox.append(contentsOf: bytes)
    }

    func hangUp(_ id: ConnectionID, of peer: SimulatedPeer) {
        guard let end = peer.ends[id] else { return }
        end.isClosing = true
        if end.pendingCount == 0 { finish(end) }
    }

    /// The other end learns of it once everything sent before has arrived.
    private func finish(_ end: SimulatedEnd) {
        if let other = end.other {
            events.schedule(.hangUp(other), at: arrival(of: 0, at: other, from: end))
        }
        end.peer.remove(end)
    }

    func transmitIfIdle(_ peer: SimulatedPeer) {
        if !peer.isSending { transmit(peer) }
    }

    /// Puts one segment on the peer's link, which is then busy for as long as that takes; its
    /// connections take turns.
    func transmit(_ peer: SimulatedPeer) {
        peer.isSending = false
        guard !peer.sendQueue.isEmpty else { return }
        let end = peer.sendQueue.removeFirst()
        let (count, busy) = nextSegment(of: end)
        let segment = end.take(count)
        if end.pendingCount > 0 { peer.sendQueue.append(end) }
        peer.isSending = true
        events.schedule(.transmit(peer), at: now.advanced(by: busy))
        if let other = end.other {
            let instant = arrival(of: count, at: other, from: end)
            events.schedule(.deliver(other, segment), at: instant)
        }
        if end.isClosing {
            if end.pendingCount == 0 { finish(end) }
        } else if end.owesDrained, end.pendingCount <= 64 << 10 {
            end.owesDrained = false
            handle(.drained(end.id), at: peer)
        }
    }

    private func arrival(
        of count: Int, at other: SimulatedEnd, from end: SimulatedEnd
    ) -> Instant {
        let busy = Duration.nanoseconds(count * 1_000_000_000 / end.peer.link.uploadRate)
        let latency = max(end.peer.link.latency, other.peer.link.latency)
        let instant = max(now.advanced(by: busy + latency), other.lastArrival)
        other.lastArrival = instant
        return instant
    }

    func deliver(_ bytes: [UInt8], to end: SimulatedEnd) {
        guard end.peer.ends[end.id] === end, !end.isClosing, let other = end.other else { return }
        var bytes = bytes
        if !end.isIntroduced {
            // A driver reads the handshake itself, to find the swarm that it is for.
            end.received += bytes
            guard end.received.count >= Handshake.length else { return }
            let head = [UInt8](end.received.prefix(Handshake.length))
            guard let handshake = try? Handshake.decode(head) else {
                return note(violation: "sent something other than a handshake")
            }
            end.isIntroduced = true
            bytes = [UInt8](end.received.dropFirst(Handshake.length))
            end.received = []
            let origin = Endpoint(
                address: other.peer.endpoint.address,
                port: UInt16(40_000 + end.id.generation % 20_000))
            handle(.accepted(end.id, origin, handshake), at: end.peer)
        }
        guard !bytes.isEmpty, end.peer.ends[end.id] === end else { return }
        bytes.withUnsafeBytes { raw in
            handle(.received(end.id, raw), at: end.peer, source: raw)
        }
    }
}
