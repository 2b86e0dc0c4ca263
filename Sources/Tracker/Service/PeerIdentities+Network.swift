import TrackerCore

extension PeerIdentities {
    /// Those that all trackers of a network give.
    /// - Parameter secret: 16 bytes.
    init(networkSecret secret: [UInt8]) {
        precondition(secret.count == 16, "a network's secret has 16 bytes")
        let words = secret.withUnsafeBytes {
            (
                $0.loadUnaligned(as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        self.init(key: (UInt64(littleEndian: words.0), UInt64(littleEndian: words.1)))
    }
}
