import Wire

// Blocks that are asked of a second peer, because the first one is slow.
extension Swarm {
    /// Picks blocks that were asked of the slowest of the other peers, last ones first, where
    /// this one should have them in less than half of the time. The slow one will be told once
    /// they come; most of them it won't have sent by then.
    mutating func takeOver(
        _ demand: PiecePicker.Demand, for peer: PeerConnection, _ now: Instant
    ) {
        let ownTime = expectedTime(of: peer, now)
        // Before the endgame proper only those who are hopelessly slow are relieved.
        let least = picker.isEndgame ? 2 * ownTime + 0.02 : max(2 * ownTime, 10)
        let age: Duration = picker.isEndgame ? .milliseconds(5) : Self.lookInterval
        if slowest.foundAt.advanced(by: age) <= now { findSlowest(now) }
        guard let slow = slowest.first === peer ? slowest.second : slowest.first else { return }
        var demand = demand
        var blocks = slow.pipeline.blockCount
        for index in (0..<slow.pipeline.count).reversed() {
            guard !demand.isMet, remainingTime(of: slow, index, blocks, now) > least else { return }
            let request = slow.pipeline[index]
            takeOver(request, &demand, for: peer)
            blocks -= request.pendingCount
        }
    }

    private mutating func findSlowest(_ now: Instant) {
        slowest = SlowestPeers(foundAt: now)
        var times = (first: 0.0, second: 0.0)
        for peer in connections.entries {
            guard let peer, peer.pipeline.outstanding > 0 else { continue }
            let last = peer.pipeline.count - 1
            let time = remainingTime(of: peer, last, peer.pipeline.blockCount, now)
            if time > times.first {
                (slowest.second, times.second) = (slowest.first, times.first)
                (slowest.first, times.first) = (peer, time)
            } else if time > times.second {
                (slowest.second, times.second) = (peer, time)
            }
        }
    }

    private mutating func takeOver(
        _ request: RequestPipeline.Request, _ demand: inout PiecePicker.Demand,
        for peer: PeerConnection
    ) {
        let piece = request.run.piece
        guard !request.isLate, peer.offers(piece), let slot = picker.active.slot(of: piece),
            picker.share(slot)
        else { return }
        var block = request.run.block
        let end = request.run.blocks.upperBound
        while !demand.isMet, block < end {
            var count = 0
            while count < demand.longestRun, block + count < end,
                isOpen(request, block + count, in: slot, to: peer)
            {
                picker.duplicate(slot: slot, block: block + count)
                count += 1
            }
            if count > 0 {
                picked.append(BlockRun(piece: piece, block: block, count: count))
                demand.meet(count)
            }
            block += max(1, count)
        }
    }

    private mutating func isOpen(
        _ request: RequestPipeline.Request, _ block: Int, in slot: Int, to peer: PeerConnection
    ) -> Bool {
        let piece = request.run.piece
        let requests = Int(picker.active.block(block, in: slot).requests)
        return request.contains(piece, block) && !request.isLate(block)
            && requests < configuration.endgameDuplicates
            && peer.pipeline.index(piece: piece, block: block) == nil
    }

    /// Seconds until a further block would come from a peer.
    private mutating func expectedTime(of peer: PeerConnection, _ now: Instant) -> Double {
        let rate = peer.downloadMeter.rate(at: now)
        guard rate > 0, peer.pipeline.smoothedLatency > 0 else { return 1 }
        let bytes = Double((peer.pipeline.outstanding + 1) * geometry.blockLength)
        return bytes / rate + Double(peer.pipeline.smoothedLatency) * 1e-9
    }

    /// Seconds until a peer will have answered the request at an index, the last of so many
    /// blocks: by its rate, or as long again as it has been waited for.
    private mutating func remainingTime(
        of peer: PeerConnection, _ index: Int, _ blocks: Int, _ now: Instant
    ) -> Double {
        let rate = peer.downloadMeter.rate(at: now)
        let waited = now.nanoseconds - peer.pipeline[index].sentAt.nanoseconds
        guard rate > 0 else { return Double(waited) * 1e-9 }
        return Double(blocks * geometry.blockLength) / rate
    }
}

/// Those who will take the longest over what they were asked for. Looking for them takes a look at
/// everyone: it isn't done again for a while.
struct SlowestPeers {
    var first: PeerConnection?
    var second: PeerConnection?
    var foundAt: Instant

    init(foundAt: Instant) {
        self.foundAt = foundAt
    }
}
