import PeerCore
import Reactor
import Wire

/// What the core wants done.
extension Torrent {
    /// - Parameter received: the bytes of the event that is being handled.
    func perform(_ outputs: borrowing SwarmOutputs, _ received: UnsafeRawBufferPointer) {
        let actions = outputs.actions
        outputs.bytes.withUnsafeBytes { bytes in
            for action in actions {
                gather(action, received, bytes)
                guard isRunning else { return }
            }
            serveRun()
        }
    }

    /// Blocks for one connection are sent many at a time.
    private func gather(
        _ action: SwarmAction, _ received: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer
    ) {
        switch action {
        case .store(let piece, let begin, let source):
            store(UnsafeRawBufferPointer(rebasing: received[source]), piece: piece, begin: begin)
        case .sendBlock(let id, let block):
            if run.connection != id { serveRun() }
            run.append(block, for: id)
        default:
            serveRun()
            guard isRunning else { return }
            perform(action, bytes)
        }
    }

    private func perform(_ action: SwarmAction, _ bytes: UnsafeRawBufferPointer) {
        switch action {
        case .send(let id, let range):
            connections[id]?.stream.write(UnsafeRawBufferPointer(rebasing: bytes[range]))
            node.uploads.charge(range.count)
        case .sendBlock, .store:
            preconditionFailure("gathered by the caller")
        case .verify(let piece):
            verify(piece)
        case .fingerprint(let piece):
            fingerprint(piece)
        case .connect(let endpoint):
            node.dial(endpoint, of: self)
        case .close(let id, let reason):
            node.logger.debug(
                "connection closed",
                ["info_hash": infoHash.hex, "reason": String(describing: reason)])
            letGo(of: id)?.closeAfterFlush()
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

    /// Makes a connection that the core asked for, now that it may be made.
    func connect(to endpoint: Endpoint) {
        takeIn(endpoint).connect(on: node)
    }

    private func takeIn(_ endpoint: Endpoint) -> PeerConnection {
        let id = connections.reserve()
        let connection = PeerConnection(torrent: self, id: id, endpoint: endpoint)
        connections.fill(id, with: connection)
        node.connections.add(infoHash)
        return connection
    }

    /// Takes a connection out of the table; nil where it is gone already.
    func letGo(of id: ConnectionID) -> PeerConnection? {
        guard let connection = connections.remove(id) else { return nil }
        node.connectionEnded(connection, of: infoHash)
        return connection
    }

    /// Closes all connections at once.
    func closeConnections() {
        node.dials.removeAll(of: infoHash)
        for connection in connections.removeAll() {
            node.connectionEnded(connection, of: infoHash)
            connection.close()
        }
    }

    /// Takes over an incoming connection whose handshake names this torrent.
    func accept(_ stream: Stream, _ handshake: Handshake, from endpoint: Endpoint) -> PeerConnection
    {
        let connection = takeIn(endpoint)
        connection.adopt(stream)
        deliver(.accepted(connection.id, endpoint, handshake))
        return connection
    }
}
