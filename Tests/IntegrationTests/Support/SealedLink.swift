import Foundation
import Glibc
import Wire

/// A link whose bytes openssl(1) takes through TLS to a peer's port. It is killed with the value.
struct SealedLink: @unchecked Sendable {
    /// The near end of the way to openssl; for one thread at a time.
    let link: Link
    let openssl: ChildProcess

    /// - Parameters:
    ///   - name: what is asked for, an info-hash in hex.
    ///   - pem: the certificate and its key; nil shows none.
    ///   - options: more of `s_client`'s.
    init(
        port: UInt16, name: String, pem: String?, options: [String] = [], bound: Int = 60
    ) throws {
        let listener = try LoopbackListener()
        let identity = pem.map { ["-cert", $0, "-key", $0] } ?? []
        // Its input and output are one socket, which ends when either end does.
        let script = "exec openssl \"$@\" 0<>/dev/tcp/127.0.0.1/\(listener.port) 1>&0"
        openssl = try ChildProcess(
            "bash",
            [
                "-c", script, "bash", "s_client", "-quiet", "-nocommands", "-connect",
                "127.0.0.1:\(port)", "-servername", name,
            ] + identity + options)
        link = Link(descriptor: try listener.accept(), bound: bound)
    }

    /// A leecher that is shaken, interested and unchoked.
    static func leecher(
        port: UInt16, _ infoHash: InfoHash, pem: String, id: Int = 0
    ) throws -> SealedLink {
        let sealed = try SealedLink(port: port, name: infoHash.hex, pem: pem)
        let link = sealed.link
        try link.send(Handshake(infoHash: infoHash, peerID: .scripted(id)).encoded())
        try link.send(.interested)
        _ = try link.receiveHandshake()
        try link.await { $0 == .unchoke }
        return sealed
    }

    /// What the peer says to a handshake, once it has ended the connection; and openssl's words.
    static func answer(
        to handshake: Handshake, port: UInt16, name: String, pem: String?, options: [String] = []
    ) async throws -> (bytes: [UInt8], words: String) {
        let sealed = try SealedLink(port: port, name: name, pem: pem, options: options)
        let bytes = try await onThread {
            // It may have ended already.
            try? sealed.link.send(handshake.encoded())
            return sealed.link.receiveToEnd()
        }
        _ = try await sealed.openssl.end()
        return (bytes, sealed.openssl.errors.lines.joined(separator: "\n"))
    }
}

/// A socket on a port of 127.0.0.1 that one connection is awaited at.
final class LoopbackListener: Sendable {
    private let descriptor: Int32
    let port: UInt16

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0,
            address.withPointer({ pointer, _ in getsockname(descriptor, pointer, &length) }) == 0
        else {
            close(descriptor)
            throw SpawnError(description: "can't listen: \(String(cString: strerror(errno)))")
        }
        (self.descriptor, port) = (descriptor, UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }

    /// The connection, which is the caller's.
    func accept() throws -> Int32 {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else {
            throw SpawnError(description: "nobody comes: \(String(cString: strerror(errno)))")
        }
        return accepted
    }
}
