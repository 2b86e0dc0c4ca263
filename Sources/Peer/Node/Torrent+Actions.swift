import PeerCore
import Reactor
import Wire

/// What the core wants done.
extension Torrent {
    /// - Parameter received: the bytes of the event that is being handled.
    func perform(_ outputs: borrowing SwarmOutputs, _ received: UnsafeRawBufferPointer) {
        // In a local variable, access to it needs no check for exclusivity each time.
        var run = BlockRun()
        swap(&run, &spareRun)
        outputs.bytes.withUnsafeBytes { bytes in
            for action in outputs.actions {
                // Blocks for one connection are sent many at a time.
                if case .sendBlock(let id, let block) = action {
                    if run.connection != id { serve(&run) }
                    run.append(block, for: id)
                    continue
                }
                serve(&run)
                guard isRunning else { return }
                perform(action, received, bytes)
                guard isRunning else { return }
            }
            serve(&run)
        }
        run.removeAll()
        swap(&run, &spareRun)
    }

    private func perform(
        _ action: SwarmAction, _ received: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
    ) {
        switch action {
        case .send(let id, let range):
            connections[id]?.stream.write(UnsafeRawBufferPointer(rebasing: bytes[range]))
            node.uploads.charge(range.count)
        case .reportDrained(let id):
            if refilled.last != id { refilled.append(id) }
        case .sendBlock:
            preconditionFailure("gathered by the caller")
        case .store(let piece, let begin, let source):
            store(UnsafeRawBufferPointer(rebasing: received[source]), piece: piece, begin: begin)
        case .verify(let piece, let isUrgent):
            verify(piece, isUrgent: isUrgent)
        case .fingerprint(let piece):
            fingerprint(piece)
        case .connect(let endpoint):
            node.dial(endpoint, of: self)
        case .close(let id, let reason):
            node.logger.debug(
                "connection closed",
                ["info_hash": infoHash.hex, "reason": String(describing: reason)])
            letGo(of: id)?.closeAfterFlush()
            peerHasGone()
        case .announce(let event):
            announce(event)
        case .pieceCompleted(let piece):
            observer.torrent(self, didComplete: piece)
        case .completed:
            observer.torrentDidVerifyAll(self)
        case .blamed(let endpoint, let piece):
            observer.torrent(self, didBan: endpoint, piece: piece)
        }
    }
}
