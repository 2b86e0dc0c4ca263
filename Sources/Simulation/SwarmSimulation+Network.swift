import PeerCore
import Wire

// Connections, and bytes on their way.
extension SwarmSimulation {
    /// What a program has in its own queue before it asks for more.
    private static let lowWaterMark = 16 << 10
    /// How long a dial is tried to somebody who can't be reached.
    private static let dialTimeout = Duration.seconds(10)

    func latency(from: SimulatedPeer, to: SimulatedPeer) -> Duration {
        .nanoseconds(from.line.latencyOut + to.line.latencyIn)
    }

    /// Whether nothing gets through between two peers at present.
    func isCut(_ one: SimulatedPeer, _ other: SimulatedPeer) -> Bool {
        !sides.isEmpty && sides[one.index, default: 0] != sides[other.index, default: 0]
    }

    func dial(_ endpoint: Endpoint, by peer: SimulatedPeer) {
        var wait = peer.link.latencyOut * 2
        if let other = peersByEndpoint[endpoint] {
            if peer.plan.isOutsider, !tracker.isOpen {
                note(violation: "who isn't a member learned of peer \(other.index)")
            }
            wait = latency(from: peer, to: other) + latency(from: other, to: peer)
            if isCut(peer, other) { wait = Self.dialTimeout }
        }
        events.schedule(.dialled(peer, endpoint, life: peer.life), at: now.advanced(by: wait))
    }

    func dialled(by peer: SimulatedPeer, _ endpoint: Endpoint) {
        guard peer.isRunning else { return }
        guard let other = peersByEndpoint[endpoint], other.isRunning, !isCut(peer, other) else {
            return handle(.connectFailed(endpoint), at: peer)
        }
        let dialling = peer.makeEnd(isOutgoing: true)
        let accepting = other.makeEnd(isOutgoing: false)
        dialling.other = accepting
        accepting.other = dialling
        if torrent.detail == .bytes { monitor(dialling, accepting) }
        handle(.connected(dialling.id, endpoint), at: peer)
    }

    // MARK: Sending

    func enqueue(_ bytes: UnsafeRawBufferPointer, on end: SimulatedEnd) {
        end.monitor?.sent(bytes, at: self)
        end.append(bytes)
        touch(end)
        check(end)
    }

    func touch(_ end: SimulatedEnd) {
        guard !end.isTouched else { return }
        end.isTouched = true
        end.peer.touched.append(end)
    }

    /// Sends on what an event has put into outboxes.
    func flush(_ peer: SimulatedPeer) {
        guard !peer.touched.isEmpty else { return transmitIfIdle(peer) }
        var touched: [SimulatedEnd] = []
        swap(&touched, &peer.touched)
        var together: SimulatedArrivals?
        for end in touched {
            end.isTouched = false
            // A few bytes don't wait for their turn where whole messages are carried: others send
            // less by as much.
            if torrent.detail == .messages, !end.hasBlocks, !end.isQueued, end.pendingCount > 0,
                !end.isClosing, let other = end.other
            {
                let segment = end.nextMessages()
                peer.uploadDebt += segment.count
                let arrival = put(segment, on: end, to: other, after: 0)
                if let together, together.instant == arrival {
                    together.ends.append(other)
                } else {
                    together = arrive(at: other, arrival)
                }
            } else {
                queueUp(end)
            }
        }
        touched.removeAll(keepingCapacity: true)
        if peer.touched.isEmpty { swap(&touched, &peer.touched) }
        transmitIfIdle(peer)
    }

    /// Has a segment arrive, and those that are added to it meanwhile.
    private func arrive(at end: SimulatedEnd, _ instant: Int64) -> SimulatedArrivals {
        let arrivals = spareArrivals.popLast() ?? SimulatedArrivals()
        arrivals.instant = instant
        arrivals.ends.append(end)
        events.schedule(.arrivedTogether(arrivals), at: Instant(nanoseconds: instant))
        return arrivals
    }

    func arrived(_ arrivals: SimulatedArrivals) {
        for end in arrivals.ends { arrived(at: end) }
        arrivals.ends.removeAll(keepingCapacity: true)
        spareArrivals.append(arrivals)
    }

