/// The first 68 bytes each side of a peer connection sends (BEP 3).
package struct Handshake: Hashable, Sendable {
    /// The eight reserved bytes as a number in network order.
    package var reserved: UInt64
    package var infoHash: InfoHash
    package var peerID: PeerID

    package init(reserved: UInt64 = 0, infoHash: InfoHash, peerID: PeerID) {
        self.reserved = reserved
        self.infoHash = infoHash
        self.peerID = peerID
    }

    /// The number of bytes of a handshake.
    package static let length = 68

    /// The first byte of a handshake, which tells it from TLS (0x16) and HTTP on the same port.
    package static let firstByte: UInt8 = 19

    /// The reserved bit of the extension protocol: byte 5, 0x10 (BEP 10).
    package static let extensionProtocolBit: UInt64 = 0x10_0000

    /// The reserved bit of the fast extension: byte 7, 0x04 (BEP 6).
    package static let fastExtensionBit: UInt64 = 0x04

    /// Whether the sender speaks the extension protocol (BEP 10).
    package var supportsExtensionProtocol: Bool {
        get { reserved & Self.extensionProtocolBit != 0 }
        set { setReserved(Self.extensionProtocolBit, newValue) }
    }

    /// Whether the sender speaks the fast extension (BEP 6).
    package var supportsFastExtension: Bool {
        get { reserved & Self.fastExtensionBit != 0 }
        set { setReserved(Self.fastExtensionBit, newValue) }
    }

    /// Appends the 68 bytes.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(contentsOf: Self.preamble)
        bytes.appendBigEndian(reserved)
        infoHash.withBytes { bytes.append(contentsOf: $0) }
        peerID.withBytes { bytes.append(contentsOf: $0) }
    }

    /// The 68 bytes.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        encode(into: &bytes)
        return bytes
    }

    /// Reads exactly 68 bytes.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Handshake {
        guard bytes.count == length else {
            throw .wrongHandshakeLength(bytes.count)
        }
        guard isPrefix(bytes) else { throw .unknownProtocol }
        return Handshake(
            reserved: bytes.loadBigEndian(at: 20, as: UInt64.self),
            infoHash: InfoHash(loading: bytes, at: 28),
            peerID: PeerID(loading: bytes, at: 48))
    }

    /// Reads exactly 68 bytes.
    package static func decode(_ bytes: [UInt8]) throws(WireError) -> Handshake {
        try bytes.withRawBytes { (raw) throws(WireError) in try decode(raw) }
    }

    /// Whether bytes received so far, even if fewer than 68, can be a handshake's beginning.
    package static func isPrefix(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.prefix(preamble.count).elementsEqual(preamble.prefix(bytes.count))
    }

    private mutating func setReserved(_ bit: UInt64, _ isSet: Bool) {
        if isSet { reserved |= bit } else { reserved &= ~bit }
    }

    private static let preamble = [firstByte] + [UInt8]("BitTorrent protocol".utf8)
}
