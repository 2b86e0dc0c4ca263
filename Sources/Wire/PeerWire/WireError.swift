/// Why bytes of a peer aren't the peer wire protocol (BEP 3). The connection is to be closed.
package enum WireError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Fewer or more bytes than the 68 of a handshake.
    case wrongHandshakeLength(Int)
    /// The first 20 bytes of the handshake are not 0x13 "BitTorrent protocol".
    case unknownProtocol
    /// A frame of a kind that has no fixed length is longer than its owner allows.
    case frameTooLong(length: Int, limit: Int)
    /// A `piece` message carries a longer block than its owner allows.
    case blockTooLong(length: Int, limit: Int)
    /// The length of the frame is not possible for a message of this kind.
    case wrongLength(id: UInt8, length: Int)

    package var description: String {
        switch self {
        case .wrongHandshakeLength(let count):
            "a handshake has 68 bytes, not \(count)"
        case .unknownProtocol:
            "not a BitTorrent handshake"
        case .frameTooLong(let length, let limit):
            "a message of \(length) bytes, where at most \(limit) are allowed"
        case .blockTooLong(let length, let limit):
            "a block of \(length) bytes, where at most \(limit) are allowed"
        case .wrongLength(let id, let length):
            "message \(id) can't have \(length) bytes"
        }
    }
}
