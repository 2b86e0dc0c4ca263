import Wire

// Requests that go out, and those that aren't answered.
extension Swarm {
    /// Asks a peer for as much as it can send in time.
    mutating func refill(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.amInterested, !peer.peerIsChoking, peer.isActive, !isComplete else { return }
        var room = peer.isSnubbed ? min(1 - peer.pipeline.count, 1) : peer.pipeline.room
        guard room > 0 else { return }
        if room > verificationRoom {
            isHeldBack = true
            room = verificationRoom
            guard room > 0 else { return }
        }
        picked.removeAll(keepingCapacity: true)
        if peer.dryEpoch != picker.epoch {
            picker.pick(room, for: peer, into: &picked)
            if picked.count < room { peer.dryEpoch = picker.epoch }
        }
        if picked.isEmpty { takeOver(room, for: peer, now) }
        guard !picked.isEmpty else { return }
        if peer.pipeline.count == 0 { peer.downloadMeter.expect(at: now) }
        let start = outputs.bytes.count
        for block in picked {
            peer.pipeline.append(piece: block.piece, block: block.block, at: now)
            let request = geometry.request(forBlock: block.block, ofPiece: block.piece)
            PeerMessage.request(request).encode(into: &outputs.bytes)
        }
        outputs.send(peer.id, from: start)
        peer.lastSentAt = now
    }

    /// After blocks became free, or time has passed: whoever has room is asked.
    mutating func refillAll(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard !isComplete else { return }
        isHeldBack = false
        hasFreedBlocks = false
        for peer in connections.entries {
            if let peer { refill(peer, now, &outputs) }
        }
    }

    /// How many more blocks may wait for their verification.
    private var verificationRoom: Int {
        let limit = max(configuration.maxUnverifiedBytes, 2 * geometry.pieceLength)
        return max(0, limit / geometry.blockLength - picker.active.unverifiedCount)
    }

    // MARK: Endgame

    /// Picks blocks that were asked of the slowest of the other peers, last ones first, where
    /// this one should have them in less than half of the time. The slow one will be told once
    /// they are here; most of them it won't have sent by then.
    private mutating func takeOver(_ count: Int, for peer: PeerConnection, _ now: Instant) {
        let ownTime = expectedTime(of: peer, now)
        // Before the endgame proper only those who are hopelessly slow are relieved.
        let least = picker.isEndgame ? 2 * ownTime + 0.02 : max(2 * ownTime, 4)
        var slowest: (peer: PeerConnection, time: Double)?
        for other in connections.entries {
            guard let other, other !== peer, other.pipeline.outstanding > 0 else { continue }
            let time = remainingTime(of: other, other.pipeline.count - 1, now)
            if time > max(least, slowest?.time ?? 0) { slowest = (other, time) }
        }
        guard let slow = slowest?.peer else { return }
        var index = slow.pipeline.count - 1
        while picked.count < count, index >= 0, remainingTime(of: slow, index, now) > least {
            takeOver(slow.pipeline[index], for: peer)
            index -= 1
        }
    }

    private mutating func takeOver(
        _ request: RequestPipeline.Request, for peer: PeerConnection
    ) {
        let piece = Int(request.piece)
        let block = Int(request.block)
        guard !request.isLate, peer.offers(piece),
            let slot = picker.active.slot(of: piece)
        else { return }
        let owner = picker.active.pieces[slot].owner
        let requests = Int(picker.active.block(block, in: slot).requests)
        guard owner == 0, !peer.record.isOnParole, requests < configuration.endgameDuplicates,
            peer.pipeline.index(piece: piece, block: block) == nil
        else { return }
        picker.duplicate(slot: slot, block: block)
        picked.append(PiecePicker.Block(piece: piece, block: block))
    }

    /// Seconds until a further block would come from a peer.
    private func expectedTime(of peer: PeerConnection, _ now: Instant) -> Double {
        let rate = peer.downloadMeter.rate(at: now)
        guard rate > 0, peer.pipeline.smoothedLatency > 0 else { return 1 }
        let bytes = Double((peer.pipeline.outstanding + 1) * geometry.blockLength)
        return bytes / rate + Double(peer.pipeline.smoothedLatency) * 1e-9
    }

