import Certificates
import Glibc
import Reactor
import Wire

/// What comes to a peer's port behind TLS, through streams as the peer's own.
enum SealedInput {
    /// What the torrent of a sealed group is asked for by.
    private static let name = InfoHash(repeatElement(7, count: 20))!.hex
    private static let group = Group()

    /// A member's contexts, for either end.
    private struct Group {
        let acceptor: TLSContext
        let client: TLSContext

        init() {
            do {
                let authority = try CertificateAuthority(name: "group", days: 1)
                let key = try PrivateKey()
                let certificate = try authority.sign(
                    CertificateRequest(key: key), name: "member", hosts: ["*"], seconds: -60..<3600)
                let identity = TLSIdentity(
                    certificates: try certificate.pem(), key: try key.pem())
                let trusted = try authority.certificate.pem()
                let server = try TLSContext(.server, presenting: identity, trusting: trusted)
                acceptor = try TLSContext { name in
                    InfoHash(hex: name)?.hex == SealedInput.name ? server : nil
                }
                client = try TLSContext(.client, presenting: identity, trusting: trusted)
            } catch {
                fatalError("no certificates: \(error)")
            }
        }
    }

    /// Keeps what a stream says, and stops the loop at its end.
    private final class Witness: StreamDelegate {
        var received: [UInt8] = []
        var hasEnded = false
        private let loop: EventLoop

        init(_ loop: EventLoop) { self.loop = loop }

        func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {
            received += bytes
        }

        func streamDidReceiveEnd(_ stream: Stream) {
            hasEnded = true
            loop.stop()
        }

        func stream(_ stream: Stream, didClose reason: CloseReason) { loop.stop() }
    }

    /// Lets a stream that takes TLS meet what `begin` does at the other end, a socket.
    private static func meet(_ begin: (EventLoop, Int32) -> Void) -> Witness {
        guard let loop = try? EventLoop() else { fatalError("no event loop") }
        defer { loop.shutdown() }
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { fatalError("no sockets") }
        let witness = Witness(loop)
        let handshakes = TLSHandshakes()
        let stream = Stream(
            loop: loop, accepted: AcceptedSocket(taking: ends[0], from: .loopback(port: 1)),
            delegate: witness)
        stream.secure(with: group.acceptor, handshakes: handshakes)
        begin(loop, ends[1])
        loop.run()
        stream.close()
        precondition(handshakes.count == 0, "a handshake that is over doesn't count")
        return witness
    }

    /// A stranger's bytes, in two parts that are cut where the first byte says.
    static func handshake(_ bytes: UnsafeRawBufferPointer) {
        guard let cut = bytes.first else { return }
        let all = Array(bytes.dropFirst())
        let (head, tail) = (all.prefix(Int(cut) * 2), all.dropFirst(Int(cut) * 2))
        var socket: Int32 = -1
        let witness = meet { loop, end in
            socket = end
            send(head, to: end)
            loop.schedule(after: .zero) {
                send(tail, to: end)
                shutdown(end, Int32(SHUT_WR))
            }
        }
        close(socket)
        precondition(
            witness.received.isEmpty && !witness.hasEnded, "who has no certificate says nothing")
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to socket: Int32) {
        _ = bytes.withUnsafeBytes {
            Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// What a member says once its certificate is taken, to a swarm as without TLS; the first two
    /// bytes set the scene as there.
    static func member(_ bytes: UnsafeRawBufferPointer) {
        let said = Array(bytes.dropFirst(2))
        if said.isEmpty { return }
        let speaker = Speaker()
        let witness = meet { loop, end in
            let stream = Stream(
                loop: loop, accepted: AcceptedSocket(taking: end, from: .loopback(port: 2)),
                delegate: speaker)
            stream.secure(with: group.client, serverName: name)
            stream.write(said)
            stream.closeAfterFlush(lingering: false)
        }
        precondition(witness.hasEnded && witness.received == said, "what is said comes out")
        let heard = Array(bytes.prefix(2)) + witness.received
        heard.withUnsafeBytes { PeerInput.swarm($0) }
    }

    private final class Speaker: StreamDelegate {
        func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer) {}
        func stream(_ stream: Stream, didClose reason: CloseReason) {}
    }
}
