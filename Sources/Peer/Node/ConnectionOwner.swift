import PeerCore
import Reactor
import Wire

/// What the connections to peers are for: a torrent, or the fetch of an info dictionary. Gives a
/// core what comes from the sockets.
protocol ConnectionOwner: AnyObject {
    var node: Node { get }
    var infoHash: InfoHash { get }
    var connections: ConnectionTable { get set }
    /// Whether connections are taken.
    var isRunning: Bool { get }
    /// The group whose members alone are spoken to, over TLS; nil: anybody, without.
    var sealedGroup: String? { get }

    func deliver(_ event: SwarmEvent)
    /// Bytes from a peer. They are used up when this returns.
    func receive(_ bytes: UnsafeRawBufferPointer, from id: ConnectionID)
    /// Lets a connection send blocks that the upload limit has held up. Returns their bytes.
    func giveTurn(to connection: PeerConnection, quantum: Int) -> Int
    /// A file that a connection was sending is shorter than it was, or can't be read; the connection
    /// has ended.
    func fileBroke()
}

extension ConnectionOwner {
    /// Makes a connection that the core asked for, now that it may be made.
    func connect(to endpoint: Endpoint) {
        takeIn(endpoint).connect(on: node)
    }

    private func takeIn(_ endpoint: Endpoint) -> PeerConnection {
        let id = connections.reserve()
        let connection = PeerConnection(owner: self, id: id, endpoint: endpoint)
        connections.fill(id, with: connection)
        node.connections.add(infoHash)
        return connection
    }

    /// Takes over an incoming connection whose handshake names this info-hash.
    func accept(_ stream: Stream, _ handshake: Handshake, from endpoint: Endpoint) -> PeerConnection
    {
        let connection = takeIn(endpoint)
        connection.adopt(stream)
        deliver(.accepted(connection.id, endpoint, handshake))
        return connection
    }

    /// Takes a connection out of the table; nil where it is gone already.
    func letGo(of id: ConnectionID) -> PeerConnection? {
        guard let connection = connections.remove(id) else { return nil }
        node.connectionEnded(connection, of: infoHash)
        return connection
    }

    /// Ends all connections.
    func closeConnections(_ close: (PeerConnection) -> Void = { $0.close() }) {
        node.dials.removeAll(of: infoHash)
        for connection in connections.removeAll() {
            node.connectionEnded(connection, of: infoHash)
            close(connection)
        }
    }
}
