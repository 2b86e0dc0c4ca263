import PeerCore
import Wire

// What peers send.
extension SwarmSimulation {
    func send(_ bytes: UnsafeRawBufferPointer, on id: ConnectionID, of peer: SimulatedPeer) {
        guard let end = peer.end(id), !end.isClosing, !end.isShut else { return }
        guard peer.behavior == .freeRiding else { return enqueue(bytes, on: end) }
        let kept = withoutInvitations(bytes)
        if !kept.isEmpty { enqueue(kept, on: end) }
    }

    private func enqueue(_ bytes: [UInt8], on end: SimulatedEnd) {
        bytes.withUnsafeBytes { enqueue($0, on: end) }
    }

    /// The messages but those that let others ask for something.
    private func withoutInvitations(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        guard bytes.first != Handshake.firstByte || bytes.count < Handshake.length else {
            return [UInt8](bytes)
        }
        var kept: [UInt8] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let message = rest.prefix(4 + length)
            let id = length > 0 ? message[message.startIndex + 4] : PeerMessage.ID.choke
            if id != PeerMessage.ID.unchoke, id != PeerMessage.ID.allowedFast { kept += message }
            rest = rest.dropFirst(4 + length)
        }
        return kept
    }

    func sendBlock(_ request: BlockRequest, on id: ConnectionID, of peer: SimulatedPeer) {
        if !peer.swarm.have.contains(Int(request.piece)) {
            note(violation: "served an unverified piece")
        }
        guard let end = peer.end(id), !end.isClosing, !end.isShut else { return }
        let count = blockCount(of: request)
        let before = peer.blocksSent
        peer.blocksSent += count
        if misbehaves(request, on: end, blocks: before..<before + count) { return }
        var wrong: [Int] = []
        switch peer.behavior {
        case .corrupting: wrong = [0]
        case .lying: wrong = Array(0..<count)
        case .corruptingSome(let interval):
            wrong = (0..<count).filter { (before + $0) % interval == 0 }
        case .repeating: put(request, wrong: [], on: end)
        default: break
        }
        put(request, wrong: wrong, on: end)
    }

    /// Does something else than to answer, as its behavior is. Returns false if it doesn't.
    private func misbehaves(
        _ request: BlockRequest, on end: SimulatedEnd, blocks: Range<Int>
    ) -> Bool {
        switch end.peer.behavior {
        case .stalling(let limit):
            guard blocks.upperBound > limit else { return false }
            let count = max(limit - blocks.lowerBound, 0)
            if count > 0 { begin(request, bytes: count * geometry.blockLength, on: end) }
            return true
        case .hangingUp(let limit) where blocks.upperBound > limit:
            begin(request, bytes: Int(request.length) / 2, on: end)
            hangUp(end.id, of: end.peer)
            handle(.closed(end.id), at: end.peer)
            return true
        case .garbling(let limit) where blocks.upperBound > limit:
            enqueue([UInt8](repeating: 0xa5, count: 1_000), on: end)
            return true
        case .rejecting:
            enqueue(PeerMessage.reject(request).encoded(), on: end)
            end.owesDrained = true
            return true
        case .lying where blocks.lowerBound % 3 == 0:
            return true
        case .lying where blocks.lowerBound % 3 == 1:
            enqueue(PeerMessage.reject(request).encoded(), on: end)
            end.owesDrained = true
            return true
        default:
            return false
        }
    }

    /// Sends the beginning of a `piece` message, and of its block where blocks are carried.
    private func begin(_ request: BlockRequest, bytes count: Int, on end: SimulatedEnd) {
        guard torrent.detail == .bytes else { return }
        enqueue(PeerMessage.pieceHeader(for: request), on: end)
        enqueue([UInt8](end.peer.storage.block(request).prefix(count)), on: end)
    }

    /// Sends a `piece` message in which these of its blocks are wrong.
    private func put(_ request: BlockRequest, wrong: [Int], on end: SimulatedEnd) {
        let peer = end.peer
        peer.givenBytes += Int(request.length)
        end.owesDrained = true
        switch torrent.detail {
        case .bytes:
            var block = peer.storage.block(request)
            for index in wrong { block[block.startIndex + index * geometry.blockLength] ^= 0xff }
            if wrong.isEmpty, peer.behavior.isHonest { check(block, request) }
            enqueue(PeerMessage.pieceHeader(for: request) + block, on: end)
        case .messages:
            var mask = peer.storage.wrongBlocks(of: request)
            if wrong.isEmpty, mask != 0, peer.behavior.isHonest {
                note(violation: "served wrong bytes of piece \(request.piece)")
            }
            for index in wrong { mask |= 1 << UInt64(index) }
            end.append(request, wrong: mask)
            touch(end)
        }
    }

    private func check(_ block: ArraySlice<UInt8>, _ request: BlockRequest) {
        let begin = Int(info.offset(ofPiece: Int(request.piece))) + Int(request.begin)
        if block != content[begin..<begin + Int(request.length)] {
            note(violation: "served wrong bytes of piece \(request.piece)")
        }
    }
}
