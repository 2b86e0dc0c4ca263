import Wire

/// One connection of a metadata fetch: what it has said, and the copy that it is sending.
final class MetadataPeer {
    enum Phase {
        /// Exits: `introduced`.
        case awaitingHandshake
        /// It speaks the extension protocol; what it offers isn't known yet. Exits: `offering`.
        case introduced
        /// It has the info dictionary. Exits: `sending`.
        case offering(Offer)
        /// It has been asked for it.
        case sending(Offer)
    }

    /// The peer's id of `ut_metadata`, and the bytes it says there are.
    struct Offer {
        let messageID: UInt8
        let size: Int

        var pieceCount: Int {
            (size + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
        }

        func length(ofPiece piece: Int) -> Int {
            min(MetadataMessage.pieceLength, size - piece * MetadataMessage.pieceLength)
        }
    }

    let id: ConnectionID
    let endpoint: Endpoint
    let isOutgoing: Bool
    /// Where it is called: dialled, or told in its extension handshake.
    var listenEndpoint: Endpoint?
    var phase = Phase.awaitingHandshake
    var peerID: PeerID?
    var handshakeBytes: [UInt8] = []
    var decoder: PeerMessageDecoder
    /// Since when the present phase lasts, or its last piece came.
    var lastProgressAt: Instant

    /// The copy as far as it has come, piece after piece; those that came early are in `early`.
    var copy: [UInt8] = []
    var early: [Int: [UInt8]] = [:]
    var nextRequest = 0

    init(id: ConnectionID, endpoint: Endpoint, isOutgoing: Bool, now: Instant) {
        self.id = id
        self.endpoint = endpoint
        self.isOutgoing = isOutgoing
        listenEndpoint = isOutgoing ? endpoint : nil
        lastProgressAt = now
        // A bitfield of as many pieces as the longest info dictionary has hashes for fits.
        decoder = PeerMessageDecoder(maxFrameLength: 128 << 10, maxBlockLength: 1)
    }

    var isSending: Bool {
        if case .sending = phase { true } else { false }
    }

    /// Pieces of the copy that are there in order.
    var completeCount: Int {
        (copy.count + MetadataMessage.pieceLength - 1) / MetadataMessage.pieceLength
    }

    /// Takes a piece that was asked for. False for anything else.
    func take(_ piece: Int, _ bytes: [UInt8], of offer: Offer) -> Bool {
        guard piece >= completeCount, piece < nextRequest, early[piece] == nil,
            bytes.count == offer.length(ofPiece: piece)
        else { return false }
        early[piece] = bytes
        while let next = early.removeValue(forKey: completeCount) { copy += next }
        return true
    }
}
