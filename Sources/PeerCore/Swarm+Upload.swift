import Wire

// What others ask of us.
extension Swarm {
    mutating func requested(
        _ request: BlockRequest, by peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        let length = Int(request.length)
        let longest = max(
            configuration.maxRequestLength,
            peer.speaksExtensions ? configuration.maxBlockLength : 0)
        guard geometry.isInside(request), length <= longest
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
        peer.uploadQueue.append(request)
        peer.queuedBytes += length
        if !soleCopies.isEmpty { tookUp(request.piece, peer, now, &outputs) }
    }

    func cancelled(
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
    func dropQueue(
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
        if peer.releasedBytes == 0 { peer.releasedAt = now }
        var served = 0
        while peer.releasedBytes < peer.releaseWindow, !peer.uploadQueue.isEmpty {
            let request = peer.uploadQueue.removeFirst()
            peer.queuedBytes -= Int(request.length)
            outputs.actions.append(.sendBlock(peer.id, request))
            peer.releasedBytes += Int(request.length)
            served += Int(request.length)
        }
        peer.uploadMeter.add(served, at: now)
        uploadMeter.add(served, at: now)
        totals.uploadedBytes += Int64(served)
        peer.record.bytesTo += Int64(served)
        peer.servedBytes += Int64(served)
        peer.hasExchanged = true
        peer.lastSentAt = now
    }
}
