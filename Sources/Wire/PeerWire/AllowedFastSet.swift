/// The pieces that a peer may ask for while it is choked (BEP 6, "Allowed Fast Set Generation").
package enum AllowedFastSet {
    /// The set for the peer at an address, in the order in which it is made: `count` of the
    /// torrent's `pieceCount` pieces, or all if there are fewer. The same for all peers of one
    /// /24 network, so that many addresses bring no more. Empty for IPv6, of which the BEP
    /// says nothing.
    package static func pieces(
        count: Int, of pieceCount: Int, infoHash: InfoHash, address: IPAddress
    ) -> [UInt32] {
        guard let ipv4 = address.ipv4 else { return [] }
        var seed: [UInt8] = []
        seed.appendBigEndian(ipv4 & 0xffff_ff00)
        seed += infoHash.bytes
        var pieces: [UInt32] = []
        let wanted = min(count, pieceCount)
        while pieces.count < wanted {
            seed = SHA1Hasher.hash(seed).bytes
            for offset in stride(from: 0, to: 20, by: 4) where pieces.count < wanted {
                let word = seed.withUnsafeBytes { $0.loadBigEndian(at: offset, as: UInt32.self) }
                let piece = word % UInt32(pieceCount)
                if !pieces.contains(piece) { pieces.append(piece) }
            }
        }
        return pieces
    }
}