    private func queueUp(_ end: SimulatedEnd) {
        guard !end.isQueued, end.pendingCount > 0 else { return }
        end.isQueued = true
        end.peer.sendQueue.append(end)
    }

    private func transmitIfIdle(_ peer: SimulatedPeer) {
        if !peer.isSending { transmit(peer) }
    }

    /// Puts one segment on the peer's link, which is then busy for as long as that takes; its
    /// connections take turns.
    func transmit(_ peer: SimulatedPeer) {
        peer.isSending = false
        while !peer.sendQueue.isEmpty {
            let end = peer.sendQueue.removeFirst()
            end.isQueued = false
            guard end.isOpen || end.isClosing, let other = end.other, end.pendingCount > 0
            else { continue }
            // Its receiver's buffer is full: it goes on once there is room.
            guard end.onTheWay < other.peer.line.receiveWindow else { continue }
            let (segment, busy) = nextSegment(of: end)
            peer.isSending = true
            peer.uploadDebt = 0
            depart(segment, from: end, after: busy)
            queueUp(end)
            events.schedule(.transmit(peer), at: Instant(nanoseconds: now.nanoseconds + busy))
            if end.isClosing {
                if end.pendingCount == 0 { finish(end) }
            } else if end.owesDrained, end.pendingCount <= Self.lowWaterMark {
                end.owesDrained = false
                handle(.drained(end.id), at: peer)
            }
            return
        }
    }

    /// How much goes out at once, and how long that takes.
    private func nextSegment(of end: SimulatedEnd) -> (segment: Segment, busy: Int64) {
        let peer = end.peer
        if torrent.detail == .bytes, case .trickling(let limit) = peer.behavior,
            peer.blocksSent > limit
        {
            return (end.next(1), 1_000_000_000)
        }
        let segment =
            switch torrent.detail {
            case .bytes: end.next(segmentLength(of: end.pendingCount))
            case .messages: end.nextMessages()
            }
        return (segment, peer.line.uploadTime(of: segment.count + peer.uploadDebt))
    }

    /// Sends a segment, the last bit of which leaves after so many nanoseconds.
    private func depart(_ segment: Segment, from end: SimulatedEnd, after busy: Int64) {
        guard let other = end.other else { return }
        let arrival = put(segment, on: end, to: other, after: busy)
        events.schedule(.arrived(other), at: Instant(nanoseconds: arrival))
    }

    /// Puts a segment on its way. Returns when it arrives.
    private func put(
        _ segment: Segment, on end: SimulatedEnd, to other: SimulatedEnd, after busy: Int64
    ) -> Int64 {
        end.send(segment, to: other)
        var departure = now.nanoseconds + busy
        if let siteRate, end.peer.plan.site != other.peer.plan.site {
            let isFree = max(siteFreeAt[end.peer.plan.site, default: 0], departure)
            departure = isFree + Int64(segment.count) * 1_000_000_000 / Int64(siteRate)
            siteFreeAt[end.peer.plan.site] = departure
        }
        let arrival = departure + end.peer.line.latencyOut + other.peer.line.latencyIn
        end.lastArrival = max(arrival, end.lastArrival)
        return end.lastArrival
    }

    // MARK: Receiving

    /// A segment has come to the peer's line, which takes one after the other.
    func arrived(at end: SimulatedEnd) {
        guard end.isOpen else { return }
        if !sides.isEmpty || end.heldSegments > 0, let other = end.other,
            end.heldSegments > 0 || isCut(other.peer, end.peer)
        {
            end.heldSegments += 1
            return
        }
        let peer = end.peer
        let isDirect =
            !peer.line.isNarrow
            || torrent.detail == .messages && end.queuedSegments == 0
                && end.incoming.first?.block == nil
        if isDirect { return deliver(to: end) }
        end.queuedSegments += 1
        peer.arrivals.append(end)
        if peer.arrivals.count == 1 { receiveNext(peer) }
    }

    private func receiveNext(_ peer: SimulatedPeer) {
        guard let segment = peer.arrivals.first?.incoming.first else { return }
        let busy = peer.line.downloadTime(of: segment.count)
        events.schedule(.received(peer), at: Instant(nanoseconds: now.nanoseconds + busy))
    }

