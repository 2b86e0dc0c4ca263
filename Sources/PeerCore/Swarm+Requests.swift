import Wire

// Requests that go out, and those that won't be answered.
extension Swarm {
    /// Asks a peer for as much as it can send in time.
    mutating func refill(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.amInterested, peer.isActive, !isComplete,
            !peer.peerIsChoking || !peer.allowedFast.isEmpty
        else { return }
        let runLength = peer.pipeline.runLength(
            atMost: peer.maxRequestLength / geometry.blockLength)
        var room = peer.pipeline.room(inRunsOf: runLength)
        if peer.isSnubbed { room = peer.pipeline.count > 0 ? 0 : 1 }
        guard room > 0 else { return }
        if downloadLimit != nil {
            room = min(room, limitedRoom(of: peer))
            guard room > 0 else { return }
        }
        if room > verificationRoom {
            isHeldBack = true
            room = verificationRoom
            guard room > 0 else { return }
        }
        let demand = PiecePicker.Demand(
            blocks: room, requests: peer.pipeline.requestRoom, runLength: runLength)
        picked.removeAll(keepingCapacity: true)
        if peer.isGuiding(at: now), !peer.peerIsChoking, !picker.isSequential,
            peer.record.isProven
        {
            picker.pickSuggested(demand, for: peer, into: &picked)
            if !picked.isEmpty { requestPicked(of: peer, now, &outputs) }
            return
        }
        if peer.dryEpoch != picker.epoch {
            if peer.peerIsChoking {
                picker.pickAllowed(demand, for: peer, into: &picked)
            } else {
                picker.pick(demand, for: peer, into: &picked)
            }
            if picked.isEmpty { peer.dryEpoch = picker.epoch }
        }
        let awaitsVerdict = !peer.record.isProven && peer.record.trialPiece != nil
        if picked.isEmpty, !awaitsVerdict, !peer.peerIsChoking, !isAtDownloadLimit(now) {
            takeOver(demand, for: peer, now)
        }
        if !picked.isEmpty { requestPicked(of: peer, now, &outputs) }
    }

    private mutating func requestPicked(
        of peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if peer.pipeline.count == 0 { peer.downloadMeter.expect(at: now) }
        let start = outputs.bytes.count
        for run in picked {
            if downloadLimit != nil { limitRoom -= run.count }
            peer.pipeline.append(run, at: now)
            PeerMessage.request(geometry.request(for: run)).encode(into: &outputs.bytes)
        }
        outputs.send(peer.id, from: start)
        peer.lastSentAt = now
    }

    /// After blocks became free, or time has passed: whoever has room is asked.
    mutating func refillAll(_ now: Instant, _ outputs: inout SwarmOutputs) {
        isHeldBack = false
        hasFreedBlocks = false
        guard !isComplete else { return }
        measureLimitRoom()
        for peer in connections.entries {
            if let peer { refill(peer, now, &outputs) }
        }
    }

    /// How many more blocks may wait for their verification.
    @inline(__always)
    private var verificationRoom: Int {
        let atLeast = 2 * geometry.pieceLength
        let verifying = max(configuration.maxVerifyingBytes, atLeast) / geometry.blockLength
        guard picker.active.verifyingCount < verifying else { return 0 }
        let limit = max(configuration.maxUnverifiedBytes, atLeast) / geometry.blockLength
        return max(0, limit - picker.active.unverifiedCount)
    }

    // MARK: What won't be answered

    /// The peer won't answer any more.
    mutating func giveUpRequests(of peer: PeerConnection) {
        for index in 0..<peer.pipeline.count { giveUp(peer.pipeline[index], of: peer) }
        peer.pipeline.removeAll()
        picker.disown(peer.record.id)
    }

    /// A request won't be answered that is no longer in the peer's pipeline.
    mutating func giveUp(_ request: RequestPipeline.Request, of peer: PeerConnection) {
        for block in request.run.blocks where request.contains(request.run.piece, block) {
            picker.forget(
                piece: request.run.piece, block: block, by: peer.record.id,
                isLate: request.isLate(block))
        }
        hasFreedBlocks = true
    }

    /// Cancels a request that isn't in the peer's pipeline any more and that it may still answer.
    /// A choke has voided it already where there are no rejections.
    mutating func withdraw(
        _ run: BlockRun, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard !peer.peerIsChoking || peer.speaksFast else { return }
        let request = geometry.request(for: run)
        if peer.speaksFast { peer.withdrawn.append(request, at: now) }
        send(.cancel(request), to: peer, now, &outputs)
    }

    /// A `piece` message begins. Where it answers a request that was cancelled and made again, the
    /// later one is of no use any more.
    mutating func answered(
        _ request: BlockRequest, by peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard peer.withdrawn.answered(request), let run = geometry.run(for: request),
            peer.pipeline.index(of: run) != nil
        else { return }
        withdraw(run, from: peer, now, &outputs)
    }

    /// The peer says that it won't answer a request (BEP 6): the blocks may be asked of others at
    /// once. Who rejects without choking isn't asked for that piece for a while, lest this goes on
    /// at the speed of the network.
    mutating func rejected(_ request: BlockRequest, from peer: PeerConnection, _ now: Instant) {
        guard !peer.withdrawn.answered(request), let run = geometry.run(for: request),
            let index = peer.pipeline.index(of: run)
        else { return }
        giveUp(peer.pipeline.remove(at: index), of: peer)
        guard !peer.peerIsChoking || peer.allowedFast.contains(request.piece) else { return }
        peer.refusedPieces.insert(run.piece)
        peer.refusedAt = now
    }

    /// After a while a peer is asked again for what it refused.
    mutating func forgetRefusals(of peer: PeerConnection, _ now: Instant) {
        let wait = configuration.requestTimeout.upperBound
        if !peer.withdrawn.isEmpty { peer.withdrawn.forget(before: now.advanced(by: .zero - wait)) }
        guard !peer.refusedPieces.isEmpty, peer.refusedAt.advanced(by: wait) <= now else { return }
        peer.refusedPieces = []
        peer.dryEpoch = 0
    }

    mutating func choked(
        by peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        peer.peerIsChoking = true
        // With the fast extension each request that won't be answered is rejected (BEP 6).
        if !peer.speaksFast { expireRequests(of: peer, now, &outputs) }
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
}
