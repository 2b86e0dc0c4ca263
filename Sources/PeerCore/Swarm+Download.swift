import Wire

// Blocks that come, pieces that get whole.
extension Swarm {
    /// A part of a `piece` message: block by block, as far as each has come.
    mutating func fragment(
        of request: BlockRequest, _ offset: Int, _ payload: Range<Int>,
        from peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard let run = geometry.run(for: request) else {
            totals.wastedBytes += Int64(payload.count)
            return checkForFlood(payload.count, from: peer, now, &outputs)
        }
        let end = Int(request.begin) + Int(request.length)
        var begin = Int(request.begin) + offset
        var position = payload.lowerBound
        while position < payload.upperBound, peer.isActive {
            let block = begin / geometry.blockLength
            let blockBegin = block * geometry.blockLength
            if begin == blockBegin {
                let whole = wholeBlocks(from: block, to: end, within: payload.upperBound - position)
                let count = takeWhole(
                    BlockRun(piece: run.piece, block: block, count: whole), at: position,
                    from: peer, &outputs)
                begin += count
                position += count
                if count > 0 { continue }
            }
            let blockEnd = min(blockBegin + geometry.blockLength, end)
            let count = min(blockEnd - begin, payload.upperBound - position)
            if begin == blockBegin { peer.incoming = start(run.piece, block, from: peer, now) }
            let part = BlockPart(
                piece: run.piece, block: block, begin: begin,
                isLast: begin + count == blockEnd, source: position..<position + count)
            take(part, from: peer, now, &outputs)
            begin += count
            position += count
        }
    }

    /// How many blocks of a message that ends at `end` in its piece lie in the receive buffer.
    private func wholeBlocks(from block: Int, to end: Int, within count: Int) -> Int {
        let begin = block * geometry.blockLength
        guard count < end - begin else {
            return (end - begin + geometry.blockLength - 1) / geometry.blockLength
        }
        return count / geometry.blockLength
    }

    /// Blocks that are there as a whole, and that nobody else was asked for: the usual case, and
    /// the one that has to be fast. Returns the bytes that were taken: all, or none.
    private mutating func takeWhole(
        _ run: BlockRun, at position: Int, from peer: PeerConnection,
        _ outputs: inout SwarmOutputs
    ) -> Int {
        guard run.count > 0, !peer.isSnubbed,
            let index = peer.pipeline.index(piece: run.piece, block: run.block),
            peer.pipeline[index].expects(run),
            let slot = picker.active.slot(of: run.piece),
            let isWhole = picker.completeRun(slot: slot, run, by: peer.record.id)
        else { return 0 }
        let request = geometry.request(for: run)
        let length = Int(request.length)
        peer.arrived.add(length, sentAt: peer.pipeline[index].sentAt, count: run.count)
        peer.pipeline.resolve(run, at: index)
        outputs.store(
            piece: run.piece, begin: Int(request.begin), source: position..<position + length)
        if isWhole { verify(run.piece, &outputs) }
        return length
    }

    /// Bytes of one block that lie together in the receive buffer.
    private struct BlockPart {
        let piece: Int
        let block: Int
        /// Where it begins in the piece.
        let begin: Int
        /// The block ends with it.
        let isLast: Bool
        let source: Range<Int>
    }

    /// A block begins to arrive: whether it was asked for and is still of use.
    private mutating func start(
        _ piece: Int, _ block: Int, from peer: PeerConnection, _ now: Instant
    ) -> IncomingBlock {
        peer.incomingSentAt = nil
        guard let index = peer.pipeline.index(piece: piece, block: block) else {
            return .unwanted
        }
        peer.incomingSentAt = peer.pipeline[index].sentAt
        peer.pipeline.begin(at: index)
        guard !isComingFaster(piece, block, than: peer, now),
            let slot = picker.begin(
                piece: piece, block: block, from: peer,
                isLate: peer.pipeline[index].isLate(block))
        else { return .unwanted }
        return .wanted(slot: slot, block: block)
    }

    /// Whether a block is arriving from another peer that is faster than this one.
    private mutating func isComingFaster(
        _ piece: Int, _ block: Int, than peer: PeerConnection, _ now: Instant
    ) -> Bool {
        guard let slot = picker.active.slot(of: piece) else { return false }
        let state = picker.active.block(block, in: slot)
        guard state.state == .receiving, state.contributor != peer.record.id else { return false }
        for other in connections.entries {
            guard let other, other.record.id == state.contributor else { continue }
            return other.downloadMeter.rate(at: now) >= peer.downloadMeter.rate(at: now)
        }
        return false
    }

