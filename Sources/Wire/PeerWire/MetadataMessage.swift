/// A message of the metadata exchange, by which peers pass on the info dictionary in pieces of
/// 16 KiB (BEP 9): the payload of the extension message `ut_metadata`.
package enum MetadataMessage: Hashable, Sendable {
    case request(piece: Int)
    /// A piece, and the bytes of all of them together.
    case data(piece: Int, totalSize: Int, bytes: [UInt8])
    /// The piece won't be sent.
    case reject(piece: Int)
    /// A kind not known here, to be passed over.
    case unknown

    /// The extension message's name in the extension handshake's `m`.
    package static let name = "ut_metadata"

    /// Bytes of every piece but the last.
    package static let pieceLength = 16 << 10

    /// The most bytes of all pieces together that are asked for or offered.
    package static let maxTotalSize = 16 << 20

    /// The bencoded dictionary, and behind it the piece of a `data` message.
    package func encoded() -> [UInt8] {
        var dictionary = BencodeDictionary()
        var tail: [UInt8] = []
        switch self {
        case .request(let piece):
            dictionary["msg_type"] = .integer(0)
            dictionary["piece"] = .integer(Int64(piece))
        case .data(let piece, let totalSize, let bytes):
            dictionary["msg_type"] = .integer(1)
            dictionary["piece"] = .integer(Int64(piece))
            dictionary["total_size"] = .integer(Int64(totalSize))
            tail = bytes
        case .reject(let piece):
            dictionary["msg_type"] = .integer(2)
            dictionary["piece"] = .integer(Int64(piece))
        case .unknown:
            break
        }
        return Bencode.dictionary(dictionary).encoded() + tail
    }

    /// Reads the payload of an extension message; throws where it doesn't begin with a bencoded
    /// dictionary. A known kind without its numbers is unknown.
    package init(decoding payload: [UInt8]) throws(BencodeError) {
        let limits = Bencode.Limits(maxDepth: 4, maxBytes: 64 << 10, maxItems: 100)
        let (value, length) = try Bencode.decodePrefix(payload, limits: limits)
        guard let dictionary = value.dictionary else { throw .unexpectedByte(payload[0], at: 0) }
        guard let piece = dictionary["piece"]?.integer.flatMap({ Int32(exactly: $0) }), piece >= 0
        else {
            self = .unknown
            return
        }
        switch dictionary["msg_type"]?.integer {
        case 0: self = .request(piece: Int(piece))
        case 1:
            guard let size = dictionary["total_size"]?.integer.flatMap({ Int32(exactly: $0) }),
                size > 0
            else {
                self = .unknown
                return
            }
            self = .data(
                piece: Int(piece), totalSize: Int(size), bytes: Array(payload[length...]))
        case 2: self = .reject(piece: Int(piece))
        default: self = .unknown
        }
    }
}
