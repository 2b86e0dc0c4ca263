// What the tests and the simulation look at; nothing of it runs otherwise.
extension Swarm {
    /// What holds between any two events, as lines about what doesn't. Takes a look at every
    /// piece, block and connection.
    package func brokenInvariants() -> [String] {
        let peers = connections.entries.compactMap { $0 }
        let active = peers.filter(\.isActive)
        var broken: [String] = []
        func check(_ isKept: Bool, _ line: String) {
            if !isKept { broken.append(line) }
        }
        check(connections.count == peers.count, "connections are counted")
        check(activeCount == active.count, "active ones are counted")
        check(holdingCount == active.filter(\.holdsSlot).count, "slots are counted")
        check(spareCount == active.filter(\.isSpare).count, "spare slots are counted")
        check(waitingCount == active.filter(\.isWaiting).count, "waiting ones are counted")
        checkWaiting(active, check)
        check(usefulCount == active.filter(\.amInterested).count, "useful ones are counted")
        check(holdingCount <= slots.count, "slots are kept")
        check(missing.count(sharedWith: have) == 0, "what is missing isn't there")
        check(totals.missingPieces == missing.setCount, "missing pieces are counted")
        check(
            totals.missingBytes == geometry.length(of: missing),
            "missing bytes are counted")
        for peer in active {
            check(!peer.holdsSlot || !peer.amChoking, "only the unchoked hold slots")
            let useful = peer.pieces.count(sharedWith: missing)
            check(peer.usefulPieces == useful, "useful pieces are counted")
            check(peer.amInterested == (useful > 0), "interest is told")
            check(
                peer.pipeline.depth <= configuration.pipelineDepth.upperBound,
                "pipelines are bounded")
            let queue = (0..<peer.uploadQueue.count).map { peer.uploadQueue[$0] }
            check(
                !peer.amChoking || queue.allSatisfy { peer.grantedFast.contains($0.piece) },
                "the choked wait for what they were allowed only")
            check(
                peer.queuedBytes == queue.reduce(0) { $0 + Int($1.length) },
                "queued bytes are counted")
            check(
                !peer.peerIsChoking || peer.speaksFast || peer.pipeline.outstanding == 0,
                "chokes are respected")
        }
        for peer in active {
            checkPipeline(peer.pipeline, check)
            checkBounds(of: peer, check)
        }
        check(connector.knownCount <= configuration.maxKnownEndpoints, "endpoints are bounded")
        check(
            records.count <= peers.count + 2 * configuration.maxRememberedPeers,
            "records of peers are bounded")
        if !isComplete { checkPicker(active, check) }
        return broken
    }

    /// What a peer can make us keep for it.
    private func checkBounds(of peer: PeerConnection, _ check: (Bool, String) -> Void) {
        check(peer.uploadQueue.count <= configuration.requestQueueLimit, "queues are bounded")
        check(peer.queuedBytes <= configuration.maxQueuedBytes, "queued bytes are bounded")
        check(peer.withdrawn.count <= WithdrawnRequests.limit, "cancelled requests are bounded")
        check(peer.suggested.count <= configuration.maxSuggested, "suggestions are bounded")
        check(peer.told.count <= configuration.maxSuggested, "own suggestions are bounded")
        check(peer.allowedFast.count <= configuration.maxAllowedFast, "grants are bounded")
    }

    /// Nobody who waits is forgotten, and nobody waits while there are slots.
    private func checkWaiting(
        _ active: [PeerConnection], _ check: (Bool, String) -> Void
    ) {
        let queue = (0..<waiting.count).map { waiting[$0] }
        for peer in active where peer.isWaiting {
            let places = queue.filter { $0.id == peer.id && $0.since == peer.choiceAt }
            check(!places.isEmpty, "who waits has a place in the queue")
            check(holdingCount >= slots.count, "nobody waits while there are slots")
        }
        check(queue.count <= 2 * connections.count + 101, "the queue is bounded")
    }

    private func checkPipeline(_ pipeline: RequestPipeline, _ check: (Bool, String) -> Void) {
        let requests = (0..<pipeline.count).map { pipeline[$0] }
        let late = requests.reduce(0) { $0 + $1.late.nonzeroBitCount }
        let pending = requests.reduce(0) { $0 + $1.pendingCount }
        check(pipeline.lateCount == late, "late blocks are counted")
        check(pipeline.outstanding == pending - late, "outstanding blocks are counted")
        check(requests.allSatisfy { $0.pending != 0 }, "answered requests are gone")
        check(
            requests.allSatisfy { $0.late & ~$0.pending == 0 && $0.pending & ~$0.run.mask == 0 },
            "only blocks of the run are pending")
        let blocks = requests.flatMap { request in
            request.run.blocks.filter { request.contains(request.run.piece, $0) }
                .map { BlockRun(piece: request.run.piece, block: $0) }
        }
        for (index, block) in blocks.enumerated() {
            check(!blocks[..<index].contains(block), "a block is asked for once")
        }
    }

    private func checkPicker(_ active: [PeerConnection], _ check: (Bool, String) -> Void) {
        var unverified = 0
        for piece in 0..<geometry.pieceCount {
            let isOpen = picker.wanted.contains(piece)
            let isStarted = picker.active.slot(of: piece) != nil
            check(
                (isOpen ? 1 : 0) + (isStarted ? 1 : 0) == (missing.contains(piece) ? 1 : 0),
                "a missing piece is started or not, another one is neither")
            let holders = active.filter { !$0.isCountedAsSeed && $0.pieces.contains(piece) }
            check(Int(picker.availability[piece]) == holders.count, "availability is counted")
            guard let slot = picker.active.slot(of: piece) else { continue }
            let state = picker.active.pieces[slot]
            let blocks = (0..<state.blockCount).map { picker.active.block($0, in: slot) }
            let complete = blocks.filter { $0.state == .complete }.count
            check(state.completeCount == complete, "complete blocks are counted")
            let requested = blocks.filter { $0.requests > 0 }.count
            check(state.requestedCount == requested, "requested blocks are counted")
            if state.phase == .verifying || requested > 0 { unverified += complete + requested }
            let isWhole = state.phase == .verifying || state.phase == .examining
            check(isWhole == (complete == blocks.count), "whole is verified")
            let unrequested = blocks.filter(\.isUnrequested).count
            check(state.unrequestedCount == unrequested, "unrequested blocks are counted")
            let isListed = picker.active.partial.contains(slot)
            check(isListed == (unrequested > 0), "pieces with unrequested blocks are listed")
            for (index, block) in blocks.enumerated() {
                let requests = active.compactMap { $0.request(for: piece, index) }
                let expected = requests.filter { !$0.isLate(index) }.count
                check(Int(block.requests) == expected, "requests are counted")
                check(block.state != .complete || expected == 0, "complete blocks are cancelled")
            }
        }
        check(picker.active.unverifiedCount == unverified, "unverified blocks are counted")
    }
}

extension PeerConnection {
    fileprivate func request(for piece: Int, _ block: Int) -> RequestPipeline.Request? {
        pipeline.index(piece: piece, block: block).map { pipeline[$0] }
    }
}