    /// Seconds until a peer will have answered the request at an index: by its rate, or as long
    /// again as it has been waited for.
    private func remainingTime(of peer: PeerConnection, _ index: Int, _ now: Instant) -> Double {
        let rate = peer.downloadMeter.rate(at: now)
        let waited = now.nanoseconds - peer.pipeline[index].sentAt.nanoseconds
        guard rate > 0 else { return Double(waited) * 1e-9 }
        return Double((index + 1) * geometry.blockLength) / rate
    }

    // MARK: Time-outs

    /// A peer that completes no block for longer than it ever took is snubbing us: what it was
    /// asked for may be asked of others, and is still taken from it should it come.
    mutating func checkTimeout(
        of peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if let sentAt = peer.pipeline.oldestSentAt {
            let timeout = peer.pipeline.timeout(
                in: configuration.requestTimeout, first: configuration.firstRequestTimeout)
            guard max(sentAt, peer.lastBlockAt).advanced(by: timeout) <= now else { return }
            peer.isSnubbed = true
            peer.snubbedAt = now
            expireRequests(of: peer, now, &outputs)
        } else if peer.isSnubbed, peer.pipeline.count > 0 {
            // It may have dropped our requests without a word: ask again, for one block.
            let again = configuration.requestTimeout.upperBound
            if peer.snubbedAt.advanced(by: again) <= now {
                peer.snubbedAt = now
                giveUpRequests(of: peer)
                peer.dryEpoch = 0
            }
        }
    }

    /// A snubbing peer has sent a block: what else it owes is expected again, if it is of use.
    mutating func recover(_ peer: PeerConnection) {
        peer.isSnubbed = false
        peer.dryEpoch = 0
        guard !peer.peerIsChoking else { return }
        for index in 0..<peer.pipeline.count {
            let request = peer.pipeline[index]
            guard request.isLate,
                picker.adopt(piece: Int(request.piece), block: Int(request.block), by: peer)
            else { continue }
            peer.pipeline.setLate(false, at: index)
        }
    }

    /// The peer isn't expected to answer for now: others may be asked.
    mutating func expireRequests(
        of peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.pipeline.outstanding > 0 else { return }
        for index in 0..<peer.pipeline.count where !peer.pipeline[index].isLate {
            let request = peer.pipeline[index]
            peer.pipeline.setLate(true, at: index)
            picker.release(
                piece: Int(request.piece), block: Int(request.block), by: peer.record.id,
                isLate: true)
        }
        disown(peer)
        refillAll(now, &outputs)
    }

    /// The peer won't answer any more.
    mutating func giveUpRequests(of peer: PeerConnection) {
        for index in 0..<peer.pipeline.count {
            let request = peer.pipeline[index]
            let piece = Int(request.piece)
            let block = Int(request.block)
            if request.isLate {
                picker.releaseLate(piece: piece, block: block, by: peer.record.id)
            } else {
                picker.release(piece: piece, block: block, by: peer.record.id, isLate: false)
            }
        }
        peer.pipeline.removeAll()
        disown(peer)
    }

    /// The peer says that it won't answer a request (BEP 6): the block may be asked of others at
    /// once. One that was cancelled meanwhile is not known any more. Who rejects without choking
    /// isn't asked for that piece for a while, lest this goes on at the speed of the network.
    mutating func rejected(_ request: BlockRequest, from peer: PeerConnection, _ now: Instant) {
        guard dropAnswered(request, from: peer) else { return }
        hasFreedBlocks = true
        guard !peer.peerIsChoking else { return }
        peer.refusedPieces.insert(Int(request.piece))
        peer.refusedAt = now
    }

    /// After a while a peer is asked again for what it refused.
    func forgetRefusals(of peer: PeerConnection, _ now: Instant) {
        guard !peer.refusedPieces.isEmpty,
            peer.refusedAt.advanced(by: configuration.requestTimeout.upperBound) <= now
        else { return }
        peer.refusedPieces = []
        peer.dryEpoch = 0
    }

    mutating func unchoked(by peer: PeerConnection) {
        guard peer.peerIsChoking else { return }
        peer.peerIsChoking = false
        // What was asked for before the choke is forgotten at the other end (BEP 3), but not
        // where it would have been rejected (BEP 6).
        if !peer.speaksFast { giveUpRequests(of: peer) }
        peer.pipeline.restart()
        peer.refusedPieces = []
        peer.dryEpoch = 0
    }

    private mutating func disown(_ peer: PeerConnection) {
        totals.wastedBytes += Int64(picker.disown(peer.record.id))
    }
}
