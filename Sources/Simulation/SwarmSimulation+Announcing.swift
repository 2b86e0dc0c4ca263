import PeerCore
import Wire

/// A datagram on its way.
struct SimulatedDatagram {
    var bytes: [UInt8]
    /// Nil for the tracker.
    var source: Endpoint?
    var target: Endpoint?
}

/// A peer's exchange with the tracker (BEP 15): a connection id first, then the announce.
struct SimulatedAnnouncing {
    var announcement: SwarmAnnouncement?
    var transaction: UInt32 = 0
    var attempts = 0
    var connectionID: (value: UInt64, givenAt: Instant)?
}

// Announces, as ordinary clients make them over UDP.
extension SwarmSimulation {
    private static let trackerLatency = Duration.milliseconds(10)
    /// BEP 15 waits 15 s at first; less is enough to see what waiting does.
    private static let firstTimeout = Duration.seconds(5)
    private static let mostAttempts = 3
    /// How long a client may use a connection id.
    private static let idLifetime = Duration.seconds(60)

    func announce(_ announcement: SwarmAnnouncement, of peer: SimulatedPeer) {
        peer.announcing.announcement = announcement
        peer.announcing.attempts = 0
        ask(peer)
    }

    private func ask(_ peer: SimulatedPeer) {
        peer.announcing.attempts += 1
        peer.announcing.transaction = UInt32(truncatingIfNeeded: random.next())
        let transaction = peer.announcing.transaction
        var bytes: [UInt8] = []
        if let id = peer.announcing.connectionID, id.givenAt.duration(to: now) < Self.idLifetime {
            appendAnnounce(of: peer, id.value, to: &bytes)
        } else {
            bytes.appendBigEndian(0x417_2710_1980 as UInt64)
            bytes.appendBigEndian(0 as UInt32)
            bytes.appendBigEndian(transaction)
        }
        send(SimulatedDatagram(bytes: bytes, source: peer.endpoint), with: peer)
        let timeout = Self.firstTimeout * (1 << (peer.announcing.attempts - 1))
        events.schedule(
            .announceTimeout(peer, transaction: transaction), at: now.advanced(by: timeout))
    }

    private func appendAnnounce(
        of peer: SimulatedPeer, _ connectionID: UInt64, to bytes: inout [UInt8]
    ) {
        let progress = peer.progress(at: now)
        let event: UInt32 =
            switch peer.announcing.announcement {
            case .regular, nil: 0
            case .completed: 1
            case .started: 2
            case .stopped: 3
            case .paused: 4
            }
        bytes.appendBigEndian(connectionID)
        bytes.appendBigEndian(1 as UInt32)
        bytes.appendBigEndian(peer.announcing.transaction)
        info.infoHash.withBytes { bytes.append(contentsOf: $0) }
        peer.swarm.ownID.withBytes { bytes.append(contentsOf: $0) }
        bytes.appendBigEndian(UInt64(progress.downloadedBytes))
        bytes.appendBigEndian(UInt64(progress.left))
        bytes.appendBigEndian(UInt64(progress.uploadedBytes))
        bytes.appendBigEndian(event)
        bytes.appendBigEndian(0 as UInt32)
        bytes.appendBigEndian(UInt32(peer.index))
        bytes.appendBigEndian(-1 as Int32)
        bytes.appendBigEndian(peer.endpoint.port)
        guard !tracker.isOpen else { return }
        let path = "/announce/" + tracker.passkeys[peer.index].hex
        bytes.append(2)
        bytes.append(UInt8(path.utf8.count))
        bytes.append(contentsOf: path.utf8)
    }

    func announceTimedOut(_ peer: SimulatedPeer, _ transaction: UInt32) {
        guard peer.announcing.announcement != nil, peer.announcing.transaction == transaction
        else { return }
        peer.announcing.connectionID = nil
        if peer.announcing.attempts < Self.mostAttempts { return ask(peer) }
        peer.announcing.announcement = nil
        if peer.isRunning { handle(.announceFailed, at: peer) }
    }

    // MARK: Datagrams

    /// Puts a datagram on its way, which may lose, repeat or delay it.
    func send(_ datagram: SimulatedDatagram, with peer: SimulatedPeer?) {
        var copies = 1
        if random.below(1_000) < datagramFaults.lost { copies = 0 }
        if random.below(1_000) < datagramFaults.duplicated { copies += 1 }
        let usual = Self.trackerLatency + (peer?.link.latencyOut ?? .zero)
        for _ in 0..<copies {
            let most = Int(datagramFaults.delay.nanosecondsSaturating)
            let delay = usual + .nanoseconds(most > 0 ? random.below(most) : 0)
            events.schedule(.datagram(datagram), at: now.advanced(by: delay))
        }
    }

    func receive(_ datagram: SimulatedDatagram) {
        guard let target = datagram.target else {
            guard tracker.isRunning, let source = datagram.source,
                let answer = tracker.answer(datagram.bytes, from: source.address, at: now)
            else { return }
            let peer = peersByEndpoint[source]
            // The tracker is on side 0.
            if let peer, sides[peer.index, default: 0] != 0 { return }
            return send(SimulatedDatagram(bytes: answer, target: source), with: peer)
        }
        guard let peer = peersByEndpoint[target], datagram.bytes.count >= 8,
            sides[peer.index, default: 0] == 0
        else { return }
        datagram.bytes.withUnsafeBytes { answered($0, peer) }
    }

    private func answered(_ answer: UnsafeRawBufferPointer, _ peer: SimulatedPeer) {
        let action = answer.loadBigEndian(at: 0, as: UInt32.self)
        let transaction = answer.loadBigEndian(at: 4, as: UInt32.self)
        guard peer.announcing.announcement != nil, peer.announcing.transaction == transaction
        else { return }
        switch action {
        case 0 where answer.count >= 16:
            peer.announcing.connectionID = (answer.loadBigEndian(at: 8, as: UInt64.self), now)
            peer.announcing.attempts -= 1
            ask(peer)
        case 1 where answer.count >= 20:
            peer.announcing.announcement = nil
            let seconds = answer.loadBigEndian(at: 8, as: UInt32.self)
            let found = Endpoint.decodeCompactIPv4([UInt8](answer[20...])) ?? []
            if peer.plan.isOutsider, !tracker.isOpen, !found.isEmpty {
                note(violation: "the tracker told somebody who isn't a member of \(found)")
            }
            guard peer.isRunning else { return }
            handle(.announced(interval: .seconds(Int(seconds)), peers: found), at: peer)
        default:
            peer.announcing.connectionID = nil
            peer.announcing.announcement = nil
            if peer.isRunning { handle(.announceFailed, at: peer) }
        }
    }
}
