import Wire

// What others ask of us, and who may ask.
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
    private func dropQueue(
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
        peer.releasedBytes = 0
        serve(peer, now, &outputs)
    }

    /// Hands out queued blocks as far as the driver takes them.
    mutating func serve(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !peer.uploadQueue.isEmpty, peer.releasedBytes < configuration.maxReleasedBytes
        else { return }
        var served = 0
        while peer.releasedBytes < configuration.maxReleasedBytes, !peer.uploadQueue.isEmpty {
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

    // MARK: Choking

    mutating func becameInterested(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !peer.peerIsInterested else { return }
        peer.peerIsInterested = true
        guard peer.amChoking else { return }
        peer.choiceAt = now
        if unchokedCount >= unchoker.slots {
            // Whoever isn't interested any more has kept its slot only until it is needed.
            for other in connections.entries {
                guard let other, !other.amChoking, !other.peerIsInterested else { continue }
                choke(other, now, &outputs)
                break
            }
        }
        if unchokedCount < unchoker.slots { unchoke(peer, now, &outputs) }
    }

    mutating func lostInterest(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        peer.peerIsInterested = false
        guard !peer.amChoking, unchokedCount >= unchoker.slots,
            connections.entries.contains(where: { $0?.isWaiting == true })
        else { return }
        choke(peer, now, &outputs)
        fillSlots(now, &outputs)
    }

    /// Gives free slots to those who have waited the longest.
    mutating func fillSlots(_ now: Instant, _ outputs: inout SwarmOutputs) {
        while unchokedCount < unchoker.slots {
            var longest: PeerConnection?
            for peer in connections.entries {
                guard let peer, peer.isActive, peer.isWaiting else { continue }
                if peer.choiceAt < longest?.choiceAt ?? .distantFuture { longest = peer }
            }
            guard let longest else { return }
            unchoke(longest, now, &outputs)
        }
    }

    /// One round of BEP 3's choking.
    mutating func chooseUnchoked(_ now: Instant, _ outputs: inout SwarmOutputs) {
        let seconds = Double(configuration.unchokeInterval.nanosecondsSaturating) * 1e-9
        var candidates: [Unchoker.Candidate] = []
        for peer in connections.entries {
            guard let peer, peer.isActive else { continue }
            peer.roundRate = (peer.roundRate + Double(peer.roundBytes) / seconds) / 2
            peer.roundBytes = 0
            guard peer.peerIsInterested else { continue }
            candidates.append(
                Unchoker.Candidate(
                    index: peer.index, rate: peer.roundRate, servedBytes: peer.servedBytes,
                    since: peer.choiceAt, isUnchoked: !peer.amChoking,
                    isOptimistic: peer.isOptimistic, isSnubbed: peer.isSnubbed))
        }
        let choices = unchoker.choose(among: candidates, isSeeding: isComplete, at: now)
        var isChosen = [Bool](repeating: false, count: connections.entries.count)
        for choice in choices {
            isChosen[choice.index] = true
            connections.entries[choice.index]?.isOptimistic = choice.isOptimistic
        }
        // Those who aren't interested keep slots that nobody needs.
        var spare = unchoker.slots - choices.count
        for peer in connections.entries {
            guard let peer, !peer.amChoking, !isChosen[peer.index] else { continue }
            if !peer.peerIsInterested, spare > 0 {
                spare -= 1
            } else {
                choke(peer, now, &outputs)
            }
        }
        for choice in choices {
            if let peer = connections.entries[choice.index], peer.amChoking {
                unchoke(peer, now, &outputs)
            }
        }
    }

    private mutating func unchoke(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        peer.amChoking = false
        unchokedCount += 1
        peer.choiceAt = now
        peer.servedBytes = 0
        peer.refusedRequests = 0
        peer.uploadMeter.expect(at: now)
        send(.unchoke, to: peer, now, &outputs)
    }

    private mutating func choke(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        peer.amChoking = true
        unchokedCount -= 1
        peer.isOptimistic = false
        peer.choiceAt = now
        send(.choke, to: peer, now, &outputs)
        dropQueue(of: peer, now, &outputs)
    }
}
