import Reactor
import Wire

/// A connection on its way to another reactor.
struct HTTPHandOver: Sendable {
    let descriptor: Int32
    let remoteAddress: SocketAddress
    let tls: DetachedTLS?
    /// What the old one can't answer.
    let request: HTTPRequest
    /// With what has come behind the request.
    let decoder: HTTPRequestDecoder
    /// Answers to the requests before it.
    let unsent: [UInt8]
}

extension HTTPConnection {
    /// How long answers may wait to be taken before it is looked at again.
    private static let leavingPause = Duration.milliseconds(10)

    /// Leaves this request, and whatever follows on the connection, to another reactor. What was
    /// asked before has been answered.
    func handOver(_ request: HTTPRequest) {
        mode = .leaving
        leavingWith = request
        stream?.pauseReading()
        server.expect(.nothing, of: self)
    }

    /// Goes once the client has taken what was sent before.
    /// - Parameter unsent: answers that weren't given to the stream.
    func leave(with unsent: [UInt8]) {
        guard mode == .leaving, let request = leavingWith, let stream else { return }
        var tls: DetachedTLS?
        guard let socket = stream.detach(with: &tls) else {
            guard stream.isOpen else { return }
            server.loop.schedule(after: Self.leavingPause) { [weak self] in
                self?.leave(with: unsent)
            }
            return
        }
        let remoteAddress = socket.remoteAddress
        let handed = HTTPHandOver(
            descriptor: socket.takeDescriptor(), remoteAddress: remoteAddress, tls: tls,
            request: request, decoder: decoder, unsent: unsent)
        server.onHandOver(handed)
        finish()
    }

    /// Goes on where the other reactor left off.
    func resume(_ handed: HTTPHandOver) {
        isFresh = false
        decoder = handed.decoder
        if !handed.unsent.isEmpty { write(handed.unsent) }
        processRequests(received: 0, first: handed.request)
    }

    // MARK: TLS

    /// Of a record of the handshake (RFC 8446, section 5.1); no request begins with it.
    static let firstByteOfTLS: UInt8 = 0x16

    /// False: the server has no TLS.
    func beginTLS(with bytes: UnsafeRawBufferPointer) -> Bool {
        guard let context = server.tls else { return false }
        stream?.secure(
            with: context, handshakes: server.handshakes, received: bytes,
            within: server.limits.handshakeTime)
        return true
    }
}

extension HTTPServer {
    /// Takes a connection from another reactor.
    func adopt(_ handed: HTTPHandOver) {
        let socket = AcceptedSocket(taking: handed.descriptor, from: handed.remoteAddress)
        guard !isDraining else { return }
        add(socket, tls: handed.tls)?.resume(handed)
    }
}
