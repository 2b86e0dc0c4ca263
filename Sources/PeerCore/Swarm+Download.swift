import Wire

// Blocks that come, pieces that get whole.
extension Swarm {
    mutating func fragment(
        of request: BlockRequest, _ offset: Int, _ payload: Range<Int>,
        from peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if offset == 0 { peer.incoming = begin(request, from: peer) }
        let isLast = offset + payload.count == Int(request.length)
        let piece = Int(request.piece)
        if case .wanted(let slot, let block) = peer.incoming,
            picker.active.isReceiving(
                slot: slot, piece: piece, block: block, from: peer.record.id)
        {
            outputs.actions.append(
                .store(piece: piece, begin: Int(request.begin) + offset, source: payload))
            guard isLast else { return }
            peer.incoming = .none
            completeBlock(piece, block, slot, from: peer, now, &outputs)
        } else {
            peer.incoming = isLast ? .none : .unwanted
            totals.wastedBytes += Int64(payload.count)
            if isLast { _ = dropAnswered(request, from: peer) }
            checkForFlood(payload.count, from: peer, now, &outputs)
        }
    }

    /// A block begins to arrive: whether it was asked for and is still of use.
    private mutating func begin(
        _ request: BlockRequest, from peer: PeerConnection
    ) -> IncomingBlock {
        let piece = Int(request.piece)
        guard let block = geometry.block(for: request),
            let index = peer.pipeline.index(piece: piece, block: block),
            let slot = picker.begin(
                piece: piece, block: block, from: peer, isLate: peer.pipeline[index].isLate)
        else { return .unwanted }
        return .wanted(slot: slot, block: block)
    }

    private mutating func completeBlock(
        _ piece: Int, _ block: Int, _ slot: Int, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard let index = peer.pipeline.index(piece: piece, block: block) else { return }
        let request = peer.pipeline.remove(at: index)
        let length = geometry.length(ofBlock: block, inPiece: piece)
        peer.downloadMeter.add(length, at: now)
        downloadMeter.add(length, at: now)
        peer.record.bytesFrom += Int64(length)
        peer.roundBytes += Int64(length)
        peer.hasExchanged = true
        peer.lastBlockAt = now
        totals.downloadedBytes += Int64(length)
        if !request.isLate {
            peer.pipeline.answered(
                request, at: now, rate: peer.downloadMeter.rate(at: now),
                blockLength: geometry.blockLength)
        }
        if peer.isSnubbed { recover(peer) }
        let asked = picker.active.block(block, in: slot).askedCount
        let isWhole = picker.complete(slot: slot, block: block)
        if asked > 1 || request.isLate { cancel(piece, block, exceptAt: peer, now, &outputs) }
        if isWhole { outputs.actions.append(.verify(piece: piece)) }
    }

    /// If this had been asked for, it is answered, with a block of no use or not at all. Returns
    /// whether it had been.
    mutating func dropAnswered(_ request: BlockRequest, from peer: PeerConnection) -> Bool {
        let piece = Int(request.piece)
        guard let block = geometry.block(for: request),
            let index = peer.pipeline.index(piece: piece, block: block)
        else { return false }
        let answered = peer.pipeline.remove(at: index)
        if answered.isLate {
            picker.releaseLate(piece: piece, block: block, by: peer.record.id)
        } else {
            picker.release(piece: piece, block: block, by: peer.record.id, isLate: false)
        }
        return true
    }

    /// Some unasked data is normal: it was on its way when it was cancelled.
    private mutating func checkForFlood(
        _ count: Int, from peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        peer.unrequestedBytes += count
        let limit = configuration.maxUnrequestedBytes + Int(peer.record.bytesFrom / 8)
        if peer.unrequestedBytes > limit { close(peer, .dataFlood, now, &outputs) }
    }

    /// Another peer was faster, or the piece is complete without this block.
    private mutating func cancel(
        _ piece: Int, _ block: Int, exceptAt sender: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        for peer in connections.entries {
            guard let peer, peer !== sender, peer.pipeline.count > 0,
                let index = peer.pipeline.index(piece: piece, block: block)
            else { continue }
            peer.pipeline.remove(at: index)
            let request = geometry.request(forBlock: block, ofPiece: piece)
            if !peer.peerIsChoking { send(.cancel(request), to: peer, now, &outputs) }
        }
    }

    // MARK: Verdicts

    mutating func verified(
        _ piece: Int, _ ok: Bool, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !isComplete, let ids = picker.verified(piece: piece, ok: ok) else { return }
        let contributors = ids.compactMap { records[$0] }
        guard ok else {
            totals.corruptBytes += Int64(geometry.length(ofPiece: piece))
            if let culprit = Blame.convict(contributors) {
                ban(culprit, for: piece, now, &outputs)
            }
            for record in contributors { reconsiderPicking(record) }
            return refillAll(now, &outputs)
        }
        if Blame.acquit(contributors) { reconsiderPicking(contributors[0]) }
        have.insert(piece)
        missing.remove(piece)
        let length = Int64(geometry.length(ofPiece: piece))
        totals.verifiedPieces += 1
        totals.verifiedBytes += length
        totals.missingPieces -= 1
        totals.missingBytes -= length
        outputs.actions.append(.pieceCompleted(piece))
        if isComplete { endDownload(now, &outputs) }
        for index in connections.entries.indices {
            guard let peer = connections.entries[index], peer.isActive else { continue }
            if peer.pieces.isFull || peer.pieces.contains(piece) {
                peer.usefulPieces -= 1
            } else {
                send(.have(UInt32(piece)), to: peer, now, &outputs)
            }
            reconsider(peer, now, &outputs)
        }
        if isComplete {
            outputs.actions.append(.completed)
        } else if isHeldBack {
            refillAll(now, &outputs)
        }
    }

    private mutating func endDownload(_ now: Instant, _ outputs: inout SwarmOutputs) {
        picker = .ofNothing(geometry)
        for peer in connections.entries {
            guard let peer else { continue }
            peer.pipeline.removeAll()
            peer.isSnubbed = false
            if case .wanted = peer.incoming { peer.incoming = .unwanted }
            if peer.isActive { tellUploadOnly(to: peer, now, &outputs) }
        }
        announces.complete(isPartial: !isSeed)
    }

    private mutating func ban(
        _ culprit: PeerRecord, for piece: Int, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        culprit.isBanned = true
        connector.bar(culprit.endpoint, at: now)
        outputs.actions.append(.blamed(culprit.endpoint, piece: piece))
        if let peer = connection(of: culprit) { close(peer, .blamed, now, &outputs) }
    }

    /// The parole of a peer has begun or ended: other pieces are open to it than before.
    private func reconsiderPicking(_ record: PeerRecord) {
        connection(of: record)?.dryEpoch = 0
    }

    private func connection(of record: PeerRecord) -> PeerConnection? {
        record.connection.flatMap { connections[$0] }
    }
}
