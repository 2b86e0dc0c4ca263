/// The messages of the peer wire protocol but `piece`, whose payload is never held (BEP 3, 5, 6, 10).
package enum PeerMessage: Hashable, Sendable {
    case keepAlive
    case choke
    case unchoke
    case interested
    case notInterested
    /// The sender now has this piece.
    case have(UInt32)
    /// The pieces the sender has: the high bit of the first byte is piece 0.
    case bitfield([UInt8])
    case request(BlockRequest)
    case cancel(BlockRequest)
    /// The UDP port of the sender's DHT node (BEP 5).
    case port(UInt16)
    /// Have a look at this piece: the sender would like to send it (BEP 6).
    case suggest(UInt32)
    /// Instead of `bitfield`: the sender has every piece, or none (BEP 6).
    case haveAll
    case haveNone
    /// This request won't be answered (BEP 6).
    case reject(BlockRequest)
    /// This piece may be asked for while choked (BEP 6).
    case allowedFast(UInt32)
    /// An extension's message: 0 is the handshake, others are the receiver's own ids (BEP 10).
    case extended(id: UInt8, payload: [UInt8])
    /// A message of a kind not known here, skipped.
    case unknown(id: UInt8)

    /// The first byte of a message after its length.
    package enum ID {
        package static let choke: UInt8 = 0
        package static let unchoke: UInt8 = 1
        package static let interested: UInt8 = 2
        package static let notInterested: UInt8 = 3
        package static let have: UInt8 = 4
        package static let bitfield: UInt8 = 5
        package static let request: UInt8 = 6
        package static let piece: UInt8 = 7
        package static let cancel: UInt8 = 8
        package static let port: UInt8 = 9
        package static let suggest: UInt8 = 13
        package static let haveAll: UInt8 = 14
        package static let haveNone: UInt8 = 15
        package static let reject: UInt8 = 16
        package static let allowedFast: UInt8 = 17
        package static let extended: UInt8 = 20
    }

    /// Appends the message with its length prefix. An `unknown` one is written without payload.
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .keepAlive: bytes.appendBigEndian(UInt32(0))
        case .choke: Self.begin(ID.choke, payload: 0, &bytes)
        case .unchoke: Self.begin(ID.unchoke, payload: 0, &bytes)
        case .interested: Self.begin(ID.interested, payload: 0, &bytes)
        case .notInterested: Self.begin(ID.notInterested, payload: 0, &bytes)
        case .haveAll: Self.begin(ID.haveAll, payload: 0, &bytes)
        case .haveNone: Self.begin(ID.haveNone, payload: 0, &bytes)
        case .have(let piece): Self.append(ID.have, piece, &bytes)
        case .suggest(let piece): Self.append(ID.suggest, piece, &bytes)
        case .allowedFast(let piece): Self.append(ID.allowedFast, piece, &bytes)
        case .bitfield(let bits):
            Self.begin(ID.bitfield, payload: bits.count, &bytes)
            bytes.append(contentsOf: bits)
        case .request(let block): Self.append(ID.request, block, &bytes)
        case .cancel(let block): Self.append(ID.cancel, block, &bytes)
        case .reject(let block): Self.append(ID.reject, block, &bytes)
        case .port(let port):
            Self.begin(ID.port, payload: 2, &bytes)
            bytes.appendBigEndian(port)
        case .extended(let id, let payload):
            Self.begin(ID.extended, payload: payload.count + 1, &bytes)
            bytes.append(id)
            bytes.append(contentsOf: payload)
        case .unknown(let id): Self.begin(id, payload: 0, &bytes)
        }
    }

    /// The message with its length prefix.
    package func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    /// The bytes of a `piece` message before the block: length, id, index and begin.
    package static let pieceHeaderLength = 13

    /// The 13 bytes that precede the block's own in a `piece` message.
    package static func pieceHeader(for block: BlockRequest) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: pieceHeaderLength) { buffer, count in
            writePieceHeader(for: block, to: UnsafeMutableRawPointer(buffer.baseAddress!))
            count = pieceHeaderLength
        }
    }

    /// Writes the same to memory that has room for it.
    @inlinable package static func writePieceHeader(
        for block: BlockRequest, to bytes: UnsafeMutableRawPointer
    ) {
        bytes.storeBytes(of: (9 &+ block.length).bigEndian, as: UInt32.self)
        bytes.storeBytes(of: 7, toByteOffset: 4, as: UInt8.self)
        bytes.storeBytes(of: block.piece.bigEndian, toByteOffset: 5, as: UInt32.self)
        bytes.storeBytes(of: block.begin.bigEndian, toByteOffset: 9, as: UInt32.self)
    }

    /// The bytes of a `request`.
    package static let requestLength = 17

    /// The `request` that begins at an offset; nil where another message does, or a part of one.
    @inlinable package static func request(
        in bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> BlockRequest? {
        guard bytes.count - offset >= 17, bytes.loadBigEndian(at: offset, as: UInt32.self) == 13,
            bytes[offset + 4] == 6
        else { return nil }
        return BlockRequest(
            piece: bytes.loadBigEndian(at: offset + 5, as: UInt32.self),
            begin: bytes.loadBigEndian(at: offset + 9, as: UInt32.self),
            length: bytes.loadBigEndian(at: offset + 13, as: UInt32.self))
    }

    /// The bytes of a `have`.
    package static let haveLength = 9

    /// The piece of the `have` that begins at an offset; nil where another message does, or a part
    /// of one.
    @inlinable package static func have(
        in bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> UInt32? {
        guard bytes.count - offset >= 9, bytes.loadBigEndian(at: offset, as: UInt32.self) == 5,
            bytes[offset + 4] == 4
        else { return nil }
        return bytes.loadBigEndian(at: offset + 5, as: UInt32.self)
    }

    private static func begin(_ id: UInt8, payload count: Int, _ bytes: inout [UInt8]) {
        bytes.appendBigEndian(UInt32(count + 1))
        bytes.append(id)
    }

    private static func append(_ id: UInt8, _ piece: UInt32, _ bytes: inout [UInt8]) {
        begin(id, payload: 4, &bytes)
        bytes.appendBigEndian(piece)
    }

    private static func append(_ id: UInt8, _ block: BlockRequest, _ bytes: inout [UInt8]) {
        begin(id, payload: 12, &bytes)
        bytes.appendBigEndian(block.piece)
        bytes.appendBigEndian(block.begin)
        bytes.appendBigEndian(block.length)
    }
}
