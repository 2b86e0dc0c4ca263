import Wire

// The fast extension (BEP 6): what one has in one message, no request without an answer, and
// pieces that may be asked for while choked.
extension Swarm {
    /// What we have, the first message after the handshake (BEP 3, BEP 6).
    mutating func tellPieces(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        if peer.speaksFast, have.isFull {
            send(.haveAll, to: peer, now, &outputs)
        } else if peer.speaksFast, have.isEmpty {
            send(.haveNone, to: peer, now, &outputs)
        } else if !have.isEmpty {
            send(.bitfield(have.wireBytes), to: peer, now, &outputs)
        }
    }

    /// A message of the fast extension; nobody may send one who hasn't agreed to it.
    mutating func handleFast(
        _ message: PeerMessage, from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        guard peer.speaksFast else { return close(peer, .notNegotiated, now, &outputs) }
        switch message {
        case .haveAll:
            learned(fullBitfield, of: peer, now, &outputs)
        case .haveNone:
            learned(emptyBitfield, of: peer, now, &outputs)
        case .reject(let request):
            rejected(request, from: peer, now)
        case .allowedFast(let piece):
            allowed(piece, by: peer)
        case .suggest(let piece):
            suggested(piece, by: peer, now)
        default:
            preconditionFailure("not a message of the fast extension")
        }
    }

    /// A hint only: what it was told last counts, and what isn't started.
    private mutating func suggested(_ piece: UInt32, by peer: PeerConnection, _ now: Instant) {
        guard !isComplete, Int(piece) < geometry.pieceCount, !peer.suggested.contains(piece) else {
            return
        }
        peer.suggested.removeAll { !picker.wanted.contains(Int($0)) }
        if peer.suggested.count == configuration.maxSuggested { peer.suggested.removeFirst() }
        peer.suggested.append(piece)
        peer.isGuidingUntil = now.advanced(by: Self.guidingTime)
    }

    /// How long a suggestion shows that others will follow.
    private static let guidingTime = Duration.seconds(5)

    private mutating func allowed(_ piece: UInt32, by peer: PeerConnection) {
        guard Int(piece) < geometry.pieceCount, !peer.allowedFast.contains(piece),
            peer.allowedFast.count < configuration.maxAllowedFast
        else { return }
        peer.allowedFast.append(piece)
        peer.dryEpoch = 0
    }

    /// Says that a request won't be answered, to those who understand it.
    mutating func reject(
        _ request: BlockRequest, of peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        if peer.speaksFast { send(.reject(request), to: peer, now, &outputs) }
    }

    /// Lets a peer that has hardly anything ask for a few pieces while it is choked, so that it
    /// soon has something to give. Each of their bytes is given once at most.
    mutating func grantFastPieces(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        let count = min(
            configuration.allowedFastCount, configuration.allowedFastBytes / geometry.pieceLength)
        guard peer.speaksFast, peer.amChoking, peer.grantedFast.isEmpty,
            peer.pieces.setCount < count, geometry.pieceCount > count
        else { return }
        let pieces = AllowedFastSet.pieces(
            count: count, of: geometry.pieceCount, infoHash: geometry.infoHash,
            address: peer.endpoint.address)
        // What nobody else has isn't given to everyone alike: it would leave too late.
        for piece in pieces
        where have.contains(Int(piece)) && !soleCopies.contains(Int(piece)) {
            peer.grantedFast.append(piece)
            peer.grantedBytes += geometry.length(ofPiece: Int(piece))
            send(.allowedFast(piece), to: peer, now, &outputs)
        }
    }

    /// Whether a choked peer may have this; counts it if so.
    mutating func takeGrant(of request: BlockRequest, by peer: PeerConnection) -> Bool {
        guard peer.grantedFast.contains(request.piece),
            peer.grantedBytes >= Int(request.length)
        else { return false }
        peer.grantedBytes -= Int(request.length)
        return true
    }
}
