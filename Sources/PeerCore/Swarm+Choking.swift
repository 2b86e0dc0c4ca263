import Wire

/// A place in the queue for an upload slot; void once the peer is unchoked, loses interest, or
/// leaves.
struct WaitingPeer {
    let id: ConnectionID
    /// The peer's `choiceAt` when it joined the queue.
    let since: Instant
}

// Who may ask (BEP 3, "Choking"). No event costs more than a look at each connection, and those
// that do come once a round, or four times a second while peers wait.
extension Swarm {
    mutating func becameInterested(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !peer.peerIsInterested else { return }
        change(peer) { $0.peerIsInterested = true }
        guard peer.amChoking else { return }
        peer.choiceAt = now
        enqueue(peer, now)
        if holdingCount >= slots.count, spareCount > 0 { chokeSpare(now, &outputs) }
        fillSlots(now, &outputs)
    }

    mutating func lostInterest(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.peerIsInterested else { return }
        change(peer) { $0.peerIsInterested = false }
        tellNews(to: peer, now, &outputs)
        guard peer.holdsSlot, waitingCount > 0 else { return }
        choke(peer, now, &outputs)
        fillSlots(now, &outputs)
    }

    /// Whoever isn't interested any more has kept its slot only until it is needed.
    private mutating func chokeSpare(_ now: Instant, _ outputs: inout SwarmOutputs) {
        for peer in connections.entries {
            guard let peer, peer.isSpare else { continue }
            return choke(peer, now, &outputs)
        }
    }

    /// Gives free slots to those who have waited the longest.
    mutating func fillSlots(_ now: Instant, _ outputs: inout SwarmOutputs) {
        while holdingCount < slots.count, !waiting.isEmpty {
            let next = waiting.removeFirst()
            if let peer = waitingPeer(next) { unchoke(peer, now, &outputs) }
        }
    }

    private mutating func waitingPeer(_ entry: WaitingPeer) -> PeerConnection? {
        guard let peer = connections[entry.id], peer.isWaiting, peer.choiceAt == entry.since
        else { return nil }
        return peer
    }

    private mutating func enqueue(_ peer: PeerConnection, _ now: Instant) {
        // Void places are many where peers often change their minds.
        if waiting.count > 2 * waitingCount + 100 {
            var valid = Queue<WaitingPeer>()
            for index in 0..<waiting.count where waitingPeer(waiting[index]) != nil {
                valid.append(waiting[index])
            }
            waiting = valid
        }
        waiting.append(WaitingPeer(id: peer.id, since: peer.choiceAt))
        nextTick = min(nextTick, now.advanced(by: Self.lookInterval))
    }

    /// More slots, if the uplink shows that it serves them.
    mutating func growSlots(_ now: Instant, _ outputs: inout SwarmOutputs) {
        slots.look(load(rate: takenMeter.rate(at: now), isMoving: isAsked(at: now)))
        fillSlots(now, &outputs)
    }

    /// Whether anybody who holds a slot asks for something, or has had too little time to.
    private mutating func isAsked(at now: Instant) -> Bool {
        let recently = now.advanced(by: .zero - Self.askingTime)
        return connections.entries.contains { peer in
            guard let peer, peer.holdsSlot else { return false }
            return peer.choiceAt > recently || peer.releasedBytes > 0 || !peer.uploadQueue.isEmpty
        }
    }

    /// What the first request of a peer that is unchoked takes at most, on any usual line.
    private static let askingTime: Duration = .seconds(1)

    private func load(rate: Double, isMoving: Bool) -> UploadSlots.Load {
        UploadSlots.Load(
            rate: rate, isMoving: isMoving, holding: holdingCount, isWanted: waitingCount > 0)
    }

