import Wire

/// Who counts as one address where limits are kept: an IPv4 address, or the 64 bits that an IPv6
/// host's network has in common, since a host has as many of the rest as it likes.
package struct AddressKey: Hashable, Sendable {
    private let word: UInt64

    package init(_ address: IPAddress) {
        // No network of IPv6 begins with the 32 zero bits.
        word = address.ipv4.map { UInt64($0) } ?? address.high
    }

    /// Cheaper than the default; strangers choose addresses, so the process's secret takes part.
    package func _rawHashValue(seed: Int) -> Int {
        let secret = HashSecret.process
        let product = (word ^ secret.first).multipliedFullWidth(by: secret.second | 1)
        return Int(truncatingIfNeeded: product.high ^ product.low ^ UInt64(seed.magnitude))
    }
}
