import Wire

// What a seeder would like to be asked for (BEP 6, `suggest`). Nobody completes before every piece
// has left it once: as long as it has the only copy of some, what it gives twice holds up everyone.
extension Swarm {
    /// Looks for the pieces that nobody else has, once everything that is wanted is there.
    mutating func findSoleCopies() {
        soleCopies = SoleCopies(have, cursor: Int(ownID.bytes[19]) << 8 | Int(ownID.bytes[18]))
        for peer in connections.entries {
            if let peer, peer.isActive { soleCopies.remove(peer.pieces) }
        }
    }

    /// Tells an unchoked peer of pieces that no other one was told of. A peer that is alone gets
    /// everything once anyway.
    mutating func suggest(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !soleCopies.isEmpty, peer.speaksFast, !peer.amChoking, holdingCount > 1 else {
            return
        }
        let count = suggestionCount(for: peer, now)
        while peer.told.count < count, let piece = soleCopies.next(for: peer.record.id) {
            peer.told.append(UInt32(piece))
            send(.suggest(UInt32(piece)), to: peer, now, &outputs)
        }
    }

    /// Suggestions that a peer has at a time, so that it never lacks one: for what it takes in half
    /// a second. What it is told of and hasn't asked for waits for it alone.
    private func suggestionCount(for peer: PeerConnection, _ now: Instant) -> Int {
        let elapsed = max(now.nanoseconds - peer.choiceAt.nanoseconds, 1_000_000_000)
        let rate = Double(peer.servedBytes) * 1e9 / Double(elapsed)
        return min(2 + Int(rate / 2) / geometry.pieceLength, configuration.maxSuggested)
    }

    /// The peer is getting a piece, or has it already.
    mutating func tookUp(
        _ piece: UInt32, _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if soleCopies.give(Int(piece), to: peer.record.id) { peer.heldBackCount = 0 }
        guard let index = peer.told.firstIndex(of: piece) else { return }
        peer.told.remove(at: index)
        suggest(to: peer, now, &outputs)
    }

    /// Whether a peer may get a piece elsewhere, and what nobody has could go out instead, while
    /// others wait. One that asks for such pieces again and again doesn't know what a suggestion is.
    @inline(__always)
    func isHeldBack(_ piece: UInt32, from peer: PeerConnection) -> Bool {
        soleCopies.hasUntold && waitingCount > 0 && peer.speaksFast
            && (peer.heldBackCount < Self.mostHeldBack || piece == peer.lastHeldBack)
            && soleCopies.isElsewhere(Int(piece), than: peer.record.id)
    }

    private static let mostHeldBack = 8

    /// Rejects a request for what is to be got elsewhere, and says what to ask for instead.
    mutating func holdBack(
        _ request: BlockRequest, of peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        if request.piece != peer.lastHeldBack { peer.heldBackCount += 1 }
        peer.lastHeldBack = request.piece
        reject(request, of: peer, now, &outputs)
        suggest(to: peer, now, &outputs)
    }

    /// Others may be told of what a peer that is choked, or leaves, won't get.
    mutating func takeBackSuggestions(of peer: PeerConnection) {
        guard !soleCopies.isEmpty else { return }
        for piece in peer.told { soleCopies.takeBack(Int(piece)) }
        for index in 0..<peer.uploadQueue.count {
            soleCopies.takeBack(Int(peer.uploadQueue[index].piece))
        }
        peer.told = []
    }

    /// What peers were told of long ago and haven't fetched, others are told of.
    mutating func suggestAgain(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard !soleCopies.isEmpty else { return }
        soleCopies.endRound()
        for peer in connections.entries {
            guard let peer, peer.isActive else { continue }
            suggest(to: peer, now, &outputs)
        }
    }
}
