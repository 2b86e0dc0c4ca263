import Wire

/// The connection ids of BEP 15: they prove that a client receives at the address it sends from.
/// Nothing is kept for a client: an id is a keyed hash of its address and of the time window in
/// which it was given.
package struct ConnectionIDs: Sendable {
    private let key: (UInt64, UInt64)
    private let windowNanoseconds: Int64

    /// Windows in the lifetime of an id: it counts for as many whole ones after its own.
    private static let windowsKept: Int64 = 4

    /// - Parameters:
    ///   - lifetime: how long an id counts at least; at most a quarter longer. BEP 15 says two
    ///     minutes, and clients exist that use one for five.
    ///   - generator: a cryptographic one; whoever knows what it gave can forge ids.
    package init(lifetime: Duration, random generator: inout some RandomNumberGenerator) {
        precondition(lifetime > .zero, "an id must count for some time")
        key = (generator.next(), generator.next())
        windowNanoseconds = max(1, lifetime.nanosecondsSaturating / Self.windowsKept)
    }

    /// The id for a client at this address.
    package func id(for address: IPAddress, at now: Instant) -> UInt64 {
        let window = window(at: now)
        return keyedHash(address, window: window) & ~0xff | UInt64(window & 0xff)
    }

    /// Whether the id was given to this address and still counts.
    package func isValid(_ id: UInt64, for address: IPAddress, at now: Instant) -> Bool {
        let current = window(at: now)
        // The low byte tells the window it is said to be of: the last one with that byte.
        let window = current - (current - Int64(id & 0xff)) & 0xff
        guard current - window <= Self.windowsKept, window >= 0 else { return false }
        return keyedHash(address, window: window) & ~0xff == id & ~0xff
    }

    private func window(at now: Instant) -> Int64 { now.nanoseconds / windowNanoseconds }

    /// SipHash (the standard library's `Hasher`) under a key of 128 bits, and the process's own.
    private func keyedHash(_ address: IPAddress, window: Int64) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(key.0)
        hasher.combine(key.1)
        hasher.combine(address)
        hasher.combine(window)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
