import Wire

/// The pieces of the info dictionary that one peer waits for.
struct MetadataQueue {
    var pieces = Queue<Int>()
    /// Pieces sent on this connection.
    var sentCount = 0
    /// Some are with the driver, which hasn't reported `drained` yet.
    var isAwaitingDrain = false
}

// Passing on the info dictionary (BEP 9), of torrents that aren't private only.
extension Swarm {
    /// Our id of the extension message `ut_metadata`.
    static let metadataMessageID: UInt8 = 1
    /// Pieces of 16 KiB that a peer may wait for, and that are handed out at a time.
    static let maxMetadataQueue = 64
    static let metadataBatch = 4

    var metadataPieceCount: Int {
        (metadata.count + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
    }

    mutating func readMetadataMessage(
        _ payload: [UInt8], from peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        // We ask for none, so that answers aren't for us.
        guard case .request(let piece)? = try? MetadataMessage(decoding: payload),
            peer.metadataID != 0
        else {
            peer.stateMessages += 1
            return
        }
        // Whoever needs a piece again and again isn't given it for ever.
        guard piece < metadataPieceCount, peer.metadata.pieces.count < Self.maxMetadataQueue,
            peer.metadata.sentCount < 4 * metadataPieceCount
        else {
            peer.stateMessages += 1
            return send(.reject(piece: piece), to: peer, now, &outputs)
        }
        peer.metadata.pieces.append(piece)
        serveMetadata(to: peer, now, &outputs)
    }

    /// Hands out pieces, a few at a time.
    mutating func serveMetadata(
        to peer: PeerConnection, _ now: Instant, _ outputs: inout SwarmOutputs
    ) {
        guard !peer.metadata.isAwaitingDrain, !peer.metadata.pieces.isEmpty else { return }
        for _ in 0..<min(Self.metadataBatch, peer.metadata.pieces.count) {
            let piece = peer.metadata.pieces.removeFirst()
            let begin = piece * MetadataMessage.pieceLength
            let end = min(begin + MetadataMessage.pieceLength, metadata.count)
            let bytes = [UInt8](metadata[begin..<end])
            send(
                .data(piece: piece, totalSize: metadata.count, bytes: bytes), to: peer, now,
                &outputs)
            peer.metadata.sentCount += 1
        }
        peer.metadata.isAwaitingDrain = true
        outputs.actions.append(.reportDrained(peer.id))
    }

    private mutating func send(
        _ message: MetadataMessage, to peer: PeerConnection, _ now: Instant,
        _ outputs: inout SwarmOutputs
    ) {
        send(
            .extended(id: peer.metadataID, payload: message.encoded()), to: peer, now, &outputs)
    }
}
