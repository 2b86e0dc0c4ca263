import Wire

/// How many of something, such as connections, each address has.
package struct AddressCounts: Sendable {
    private var counts: [AddressKey: Int] = [:]

    package init() {}

    /// Counts one more, unless the address has `limit` of them.
    /// - Returns: whether it was counted.
    package mutating func add(_ address: IPAddress, limit: Int) -> Bool {
        let key = AddressKey(address)
        let count = counts[key] ?? 0
        guard count < limit else { return false }
        counts[key] = count + 1
        return true
    }

    /// One that was counted is gone.
    package mutating func remove(_ address: IPAddress) {
        let key = AddressKey(address)
        guard let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }

    /// Addresses that have any.
    package var addressCount: Int { counts.count }
}
