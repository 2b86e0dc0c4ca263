import Wire

// Requests that aren't answered in time.
extension Swarm {
    /// A peer that completes no block for longer than it ever took is snubbing us: what it was
    /// asked for may be asked of others, and is still taken from it should it come.
    mutating func checkTimeout(
        of peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if let sentAt = peer.pipeline.oldestSentAt {
            let timeout =
                peer.pipeline.timeout(
                    in: configuration.requestTimeout, first: configuration.firstRequestTimeout)
                + limitDelay
            guard max(sentAt, peer.lastBlockAt).advanced(by: timeout) <= now else {
                return relieve(peer, now, &outputs)
            }
            peer.isSnubbed = true
            peer.snubbedAt = now
            expireRequests(of: peer, now, &outputs)
        } else if peer.isSnubbed, peer.pipeline.count > 0 {
            // It may have dropped our requests without a word: ask again, for one block.
            let again = configuration.requestTimeout.upperBound
            if peer.snubbedAt.advanced(by: again) <= now {
                peer.snubbedAt = now
                withdrawAll(from: peer, now, &outputs)
                peer.dryEpoch = 0
            }
        }
    }

    /// A peer that has become so slow that it would take far too long over what it was asked for:
    /// the newest requests are taken back.
    private mutating func relieve(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        let patience = configuration.requestTimeout.lowerBound
        let seconds = Double(patience.nanosecondsSaturating) * 1e-9
        let inTime = peer.downloadMeter.rate(at: now) * seconds / Double(geometry.blockLength)
        let keep = max(configuration.pipelineDepth.lowerBound, Int(inTime))
        guard peer.lastBlockAt.advanced(by: patience) > now, peer.pipeline.outstanding > 4 * keep,
            !isAtDownloadLimit(now)
        else { return }
        peer.pipeline.reduceDepth(to: keep)
        for index in (0..<peer.pipeline.count).reversed()
        where peer.pipeline.outstanding > keep && !peer.pipeline[index].isLate {
            if peer.pipeline[index].hasBegun {
                expire(at: index, of: peer)
            } else {
                let request = peer.pipeline.remove(at: index)
                giveUp(request, of: peer)
                withdraw(request.run, from: peer, now, &outputs)
            }
        }
        picker.disown(peer.record.id)
        hasFreedBlocks = true
    }

    private mutating func withdrawAll(
        from peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        for index in 0..<peer.pipeline.count where !peer.pipeline[index].hasBegun {
            withdraw(peer.pipeline[index].run, from: peer, now, &outputs)
        }
        giveUpRequests(of: peer)
    }

    /// A snubbing peer has sent a block: what else it owes is expected again, if it is of use.
    mutating func recover(_ peer: PeerConnection) {
        peer.isSnubbed = false
        peer.dryEpoch = 0
        guard !peer.peerIsChoking else { return }
        for index in 0..<peer.pipeline.count {
            let request = peer.pipeline[index]
            for block in request.run.blocks
            where request.contains(request.run.piece, block) && request.isLate(block)
                && picker.adopt(piece: request.run.piece, block: block, by: peer)
            {
                peer.pipeline.adopt(block, at: index)
            }
        }
    }

    /// The peer isn't expected to answer for now: others may be asked.
    mutating func expireRequests(
        of peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.pipeline.outstanding > 0 else { return }
        for index in 0..<peer.pipeline.count where !peer.pipeline[index].isLate {
            expire(at: index, of: peer)
        }
        picker.disown(peer.record.id)
        refillAll(now, &outputs)
    }

    private mutating func expire(at index: Int, of peer: PeerConnection) {
        let request = peer.pipeline[index]
        peer.pipeline.setLate(at: index)
        for block in request.run.blocks
        where request.contains(request.run.piece, block) && !request.isLate(block) {
            picker.expire(piece: request.run.piece, block: block, by: peer.record.id)
        }
    }
}
