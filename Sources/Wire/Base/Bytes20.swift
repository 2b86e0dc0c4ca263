/// Twenty bytes held inline, the common shape of SHA-1 digests, info-hashes and peer ids.
///
/// The words are kept in memory order, so that the twenty bytes of a value are its memory.
package struct Bytes20: Hashable, Sendable {
    @usableFromInline package let first: UInt64
    @usableFromInline package let second: UInt64
    @usableFromInline package let third: UInt32

    /// The number of bytes: 20.
    package static let count = 20

    /// Reads 20 bytes at `offset`; the caller has checked that they are there.
    @inlinable package init(loading bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        first = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        second = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        third = bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt32.self)
    }

    /// The value of exactly 20 bytes; nil for any other number of them.
    package init?(_ bytes: some Sequence<UInt8>) {
        var buffer: [UInt8] = []
        buffer.reserveCapacity(Self.count)
        for byte in bytes {
            guard buffer.count < Self.count else { return nil }
            buffer.append(byte)
        }
        guard buffer.count == Self.count else { return nil }
        self = buffer.withUnsafeBytes { Self(loading: $0) }
    }

    /// The value of 40 hexadecimal digits in either case; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard hex.utf8.count == 2 * Self.count, let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// Calls `body` with the twenty bytes, valid during the call only.
    @inlinable package func withBytes<R, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withUnsafeBytes(of: self, body)
    }

    /// The twenty bytes as an array.
    package var bytes: [UInt8] { withBytes { [UInt8]($0) } }

    /// 40 lower-case hexadecimal digits.
    package var hex: String { withBytes { Hex.encode($0) } }

    /// Byte-wise (lexicographic) order.
    @inlinable package static func precedes(_ a: Bytes20, _ b: Bytes20) -> Bool {
        if a.first != b.first { return a.first.bigEndian < b.first.bigEndian }
        if a.second != b.second { return a.second.bigEndian < b.second.bigEndian }
        return a.third.bigEndian < b.third.bigEndian
    }

    /// A hash by two folded multiplications instead of SipHash: strangers choose these bytes, so
    /// that a per-process secret takes part, without which collisions can't be prepared.
    @inlinable package func foldedHash(seed: Int) -> Int {
        let secret = HashSecret.process
        let high = (first ^ secret.first).multipliedFullWidth(by: second ^ secret.second)
        let folded = high.high ^ high.low
        let word = folded ^ UInt64(third) ^ UInt64(bitPattern: Int64(seed))
        let low = (word ^ secret.second).multipliedFullWidth(by: secret.first | 1)
        return Int(truncatingIfNeeded: low.high ^ low.low)
    }
}

/// Random numbers drawn once a process, which keep prepared hash collisions out.
@usableFromInline package struct HashSecret: Sendable {
    @usableFromInline package let first: UInt64
    @usableFromInline package let second: UInt64

    @usableFromInline package static let process = HashSecret(
        first: UInt64.random(in: .min ... .max), second: UInt64.random(in: .min ... .max))
}
