import Wire

// Pieces that are verified or not, and who is to blame.
extension Swarm {
    mutating func verify(_ piece: Int, _ outputs: inout SwarmOutputs) {
        let isUrgent = picker.sendersOfVerifying(piece)?.contains { records[$0]?.isProven == false }
        outputs.actions.append(.verify(piece: piece, isUrgent: isUrgent == true))
    }

    mutating func verified(
        _ piece: Int, _ ok: Bool, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !isComplete, let senders = picker.sendersOfVerifying(piece) else { return }
        guard ok else { return failed(piece, senders, now, &outputs) }
        picker.succeeded(piece)
        let hasProven = prove(senders)
        if blame.isSuspect(piece) { outputs.actions.append(.fingerprint(piece: piece)) }
        have.insert(piece)
        missing.remove(piece)
        let length = Int64(geometry.length(ofPiece: piece))
        totals.verifiedPieces += 1
        totals.verifiedBytes += length
        totals.missingPieces -= 1
        totals.missingBytes -= length
        outputs.actions.append(.pieceCompleted(piece))
        news.append(UInt32(piece))
        if isComplete { endDownload(now, &outputs) }
        for index in connections.entries.indices {
            guard let peer = connections.entries[index], peer.isActive else { continue }
            if peer.pieces.isFull || peer.pieces.contains(piece) {
                peer.usefulPieces -= 1
            } else if isComplete || !canWait(peer, for: UInt32(piece)) {
                tellNews(to: peer, now, &outputs)
            }
            reconsider(peer, now, &outputs)
        }
        if isComplete { forgetNews() }
        if isComplete {
            outputs.actions.append(.completed)
        } else if isHeldBack || hasProven {
            refillAll(now, &outputs)
        }
    }

    /// Some piece that they had a part in had its hash: they may be asked for several at a time.
    /// - Returns: whether there is anybody new among them.
    private mutating func prove(_ senders: [UInt32]) -> Bool {
        var hasProven = false
        for id in Set(senders) {
            guard let record = records[id], !record.isProven else { continue }
            record.isProven = true
            record.trialPiece = nil
            record.connection.flatMap { connections[$0] }?.dryEpoch = 0
            hasProven = true
        }
        return hasProven
    }

    private mutating func endDownload(_ now: Instant, _ outputs: inout SwarmOutputs) {
        picker = .ofNothing(geometry)
        findSoleCopies()
        for peer in connections.entries {
            guard let peer else { continue }
            peer.pipeline.removeAll()
            peer.isSnubbed = false
            if case .wanted = peer.incoming { peer.incoming = .unwanted }
            if peer.isActive { tellUploadOnly(to: peer, now, &outputs) }
        }
        announces.complete(isPartial: !isSeed)
    }

    private mutating func failed(
        _ piece: Int, _ senders: [UInt32], _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        totals.corruptBytes += Int64(geometry.length(ofPiece: piece))
        if let culprit = blame.convict(piece: piece, senders: senders) {
            picker.failed(piece, isExamined: false)
            ban(culprit, for: piece, now, &outputs)
        } else {
            picker.failed(piece, isExamined: true)
            outputs.actions.append(.fingerprint(piece: piece))
        }
        refillAll(now, &outputs)
    }

    /// The blocks of a piece are known by their fingerprints, of one that failed or of one that
    /// has its hash now.
    mutating func fingerprinted(
        _ piece: Int, _ fingerprints: [UInt64], _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if !isComplete, picker.examined(piece) {
            blame.learn(fingerprints, ofFailed: piece)
            refillAll(now, &outputs)
        } else if have.contains(piece) {
            for culprit in blame.convict(piece: piece, right: fingerprints) {
                ban(culprit, for: piece, now, &outputs)
            }
        }
    }

    /// Parts with a peer for good.
    private mutating func ban(
        _ id: UInt32, for piece: Int, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        // Who has been forgotten meanwhile is gone.
        guard let culprit = records[id], !culprit.isBanned else { return }
        culprit.isBanned = true
        connector.bar(culprit.endpoint, at: now)
        outputs.actions.append(.blamed(culprit.endpoint, piece: piece))
        if let peer = culprit.connection.flatMap({ connections[$0] }) {
            close(peer, .blamed, now, &outputs)
        }
    }
}
