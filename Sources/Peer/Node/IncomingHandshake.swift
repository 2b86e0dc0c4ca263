import Reactor
import Wire

/// An accepted connection until its handshake tells which torrent it is for.
///
/// What begins as neither a BitTorrent handshake nor TLS is closed at its first wrong byte; one that
/// doesn't come to its end in time is closed by the deadline, or earlier for another's sake.
final class IncomingHandshake: StreamDelegate {
    static let timeout: Duration = .seconds(15)
    /// Of a record of the handshake (RFC 8446, section 5.1).
    private static let firstByteOfTLS: UInt8 = 0x16

    private unowned let node: Node
    private var stream: Stream!
    let address: SocketAddress
    private var bytes: [UInt8] = []
    private var timer: TimerID?

    init(node: Node, accepted: consuming AcceptedSocket) {
        self.node = node
        address = accepted.remoteAddress
        stream = Stream(loop: node.loop, accepted: accepted, delegate: self)
        stream.readBudget = node.readBudget
        timer = node.loop.schedule(after: Self.timeout) { [unowned self] in
            timer = nil
            close()
        }
    }

    func stream(_ stream: Stream, didReceive received: UnsafeRawBufferPointer) {
        if bytes.isEmpty, received[0] == Self.firstByteOfTLS, !stream.isSecure {
            return stream.secure(
                with: node.acceptor, handshakes: node.tlsHandshakes, received: received,
                inKernel: KernelTLS.isOffered, within: Self.timeout
            ) { [unowned node] in node.problem(with: $0) }
        }
        let wanted = Handshake.length - bytes.count
        bytes.append(contentsOf: received.prefix(wanted))
        guard bytes.withUnsafeBytes({ Handshake.isPrefix($0) }) else { return close() }
        guard bytes.count == Handshake.length else { return }
        guard let handshake = try? Handshake.decode(bytes),
            let owner = node.connectionOwner(of: handshake.infoHash), owner.isRunning,
            (owner.sealedGroup == nil ? nil : handshake.infoHash.hex) == stream.tlsPeer?.serverName
        else { return close() }
        finish()
        guard node.connections.admits(handshake.infoHash) else { return stream.closeAfterFlush() }
        let connection = owner.accept(stream, handshake, from: Endpoint(address))
        if received.count > wanted {
            connection.stream(
                stream, didReceive: UnsafeRawBufferPointer(rebasing: received[wanted...]))
        }
    }

    func streamDidReceiveEnd(_ stream: Stream) { close() }
    func stream(_ stream: Stream, didClose reason: CloseReason) { finish() }

    func close() {
        finish()
        stream.close()
    }

    private func finish() {
        if let timer { node.loop.cancel(timer) }
        timer = nil
        node.handshakeEnded(self)
    }
}