    func receivedNext(_ peer: SimulatedPeer) {
        guard !peer.arrivals.isEmpty else { return }
        let end = peer.arrivals.removeFirst()
        end.queuedSegments -= 1
        let segment = end.incoming.removeFirst()
        receiveNext(peer)
        deliver(segment, to: end)
    }

    private func deliver(to end: SimulatedEnd) { deliver(end.incoming.removeFirst(), to: end) }

    private func deliver(_ segment: Segment, to end: SimulatedEnd) {
        guard end.isOpen else { return }
        end.receive(segment.byteCount, into: scratch)
        if segment.bufferedCount > 0, let other = end.other {
            let wasFull = other.onTheWay >= end.peer.line.receiveWindow
            other.onTheWay -= segment.bufferedCount
            if wasFull, other.pendingCount > 0 {
                queueUp(other)
                transmitIfIdle(other.peer)
            }
        }
        if segment.isLast { return lose(end) }
        guard !end.isClosing else { return }
        var count = segment.byteCount
        if !end.isIntroduced { count = introduce(end, count) }
        guard end.isOpen, !end.isClosing else { return }
        if let block = segment.block { count += put(block, at: count) }
        guard count > 0 else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        end.monitor?.received(bytes, at: self)
        receiving = end
        handle(.received(end.id, bytes), at: end.peer, source: bytes)
        receiving = nil
    }

    /// Puts a `piece` message together as it would have come. Returns its length.
    private func put(_ block: OutgoingBlock, at position: Int) -> Int {
        let request = block.request
        PeerMessage.writePieceHeader(for: request, to: scratch.baseAddress! + position)
        let first = Int(request.begin) / geometry.blockLength
        for index in 0..<blockCount(of: request) {
            var stamp = torrent.stamp(piece: Int(request.piece), block: first + index)
            if block.wrong & 1 << UInt64(index) != 0 { stamp ^= 0xff }
            let offset = PeerMessage.pieceHeaderLength + index * geometry.blockLength
            scratch.storeBytes(of: stamp, toByteOffset: position + offset, as: UInt64.self)
        }
        return block.count
    }

    /// How many blocks a request names.
    func blockCount(of request: BlockRequest) -> Int {
        (Int(request.length) + geometry.blockLength - 1) / geometry.blockLength
    }

    /// A driver reads the handshake itself, to find the swarm that it is for. What comes after it
    /// moves to the front; returns how much that is.
    private func introduce(_ end: SimulatedEnd, _ count: Int) -> Int {
        end.received += scratch[..<count]
        guard end.received.count >= Handshake.length, let other = end.other else { return 0 }
        let head = [UInt8](end.received.prefix(Handshake.length))
        guard let handshake = try? Handshake.decode(head) else {
            note(violation: "sent something other than a handshake")
            return 0
        }
        end.isIntroduced = true
        let rest = [UInt8](end.received.dropFirst(Handshake.length))
        end.received = []
        head.withUnsafeBytes { end.monitor?.received($0, at: self) }
        let origin = Endpoint(
            address: other.peer.endpoint.address,
            port: UInt16(40_000 + end.id.generation % 20_000))
        handle(.accepted(end.id, origin, handshake), at: end.peer)
        scratch.copyBytes(from: rest)
        return rest.count
    }

    // MARK: Closing

    func hangUp(_ id: ConnectionID, of peer: SimulatedPeer) {
        guard let end = peer.end(id) else { return }
        end.isClosing = true
        if end.pendingCount == 0 { finish(end) }
    }

    /// The other end learns of it once everything sent before has arrived.
    private func finish(_ end: SimulatedEnd) {
        shut(end)
        end.peer.remove(end)
    }

    /// Ends one direction of a connection.
    func shut(_ end: SimulatedEnd) {
        guard !end.isShut else { return }
        end.isShut = true
        depart(Segment(byteCount: 0, isLast: true), from: end, after: 0)
    }

    /// The other side has ended the connection: a program then closes its own end as well.
    func lose(_ end: SimulatedEnd) {
        if let other = end.other, other.isOpen {
            let delay = latency(from: end.peer, to: other.peer)
            events.schedule(.hangUp(other), at: now.advanced(by: delay))
        }
        end.peer.remove(end)
        // Of one that its swarm has closed it needs to hear no more.
        if !end.isClosing { handle(.closed(end.id), at: end.peer) }
    }
}
