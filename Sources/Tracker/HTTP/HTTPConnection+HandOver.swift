import Reactor
import Wire

/// A connection on its way to another reactor.
struct HTTPHandOver: Sendable {
    enum Content: Sendable {
        /// A request that the old one can't answer.
        case request(HTTPRequest)
        /// The first bytes, which are TLS's.
        case tls([UInt8])
    }

    let descriptor: Int32
    let remoteAddress: SocketAddress
    let content: Content
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
        leavingWith = .request(request)
        server.expect(.nothing, of: self)
    }

    /// Goes once the client has taken what was sent before.
    /// - Parameter unsent: answers that weren't given to the stream.
    func leave(with unsent: [UInt8]) {
        guard mode == .leaving, let content = leavingWith, let stream else { return }
        guard let socket = stream.detach() else {
            guard stream.isOpen else { return }
            server.loop.schedule(after: Self.leavingPause) { [weak self] in
                self?.leave(with: unsent)
            }
            return
        }
        let remoteAddress = socket.remoteAddress
        let handed = HTTPHandOver(
            descriptor: socket.takeDescriptor(), remoteAddress: remoteAddress, content: content,
            decoder: decoder, unsent: unsent)
        server.onHandOver(handed)
        finish()
    }

    /// Goes on where the other reactor left off.
    func resume(_ handed: HTTPHandOver) {
        decoder = handed.decoder
        if !handed.unsent.isEmpty { write(handed.unsent) }
        switch handed.content {
        case .request(let request): processRequests(received: 0, first: request)
        case .tls(let bytes):
            guard let stream else { return }
            bytes.withUnsafeBytes { self.stream(stream, didReceive: $0) }
        }
    }

    // MARK: TLS

    /// Of a record of the handshake (RFC 8446, section 5.1); no request begins with it.
    static let firstByteOfTLS: UInt8 = 0x16

    /// False: the server has no TLS.
    func beginTLS(with bytes: UnsafeRawBufferPointer) -> Bool {
        switch server.tls {
        case .none: return false
        case .here(let context):
            stream?.secure(
                with: context, handshakes: server.handshakes, received: bytes,
                within: server.limits.handshakeTime)
        case .elsewhere:
            mode = .leaving
            leavingWith = .tls(Array(bytes))
            server.expect(.nothing, of: self)
            leave(with: [])
        }
        return true
    }
}

extension HTTPServer {
    /// Takes a connection from another reactor.
    func adopt(_ handed: HTTPHandOver) {
        let socket = AcceptedSocket(taking: handed.descriptor, from: handed.remoteAddress)
        guard !isDraining else { return }
        add(socket)?.resume(handed)
    }
}
