import PeerCore
import Wire

// What peers send when they are asked for blocks.
extension SwarmSimulation {
    func sendBlock(_ request: BlockRequest, on id: ConnectionID, of peer: SimulatedPeer) {
        if !peer.swarm.have.contains(Int(request.piece)) {
            note(violation: "served an unverified piece")
        }
        let blockLength = peer.swarm.geometry.blockLength
        let before = peer.blocksSent
        let count = (Int(request.length) + blockLength - 1) / blockLength
        peer.blocksSent += count
        var block = peer.storage.block(request)
        switch peer.behavior {
        case .honest, .trickling:
            break
        case .corrupting:
            block[block.startIndex] ^= 0xff
        case .corruptingSome(let interval):
            for offset in 0..<count where (before + offset) % interval == 0 {
                block[block.startIndex + offset * blockLength] ^= 0xff
            }
        case .stalling(let limit):
            guard before < limit else { return }
            block = block.prefix((limit - before) * blockLength)
        case .hangingUp(let limit) where before + count > limit:
            enqueue(PeerMessage.pieceHeader(for: request)[...], on: id, of: peer)
            enqueue(block.prefix(block.count / 2), on: id, of: peer)
            hangUp(id, of: peer)
            return handle(.closed(id), at: peer)
        case .garbling(let limit) where before + count > limit:
            return enqueue(block.prefix(1_000).map { $0 | 0x80 }[...], on: id, of: peer)
        case .hangingUp, .garbling:
            break
        case .rejecting:
            enqueue(PeerMessage.reject(request).encoded()[...], on: id, of: peer)
            peer.ends[id]?.owesDrained = true
            return
        case .repeating:
            enqueue(PeerMessage.pieceHeader(for: request)[...], on: id, of: peer)
            enqueue(block, on: id, of: peer)
        }
        enqueue(PeerMessage.pieceHeader(for: request)[...], on: id, of: peer)
        enqueue(block, on: id, of: peer)
        peer.ends[id]?.owesDrained = true
    }

    /// How many bytes go out at once, and how long that takes.
    func nextSegment(of end: SimulatedEnd) -> (count: Int, busy: Duration) {
        if case .trickling(let limit) = end.peer.behavior, end.peer.blocksSent > limit {
            return (1, .seconds(1))
        }
        let count = segmentLength(of: end.pendingCount)
        return (count, .nanoseconds(count * 1_000_000_000 / end.peer.link.uploadRate))
    }
}
