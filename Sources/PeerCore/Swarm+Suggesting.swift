import Wire

// What a seeder would like to be asked for (BEP 6, `suggest`). Nobody completes before every piece
// has left it once: as long as it has the only copy of some, what it gives twice holds up everyone.
extension Swarm {
    /// Suggestions that a peer has at a time, so that it never lacks one: for this many bytes, as
    /// far as it keeps so many.
    private static let suggestedBytes = 256 << 10

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
        let usual = max(2, Self.suggestedBytes / geometry.pieceLength)
        let count = min(usual, configuration.maxSuggested)
        while peer.told.count < count, let piece = soleCopies.next() {
            peer.told.append(UInt32(piece))
            send(.suggest(UInt32(piece)), to: peer, now, &outputs)
        }
    }

    /// The peer is getting a piece, or has it already.
    mutating func tookUp(
        _ piece: UInt32, _ peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        soleCopies.give(Int(piece))
        guard let index = peer.told.firstIndex(of: piece) else { return }
        peer.told.remove(at: index)
        suggest(to: peer, now, &outputs)
    }

    /// Others may be told of what a peer that leaves hasn't taken up.
    mutating func takeBackSuggestions(of peer: PeerConnection) {
        for piece in peer.told { soleCopies.takeBack(Int(piece)) }
        peer.told = []
    }
}
