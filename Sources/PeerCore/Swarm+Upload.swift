import Wire

// What others ask of us.
extension Swarm {
    /// Queues the requests that come next in `bytes`, up to the first that anything speaks against.
    /// Peers ask for many blocks at a time; this way one costs a few comparisons.
    mutating func queueRequests(
        in bytes: UnsafeRawBufferPointer, from position: inout Int, of peer: PeerConnection,
        _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !peer.amChoking, PeerMessage.request(in: bytes, at: position) != nil else { return }
        let start = position
        var piece: UInt32?
        let longest = longestRequest(of: peer)
        // In local variables, access to them needs no check for exclusivity each time.
        var queue = Queue<BlockRequest>()
        swap(&queue, &peer.uploadQueue)
        var queuedBytes = peer.queuedBytes
        while queue.count < configuration.requestQueueLimit,
            let request = PeerMessage.request(in: bytes, at: position),
            geometry.isInside(request), request.length <= longest,
            have.contains(Int(request.piece)),
            queuedBytes + Int(request.length) <= configuration.maxQueuedBytes
        {
            if request.piece != piece, !soleCopies.isEmpty {
                if isHeldBack(request.piece, from: peer) { break }
                tookUp(request.piece, peer, now, &outputs)
            }
            piece = request.piece
            queue.append(request)
            queuedBytes += Int(request.length)
            position += PeerMessage.requestLength
        }
        swap(&queue, &peer.uploadQueue)
        peer.queuedBytes = queuedBytes
        if position > start { peer.mayStillSendBitfield = false }
    }

    private func longestRequest(of peer: PeerConnection) -> Int {
        max(
            configuration.maxRequestLength,
            peer.speaksExtensions ? configuration.maxBlockLength : 0)
    }

    mutating func requested(
        _ request: BlockRequest, by peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        let length = Int(request.length)
        guard geometry.isInside(request), length <= longestRequest(of: peer)
        else { return close(peer, .invalidRequest, now, &outputs) }
        guard have.contains(Int(request.piece)),
            peer.uploadQueue.count < configuration.requestQueueLimit,
            peer.queuedBytes + length <= configuration.maxQueuedBytes,
            !peer.amChoking || takeGrant(of: request, by: peer)
        else {
            // Those on their way when the peer was choked are no offence.
            peer.refusedRequests += 1
            guard peer.refusedRequests <= 4 * configuration.requestQueueLimit else {
                return close(peer, .requestFlood, now, &outputs)
            }
            return reject(request, of: peer, now, &outputs)
        }
        if !peer.amChoking, isHeldBack(request.piece, from: peer) {
            return holdBack(request, of: peer, now, &outputs)
        }
        peer.uploadQueue.append(request)
        peer.queuedBytes += length
        if !soleCopies.isEmpty { tookUp(request.piece, peer, now, &outputs) }
    }

    mutating func cancelled(
        _ request: BlockRequest, by peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        for index in 0..<peer.uploadQueue.count where peer.uploadQueue[index] == request {
            _ = peer.uploadQueue.remove(at: index)
            peer.queuedBytes -= Int(request.length)
            return reject(request, of: peer, now, &outputs)
        }
    }

    /// Forgets what a peer that is choked now has asked for, but for what it may have all the
    /// same (BEP 6).
    mutating func dropQueue(
        of peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        var kept = Queue<BlockRequest>()
        var keptBytes = 0
        for index in 0..<peer.uploadQueue.count {
            let request = peer.uploadQueue[index]
            if takeGrant(of: request, by: peer) {
                kept.append(request)
                keptBytes += Int(request.length)
            } else {
                reject(request, of: peer, now, &outputs)
            }
        }
        peer.uploadQueue = kept
        peer.queuedBytes = keptBytes
    }

    mutating func drained(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        noteTaken(by: peer, now)
        serve(peer, now, &outputs)
        peer.metadata.isAwaitingDrain = false
        serveMetadata(to: peer, now, &outputs)
    }

    /// The peer has taken what was handed out for it. How long that took decides how much it is
    /// at the next time: the more, the fewer calls; but what is handed out goes even to a peer
    /// that is choked meanwhile.
    private mutating func noteTaken(by peer: PeerConnection, _ now: Instant) {
        guard peer.releasedBytes > 0 else { return }
        let elapsed = peer.releasedAt.duration(to: now)
        if elapsed < .milliseconds(250), peer.releasedBytes >= peer.releaseWindow {
            peer.releaseWindow = min(2 * peer.releaseWindow, configuration.releasedBytes.upperBound)
        } else if elapsed > .seconds(1) {
            peer.releaseWindow = max(peer.releaseWindow / 2, configuration.releasedBytes.lowerBound)
        }
        // The first ones went no further than into the socket's buffer.
        let buffered = max(configuration.socketBufferBytes - peer.takenBytes, 0)
        let taken = max(peer.releasedBytes - buffered, 0)
        peer.takenBytes += peer.releasedBytes
        peer.takenInRound += peer.releasedBytes
        takenMeter.add(taken, at: now)
        takenInRound += taken
        peer.releasedBytes = 0
    }

    /// Hands out queued blocks as far as the driver takes them.
    mutating func serve(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !peer.uploadQueue.isEmpty, peer.releasedBytes < peer.releaseWindow else { return }
        tellNews(to: peer, now, &outputs)
        if peer.releasedBytes == 0 { peer.releasedAt = now }
        let (id, room) = (peer.id, peer.releaseWindow - peer.releasedBytes)
        var queue = Queue<BlockRequest>()
        swap(&queue, &peer.uploadQueue)
        var served = 0
        while served < room, !queue.isEmpty {
            let request = queue.removeFirst()
            outputs.actions.append(.sendBlock(id, request))
            served += Int(request.length)
        }
        swap(&queue, &peer.uploadQueue)
        peer.queuedBytes -= served
        peer.releasedBytes += served
        peer.uploadMeter.add(served, at: now)
        uploadMeter.add(served, at: now)
        totals.uploadedBytes += Int64(served)
        peer.record.bytesTo += Int64(served)
        peer.servedBytes += Int64(served)
        peer.hasExchanged = true
        peer.lastSentAt = now
    }
}
