/// A SHA-1 digest: 20 bytes, held inline.
package struct SHA1Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    @usableFromInline package let storage: Bytes20

    @inlinable package init(_ storage: Bytes20) {
        self.storage = storage
    }

    /// The digest of exactly 20 bytes; nil for any other number of them.
    package init?(_ bytes: some Sequence<UInt8>) {
        guard let storage = Bytes20(bytes) else { return nil }
        self.storage = storage
    }

    /// Reads 20 bytes at `offset` of `bytes`; they must be there.
    @inlinable package init(loading bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        storage = Bytes20(loading: bytes, at: offset)
    }

    /// The digest written as 40 hexadecimal digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard let storage = Bytes20(hex: hex) else { return nil }
        self.storage = storage
    }

    /// 40 lower-case hexadecimal digits.
    package var hex: String { storage.hex }

    /// The 20 bytes.
    package var bytes: [UInt8] { storage.bytes }

    /// Calls `body` with the 20 bytes, valid during the call only.
    @inlinable package func withBytes<R, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try storage.withBytes(body)
    }

    @inlinable package static func < (a: SHA1Digest, b: SHA1Digest) -> Bool {
        Bytes20.precedes(a.storage, b.storage)
    }

    package var description: String { hex }
}