    /// One round of BEP 3's choking.
    mutating func chooseUnchoked(_ now: Instant, _ outputs: inout SwarmOutputs) {
        let seconds = Double(configuration.unchokeInterval.nanosecondsSaturating) * 1e-9
        let isMoving = connections.entries.contains { $0.map { $0.takenInRound > 0 } ?? false }
        let load = load(rate: Double(takenInRound) / seconds, isMoving: isMoving)
        takenInRound = 0
        slots.endRound(load)
        let candidates = endRound(of: load, seconds: seconds, now)
        let choices = unchoker.choose(
            slots.count, among: candidates, isSeeding: isComplete, at: now)
        var isChosen = [Bool](repeating: false, count: connections.entries.count)
        for choice in choices {
            isChosen[choice.index] = true
            connections.entries[choice.index]?.isOptimistic = choice.isOptimistic
        }
        // Those who aren't interested keep slots that nobody needs.
        var spare = slots.count - choices.count
        for peer in connections.entries {
            guard let peer, peer.holdsSlot, !isChosen[peer.index] else { continue }
            if peer.isSpare, spare > 0 {
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
        suggestAgain(now, &outputs)
    }

    /// Ends each peer's round, and returns those that slots are for. Where others are served, who
    /// takes nothing for a round though it may has no need of a slot, nor is it choked for that.
    private mutating func endRound(
        of load: UploadSlots.Load, seconds: Double, _ now: Instant
    ) -> [Unchoker.Candidate] {
        let roundBegin = now.advanced(by: .zero - configuration.unchokeInterval)
        let average = load.rate * seconds / Double(max(load.holding, 1))
        let isMoving = average > Double(4 * configuration.releasedBytes.lowerBound)
        var candidates: [Unchoker.Candidate] = []
        for peer in connections.entries {
            guard let peer, peer.isActive else { continue }
            peer.roundRate = (peer.roundRate + Double(peer.roundBytes) / seconds) / 2
            peer.roundBytes = 0
            let taken = peer.takenInRound
            peer.takenInRound = 0
            guard peer.peerIsInterested else { continue }
            if !peer.amChoking {
                let isIdle = taken == 0 && peer.choiceAt <= roundBegin
                if peer.holdsSlot ? isIdle && isMoving : isIdle {
                    change(peer) { $0.holdsSlot = false }
                    continue
                }
                change(peer) { $0.holdsSlot = true }
            }
            candidates.append(
                Unchoker.Candidate(
                    index: peer.index, rate: peer.roundRate, servedBytes: peer.servedBytes,
                    balance: peer.record.bytesFrom - peer.record.bytesTo, since: peer.choiceAt,
                    isUnchoked: !peer.amChoking,
                    isOptimistic: peer.isOptimistic, isSnubbed: peer.isSnubbed))
        }
        return candidates
    }

    private mutating func unchoke(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        change(peer) {
            $0.amChoking = false
            $0.holdsSlot = true
        }
        peer.choiceAt = now
        peer.servedBytes = 0
        peer.refusedRequests = 0
        peer.uploadMeter.expect(at: now)
        tellNews(to: peer, now, &outputs)
        send(.unchoke, to: peer, now, &outputs)
        suggest(to: peer, now, &outputs)
    }

    private mutating func choke(
        _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        change(peer) {
            $0.amChoking = true
            $0.holdsSlot = false
        }
        peer.isOptimistic = false
        peer.choiceAt = now
        if peer.isWaiting { enqueue(peer, now) }
        takeBackSuggestions(of: peer)
        send(.choke, to: peer, now, &outputs)
        dropQueue(of: peer, now, &outputs)
    }

    /// Changes what a peer counts as.
    private mutating func change(_ peer: PeerConnection, _ body: (PeerConnection) -> Void) {
        tally(peer, -1)
        body(peer)
        tally(peer, 1)
    }

    /// Counts a peer in or out.
    mutating func tally(_ peer: PeerConnection, _ count: Int) {
        if peer.holdsSlot { holdingCount += count }
        if peer.isSpare { spareCount += count }
        if peer.isWaiting { waitingCount += count }
    }
}
