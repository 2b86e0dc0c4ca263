/// Incremental decoder of what follows the handshake on a peer connection (BEP 3, 6).
///
/// Blocks are never buffered: the payload of a `piece` message is handed on as ranges of the
/// buffer it arrived in. Other frames are kept until whole; they are bounded by `maxFrameLength`.
package struct PeerMessageDecoder {
    /// The longest frame (without its length prefix) of a kind that has no fixed length:
    /// `bitfield`, `extended` and unknown kinds. May be set between calls.
    package var maxFrameLength: Int
    /// The longest block a `piece` message may carry. May be set between calls.
    package var maxBlockLength: Int

    private var state = State.head
    /// The beginning of the present frame, as far as it is needed: 17 bytes make a `request`.
    private var head: (UInt64, UInt64, UInt64) = (0, 0, 0)
    private var headCount = 0
    /// What has arrived of a `bitfield` or `extended` message.
    private var body: [UInt8] = []

    private enum State {
        /// Length, id and the fields of fixed-length messages. Exits: every other state.
        case head
        /// The payload of a message with variable length. Exits: `head`.
        case body(id: UInt8, length: Int)
        /// The payload of a message of unknown kind. Exits: `head`.
        case skipping(id: UInt8, remaining: Int)
        /// The payload of a `piece` message. Exits: `head`.
        case block(BlockRequest, offset: Int)
        /// Nothing more can be understood. No exits.
        case failed(WireError)
    }

    /// What was found in the bytes.
    package enum Event: Equatable, Sendable {
        case message(PeerMessage)
        /// A part of a block (named with its whole length), which begins `offset` bytes into the
        /// block, and where it lies in the given buffer. Never empty; parts arrive in order.
        case blockFragment(BlockRequest, offset: Int, payload: Range<Int>)
    }

    /// A decoder at the beginning of a frame; limits in bytes.
    package init(maxFrameLength: Int, maxBlockLength: Int) {
        self.maxFrameLength = maxFrameLength
        self.maxBlockLength = maxBlockLength
    }

    /// Whether the last byte taken ended a message.
    package var isBetweenMessages: Bool {
        if case .head = state { headCount == 0 } else { false }
    }

    /// The next event in `bytes` at or after `position`, which moves behind what was taken; nil
    /// when all is taken, a partial message being kept inside. After an error every further call
    /// throws the same.
    package mutating func next(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(WireError) -> Event? {
        do {
            return try advance(in: bytes, from: &position)
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func advance(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) throws(WireError) -> Event? {
        while true {
            switch state {
            case .head:
                if let message = try readHead(bytes, &position) { return .message(message) }
                if case .head = state { return nil }
            case .body(let id, let length):
                guard let message = readBody(id, length, bytes, &position) else { return nil }
                return .message(message)
            case .skipping(let id, let remaining):
                let count = min(remaining, bytes.count - position)
                position += count
                guard count == remaining else {
                    state = .skipping(id: id, remaining: remaining - count)
                    return nil
                }
                state = .head
                return .message(.unknown(id: id))
            case .block(let block, let offset):
                guard position < bytes.count else { return nil }
                let count = min(Int(block.length) - offset, bytes.count - position)
                let payload = position..<position + count
                position += count
                let isLast = offset + count == Int(block.length)
                state = isLast ? .head : .block(block, offset: offset + count)
                return .blockFragment(block, offset: offset, payload: payload)
            case .failed(let error):
                throw error
            }
        }
    }

    /// Collects the head of a frame. Returns a whole message, or nil either with `state` still
    /// `head` when more bytes are needed, or with the state in which the frame's rest is read.
    private mutating func readHead(
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(WireError) -> PeerMessage? {
        guard collect(4, bytes, &position) else { return nil }
        let length = Int(UInt32(truncatingIfNeeded: field(at: 0)))
        if length == 0 {
            headCount = 0
            return .keepAlive
        }
        // No message at all is so long: there is no need to wait for its kind.
        let longest = max(maxFrameLength, maxBlockLength + 9)
        guard length <= longest else { throw .frameTooLong(length: length, limit: longest) }
        guard collect(5, bytes, &position) else { return nil }
        let id = headByte(at: 4)
        switch id {
        case PeerMessage.ID.choke, PeerMessage.ID.unchoke, PeerMessage.ID.interested,
            PeerMessage.ID.notInterested, PeerMessage.ID.haveAll, PeerMessage.ID.haveNone:
            return try readFixed(id, length, expected: 1, bytes, &position)
        case PeerMessage.ID.have, PeerMessage.ID.suggest, PeerMessage.ID.allowedFast:
            return try readFixed(id, length, expected: 5, bytes, &position)
        case PeerMessage.ID.request, PeerMessage.ID.cancel, PeerMessage.ID.reject:
            return try readFixed(id, length, expected: 13, bytes, &position)
        case PeerMessage.ID.port:
            return try readFixed(id, length, expected: 3, bytes, &position)
        case PeerMessage.ID.piece:
            try readPieceHead(length, bytes, &position)
            return nil
        default:
            guard length <= maxFrameLength else {
                throw .frameTooLong(length: length, limit: maxFrameLength)
            }
            headCount = 0
            if id == PeerMessage.ID.bitfield || id == PeerMessage.ID.extended {
                guard id == PeerMessage.ID.bitfield || length >= 2 else {
                    throw .wrongLength(id: id, length: length)
                }
                state = .body(id: id, length: length - 1)
            } else {
                state = .skipping(id: id, remaining: length - 1)
            }
            return nil
        }
    }

    private mutating func readFixed(
        _ id: UInt8, _ length: Int, expected: Int,
        _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(WireError) -> PeerMessage? {
        guard length == expected else { throw .wrongLength(id: id, length: length) }
        guard collect(4 + length, bytes, &position) else { return nil }
        headCount = 0
        switch id {
        case PeerMessage.ID.choke: return .choke
        case PeerMessage.ID.unchoke: return .unchoke
        case PeerMessage.ID.interested: return .interested
        case PeerMessage.ID.notInterested: return .notInterested
        case PeerMessage.ID.have: return .have(field(at: 5))
        case PeerMessage.ID.port: return .port(UInt16(field(at: 5) >> 16))
        case PeerMessage.ID.suggest: return .suggest(field(at: 5))
        case PeerMessage.ID.haveAll: return .haveAll
        case PeerMessage.ID.haveNone: return .haveNone
        case PeerMessage.ID.allowedFast: return .allowedFast(field(at: 5))
        default:
            let block = BlockRequest(
                piece: field(at: 5), begin: field(at: 9), length: field(at: 13))
            if id == PeerMessage.ID.request { return .request(block) }
            return id == PeerMessage.ID.cancel ? .cancel(block) : .reject(block)
        }
    }

    private mutating func readPieceHead(
        _ length: Int, _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) throws(WireError) {
        let blockLength = length - 9
        guard blockLength > 0 else {
            throw .wrongLength(id: PeerMessage.ID.piece, length: length)
        }
        guard blockLength <= maxBlockLength else {
            throw .blockTooLong(length: blockLength, limit: maxBlockLength)
        }
        guard collect(PeerMessage.pieceHeaderLength, bytes, &position) else { return }
        headCount = 0
        let block = BlockRequest(
            piece: field(at: 5), begin: field(at: 9), length: UInt32(blockLength))
        state = .block(block, offset: 0)
    }

    private mutating func readBody(
        _ id: UInt8, _ length: Int, _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) -> PeerMessage? {
        let count = min(length - body.count, bytes.count - position)
        body.append(
            contentsOf: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]))
        position += count
        guard body.count == length else { return nil }
        state = .head
        var payload: [UInt8] = []
        swap(&payload, &body)
        guard id == PeerMessage.ID.extended else { return .bitfield(payload) }
        let extensionID = payload.removeFirst()
        return .extended(id: extensionID, payload: payload)
    }

    /// Fills `head` up to `count` bytes; false when the buffer ends before.
    private mutating func collect(
        _ count: Int, _ bytes: UnsafeRawBufferPointer, _ position: inout Int
    ) -> Bool {
        let missing = count - headCount
        guard missing > 0 else { return true }
        let taken = min(missing, bytes.count - position)
        withUnsafeMutableBytes(of: &head) { head in
            UnsafeMutableRawBufferPointer(rebasing: head[headCount...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + taken]))
        }
        position += taken
        headCount += taken
        return taken == missing
    }

    private func headByte(at offset: Int) -> UInt8 {
        withUnsafeBytes(of: head) { $0[offset] }
    }

    private func field(at offset: Int) -> UInt32 {
        withUnsafeBytes(of: head) { $0.loadBigEndian(at: offset, as: UInt32.self) }
    }
}
