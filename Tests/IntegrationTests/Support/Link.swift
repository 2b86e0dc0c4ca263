import Foundation
import Glibc
import Synchronization
import Wire

/// The other side has closed, or let a bound go by.
struct LinkEnded: Error {}

/// Runs what blocks on a thread of its own, so that no test is in the way of another.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result(catching: body)) }.start()
    }
}

/// One end of a peer connection in the hands of a script: blocking, with a bound on every call,
/// and free to say what no peer should.
final class Link {
    enum Incoming {
        case message(PeerMessage)
        case block(BlockRequest, [UInt8])
    }

    private let descriptor: Int32
    private var decoder = PeerMessageDecoder(maxFrameLength: 1 << 20, maxBlockLength: 1 << 20)
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    /// What of `buffer` has come and isn't taken yet.
    private var unread = 0..<0
    private var partial: [UInt8] = []

    /// Takes the descriptor over.
    /// - Parameter bound: of each call that waits, in seconds.
    init(descriptor: Int32, bound: Int = 60) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var limit = timeval(tv_sec: bound, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// Connects to a port of 127.0.0.1.
    convenience init(port: UInt16, bound: Int = 60) throws {
        self.init(
            descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0), bound: bound)
        var address = sockaddr_in.loopback(port)
        let result = address.withPointer { connect(descriptor, $0, $1) }
        guard result == 0 else {
            throw SpawnError(description: "port \(port): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    // MARK: Bytes

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw LinkEnded() }
            rest = rest.dropFirst(count)
        }
    }

    func send(_ message: PeerMessage) throws { try send(message.encoded()) }

    private func fill() throws {
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw LinkEnded() }
            unread = 0..<count
            return
        }
    }

    /// Whether there is something to take, or the other side ends, within a time.
    func hears(within milliseconds: Int32) -> Bool {
        var poll = pollfd(descriptor: descriptor, events: POLLIN)
        return !unread.isEmpty || Glibc.poll(&poll, 1, milliseconds) > 0
    }

    /// Reads and drops everything until the other side closes.
    func outlast() {
        unread = 0..<0
        while (try? fill()) != nil {}
    }

    /// So many bytes.
    func receive(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            if unread.isEmpty { try fill() }
            let part = unread.prefix(count - bytes.count)
            bytes += buffer[part.startIndex..<part.endIndex]
            unread = part.endIndex..<unread.upperBound
        }
        return bytes
    }

    /// Everything until the other side closes.
    func receiveToEnd() -> [UInt8] {
        var all = Array(buffer[unread])
        unread = 0..<0
        while (try? fill()) != nil { all += buffer[unread] }
        unread = 0..<0
        return all
    }

    /// From now on what is left unsent or unread is thrown away, and the other side gets a reset
    /// (`SO_LINGER` of 0, socket(7)).
    func willReset() {
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &linger,
            socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    // MARK: Messages

    func receiveHandshake() throws -> Handshake {
        try Handshake.decode(try receive(Handshake.length))
    }

    /// The next message, a block in one piece.
    func next() throws -> Incoming {
        while true {
            if unread.isEmpty { try fill() }
            var position = unread.lowerBound
            let event = try buffer[..<unread.upperBound].withUnsafeBytes {
                try decoder.next(in: $0, from: &position)
            }
            unread = position..<unread.upperBound
            switch event {
            case nil: unread = 0..<0
            case .message(let message): return .message(message)
            case .blockFragment(let request, let offset, let payload):
                if offset == 0 { partial = [] }
                partial += buffer[payload]
                if partial.count == Int(request.length) { return .block(request, partial) }
            }
        }
    }

    /// Reads on to a message; blocks on the way are dropped.
    func await(_ isWanted: (PeerMessage) -> Bool) throws {
        while true {
            if case .message(let message) = try next(), isWanted(message) { return }
        }
    }
}

extension Link {
    /// A leecher's connection that is shaken, interested and unchoked.
    static func leecher(
        port: UInt16, _ infoHash: InfoHash, id: Int = 0, bound: Int = 60
    ) throws -> Link {
        let link = try Link(port: port, bound: bound)
        try link.send(Handshake(infoHash: infoHash, peerID: .scripted(id)).encoded())
        try link.send(.interested)
        _ = try link.receiveHandshake()
        try link.await { $0 == .unchoke }
        return link
    }
}

extension PeerID {
    /// The same for the same number, another for each other one.
    static func scripted(_ number: Int) -> PeerID {
        let digits = String(number)
        let padded = "-XX0001-" + String(repeating: "0", count: 12 - digits.count) + digits
        guard let id = PeerID(Array(padded.utf8)) else { preconditionFailure(padded) }
        return id
    }
}

extension pollfd {
    init(descriptor: Int32, events: Int32) {
        self.init(fd: descriptor, events: Int16(events), revents: 0)
    }
}

extension sockaddr_in {
    static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    mutating func withPointer<T>(
        _ body: (UnsafeMutablePointer<sockaddr>?, socklen_t) -> T
    ) -> T {
        withUnsafeMutableBytes(of: &self) {
            body(
                $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
    }
}
