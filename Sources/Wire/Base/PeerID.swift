/// A peer id: 20 bytes, chosen by each client anew when it starts (BEP 3).
package struct PeerID: Hashable, Sendable, CustomStringConvertible {
    @usableFromInline package let storage: Bytes20

    @inlinable package init(_ storage: Bytes20) {
        self.storage = storage
    }

    /// The peer id of exactly 20 bytes; nil for any other number of them.
    package init?(_ bytes: some Sequence<UInt8>) {
        guard let storage = Bytes20(bytes) else { return nil }
        self.storage = storage
    }

    /// Reads 20 bytes at `offset` of `bytes`; they must be there.
    @inlinable package init(loading bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
        storage = Bytes20(loading: bytes, at: offset)
    }

    /// The peer id written as 40 hexadecimal digits; nil for anything else.
    package init?(hex: some StringProtocol) {
        guard let storage = Bytes20(hex: hex) else { return nil }
        self.storage = storage
    }

    /// A new id of this client: `-MT0100-` (BEP 20) and twelve random letters and digits.
    package init(random generator: inout some RandomNumberGenerator) {
        var bytes = [UInt8](Self.clientPrefix.utf8)
        let alphabet = Self.alphabet
        while bytes.count < Bytes20.count {
            bytes.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
        }
        storage = bytes.withUnsafeBytes { Bytes20(loading: $0) }
    }

    /// The part of this client's peer ids that names the client and its version (BEP 20).
    package static let clientPrefix = "-MT0100-"

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

    @inlinable package func _rawHashValue(seed: Int) -> Int { storage.foldedHash(seed: seed) }

    /// The id with everything but printable ASCII percent-encoded.
    package var description: String {
        withBytes { bytes in
            bytes.reduce(into: "") { text, byte in
                if byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%") {
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                } else {
                    text += "%" + Hex.encode(CollectionOfOne(byte))
                }
            }
        }
    }

    private static let alphabet = [UInt8](
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
}
