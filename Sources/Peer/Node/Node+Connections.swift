import Reactor
import Wire

/// Connections come in and are made, as many as there may be.
extension Node {
    func accept(_ accepted: consuming AcceptedSocket) {
        if !isStopping, !hasRoom { handshakes.mostDispensable?.close() }
        // Refused at once, which tells the other side more than silence would.
        guard !isStopping, hasRoom else { return }
        let handshake = IncomingHandshake(node: self, accepted: accepted)
        handshakes.add(handshake, from: handshake.address)?.close()
    }

    private var hasRoom: Bool { connections.count + handshakes.count < connections.limit }

    /// Whom a peer wants that names an info-hash.
    func connectionOwner(of infoHash: InfoHash) -> (any ConnectionOwner)? {
        torrents[infoHash] ?? fetchers[infoHash]
    }

    func handshakeEnded(_ handshake: IncomingHandshake) {
        handshakes.remove(handshake, from: handshake.address)
        makeConnections()
    }

    /// Makes a connection, as soon as there may be one more.
    func dial(_ endpoint: Endpoint, of owner: any ConnectionOwner) {
        dials.append(endpoint, of: owner.infoHash)
        makeConnections()
    }

    private func makeConnections() {
        guard !isStopping else { return }
        while hasRoom, let dial = dials.takeNext(where: { connections.admits($0) }) {
            guard let owner = connectionOwner(of: dial.infoHash), owner.isRunning else {
                preconditionFailure("who stops forgets what it waits for")
            }
            owner.connect(to: dial.endpoint)
        }
    }

    /// A connection that was in the making is up.
    func dialEnded() {
        dials.ended()
        makeConnections()
    }

    /// A connection is no longer a torrent's.
    func connectionEnded(_ connection: PeerConnection, of infoHash: InfoHash) {
        connections.remove(infoHash)
        if connection.isDialling { dials.ended() }
        makeConnections()
    }
}
