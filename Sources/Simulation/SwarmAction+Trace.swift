import PeerCore
import Wire

extension SwarmAction {
    /// For people: a line, or one for each message.
    func lines(_ bytes: UnsafeRawBufferPointer) -> [String] {
        guard case .send(let id, let range) = self else { return ["\(self)"] }
        var lines: [String] = []
        var messages = bytes[range]
        if messages.first == Handshake.firstByte, messages.count >= Handshake.length {
            lines.append("send(\(id), handshake)")
            messages = messages.dropFirst(Handshake.length)
        }
        var decoder = PeerMessageDecoder(maxFrameLength: 1 << 20, maxBlockLength: 1 << 20)
        let raw = UnsafeRawBufferPointer(rebasing: messages)
        var position = 0
        while case .message(let message)? = try? decoder.next(in: raw, from: &position) {
            lines.append("send(\(id), \(message))")
        }
        return lines
    }

    /// What tells it from other actions, but for the bytes that it refers to.
    var numbers: InlineArray<4, Int64> {
        switch self {
        case .send(let id, let range): [1, Int64(id.slot), Int64(range.count), 0]
        case .sendBlock(let id, let request):
            [2, Int64(id.slot), Int64(request.piece), Int64(request.begin)]
        case .reportDrained(let id): [3, Int64(id.slot), 0, 0]
        case .store(let piece, let begin, let source):
            [4, Int64(piece), Int64(begin), Int64(source.count)]
        case .verify(let piece, let isUrgent): [5, Int64(piece), isUrgent ? 1 : 0, 0]
        case .fingerprint(let piece): [6, Int64(piece), 0, 0]
        case .connect(let endpoint):
            [7, Int64(truncatingIfNeeded: endpoint.address.low), Int64(endpoint.port), 0]
        case .close(let id, let reason): [8, Int64(id.slot), Int64(reason.rawValue), 0]
        case .announce(let announcement): [9, announcement.number, 0, 0]
        case .pieceCompleted(let piece): [10, Int64(piece), 0, 0]
        case .completed: [11, 0, 0, 0]
        case .blamed(let endpoint, let piece):
            [12, Int64(truncatingIfNeeded: endpoint.address.low), Int64(piece), 0]
        }
    }
}

extension SwarmAnnouncement {
    fileprivate var number: Int64 {
        switch self {
        case .started: 0
        case .regular: 1
        case .completed: 2
        case .paused: 3
        case .stopped: 4
        }
    }
}
