import Wire

/// One run of one tracker, named by 8 random bytes: another run of the same tracker is another.
package struct TrackerInstance: Hashable, Sendable, CustomStringConvertible {
    private let number: UInt64

    package init(random generator: inout some RandomNumberGenerator) { number = generator.next() }

    /// The name made of exactly 8 bytes; nil for any other number of them.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 8 else { return nil }
        number = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(number)
        return bytes
    }

    /// 16 hex digits.
    package var description: String { Hex.encode(bytes) }
}