    private mutating func take(
        _ part: BlockPart, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        if case .wanted(let slot, let block) = peer.incoming,
            picker.active.isReceiving(
                slot: slot, piece: part.piece, block: block, from: peer.record.id)
        {
            outputs.store(piece: part.piece, begin: part.begin, source: part.source)
            guard part.isLast else { return }
            peer.incoming = .none
            completeBlock(part.piece, block, slot, from: peer, now, &outputs)
        } else {
            peer.incoming = part.isLast ? .none : .unwanted
            totals.wastedBytes += Int64(part.source.count)
            if part.isLast { dropAnswered(part.piece, part.block, from: peer) }
            checkForFlood(part.source.count, from: peer, now, &outputs)
        }
    }

    private mutating func completeBlock(
        _ piece: Int, _ block: Int, _ slot: Int, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard let index = peer.pipeline.index(piece: piece, block: block) else { return }
        let sentAt = peer.pipeline[index].sentAt
        let isLate = peer.pipeline[index].isLate(block)
        peer.pipeline.resolve(BlockRun(piece: piece, block: block), at: index)
        peer.arrived.add(
            geometry.length(ofBlock: block, inPiece: piece), sentAt: sentAt, count: isLate ? 0 : 1)
        if peer.isSnubbed { recover(peer) }
        let state = picker.active.block(block, in: slot)
        let isWhole = picker.complete(slot: slot, block: block)
        let asked = (Int(state.requests) - (isLate ? 0 : 1), Int(state.lateRequests))
        if asked != (0, 0) { cancel(piece, block, askedOf: asked, exceptAt: peer, now, &outputs) }
        if isWhole { verify(piece, &outputs) }
    }

    /// Counts the blocks that a peer's bytes have completed, and learns from them.
    mutating func settle(_ peer: PeerConnection, _ now: Instant) {
        let arrived = peer.arrived
        guard arrived.bytes > 0 else { return }
        peer.arrived = ArrivedBlocks()
        peer.downloadMeter.add(arrived.bytes, at: now)
        downloadMeter.add(arrived.bytes, at: now)
        peer.record.bytesFrom += Int64(arrived.bytes)
        peer.roundBytes += Int64(arrived.bytes)
        peer.hasExchanged = true
        peer.lastBlockAt = now
        totals.downloadedBytes += Int64(arrived.bytes)
        guard arrived.count > 0 else { return }
        if downloadLimit != nil { limitRoom += arrived.count }
        let answer = RequestPipeline.Answer(
            count: arrived.count, sentAt: arrived.sentAt,
            rate: peer.downloadMeter.rate(at: now), blockLength: geometry.blockLength,
            slack: pipelineSlack)
        peer.pipeline.learn(from: answer, at: now)
    }

    /// Blocks that a peer nearby may have to answer: few of each when there are many.
    @inline(__always)
    private var pipelineSlack: Int {
        let share = configuration.maxUnverifiedBytes / 8 / max(usefulCount, 1)
        let bounds = configuration.pipelineSlack
        return min(max(share, bounds.lowerBound), bounds.upperBound) / geometry.blockLength
    }

    /// An unwanted block is over: if it had been asked for when it began, that request is answered.
    private mutating func dropAnswered(_ piece: Int, _ block: Int, from peer: PeerConnection) {
        guard let index = peer.pipeline.index(piece: piece, block: block),
            peer.pipeline[index].sentAt == peer.incomingSentAt
        else { return }
        let isLate = peer.pipeline[index].isLate(block)
        peer.pipeline.resolve(BlockRun(piece: piece, block: block), at: index)
        picker.forget(piece: piece, block: block, by: peer.record.id, isLate: isLate)
    }

    /// Some unasked data is normal: it was on its way when it was cancelled.
    private mutating func checkForFlood(
        _ count: Int, from peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        peer.unrequestedBytes += count
        let limit = configuration.maxUnrequestedBytes + Int(peer.record.bytesFrom / 8)
        if peer.unrequestedBytes > limit { close(peer, .dataFlood, now, &outputs) }
    }

    /// A block has come that so many others were asked for too, and so many have given late.
    /// Requests of which nothing has come are cancelled as a whole: what else they name, others
    /// may be asked for.
    private mutating func cancel(
        _ piece: Int, _ block: Int, askedOf count: (expected: Int, late: Int),
        exceptAt sender: PeerConnection,
        _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        var count = count
        for peer in connections.entries where count.expected > 0 || count.late > 0 {
            guard let peer, peer !== sender, peer.pipeline.count > 0,
                let index = peer.pipeline.index(piece: piece, block: block)
            else { continue }
            let request = peer.pipeline[index]
            if request.isLate(block) { count.late -= 1 } else { count.expected -= 1 }
            peer.pipeline.resolve(BlockRun(piece: piece, block: block), at: index)
            if request.hasBegun { continue }
            if request.pendingCount > 1 { giveUp(peer.pipeline.remove(at: index), of: peer) }
            withdraw(request.run, from: peer, now, &outputs)
        }
    }
}
