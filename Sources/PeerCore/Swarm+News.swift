import Wire

// When peers are told of pieces that have come (BEP 3, `have`). Most don't need to know at once:
// several then go together, in one packet or with a block, and some needn't be told any more.
extension Swarm {
    /// How long peers may wait.
    private static let newsInterval = Duration.seconds(1)
    /// Who begins has too little yet that others could be busy with.
    private static let fewestPieces = 16

    /// Whether a peer does nothing else for not knowing of a piece: it is interested anyway, and
    /// has to wait for a slot, or for what it has asked for. One that is nearly complete may need
    /// just this piece.
    func canWait(_ peer: PeerConnection, for piece: UInt32) -> Bool {
        peer.peerIsInterested && (peer.amChoking || !peer.uploadQueue.isEmpty)
            && have.setCount >= Self.fewestPieces
            && 8 * peer.pieces.setCount < 7 * geometry.pieceCount
            && !peer.grantedFast.contains(piece)
    }

    /// Tells a peer of all that it hasn't been told of and hasn't got meanwhile.
    mutating func tellNews(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard peer.toldNews < news.count else { return }
        let start = outputs.bytes.count
        for piece in news[peer.toldNews...] where !peer.pieces.contains(Int(piece)) {
            PeerMessage.have(piece).encode(into: &outputs.bytes)
        }
        peer.toldNews = news.count
        guard outputs.bytes.count > start else { return }
        outputs.send(peer.id, from: start)
        peer.lastSentAt = now
    }

    /// Tells everyone now and then.
    mutating func tellWaiting(_ now: Instant, _ outputs: inout SwarmOutputs) {
        guard nextNews <= now, !news.isEmpty else { return }
        nextNews = now.advanced(by: Self.newsInterval)
        for peer in connections.entries {
            if let peer, peer.isActive { tellNews(to: peer, now, &outputs) }
        }
    }

    /// Everyone knows of everything.
    mutating func forgetNews() {
        news = []
        for peer in connections.entries { peer?.toldNews = 0 }
    }
}
