import Foundation
import Glibc
import Wire

/// Many leechers on one thread: each asks for one block after the other, several at a time, and
/// drops what comes.
struct Crowd {
    /// What one of them saw.
    struct Member: Sendable {
        fileprivate let descriptor: Int32
        fileprivate var decoder = PeerMessageDecoder(
            maxFrameLength: 1 << 20, maxBlockLength: 1 << 20)
        fileprivate var handshakeLeft = Handshake.length
        fileprivate var next: Int
        fileprivate(set) var wasUnchoked = false
        /// Of blocks.
        fileprivate(set) var bytes = 0
        fileprivate(set) var hasEnded = false

        fileprivate init(descriptor: Int32, next: Int) {
            (self.descriptor, self.next) = (descriptor, next)
        }
    }

    /// How many blocks each asks for at a time.
    private static let depth = 4

    private(set) var members: [Member] = []
    private let requests: [[UInt8]]
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    var bytes: Int { members.reduce(0) { $0 + $1.bytes } }

    /// Connects them all and shakes hands; they begin at places all over the file.
    init(of count: Int, at port: UInt16, for content: Content) throws {
        requests = content.requests.map { PeerMessage.request($0).encoded() }
        for number in 0..<count {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            var address = sockaddr_in.loopback(port)
            guard address.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
                throw SpawnError(description: "no \(number): \(String(cString: strerror(errno)))")
            }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            members.append(Member(descriptor: descriptor, next: number * 7919 % requests.count))
            let handshake = Handshake(infoHash: content.info.infoHash, peerID: .scripted(number))
            send(handshake.encoded() + PeerMessage.interested.encoded(), of: number)
        }
    }

    /// Closes all connections.
    func close() {
        for member in members { Glibc.close(member.descriptor) }
    }

    /// Takes what has come, once; waits up to 100 ms for something.
    mutating func turn() throws {
        var polls = members.map {
            pollfd(descriptor: $0.hasEnded ? -1 : $0.descriptor, events: POLLIN)
        }
        _ = poll(&polls, nfds_t(polls.count), 100)
        for (number, entry) in polls.enumerated() where entry.revents != 0 {
            let count = recv(entry.fd, &buffer, buffer.count, 0)
            if count > 0 {
                try take(count, of: number)
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                members[number].hasEnded = true
            }
        }
    }

    private mutating func take(_ count: Int, of number: Int) throws {
        var position = min(count, members[number].handshakeLeft)
        members[number].handshakeLeft -= position
        while position < count {
            let event = try buffer[..<count].withUnsafeBytes {
                try members[number].decoder.next(in: $0, from: &position)
            }
            switch event {
            case .message(.unchoke) where !members[number].wasUnchoked:
                members[number].wasUnchoked = true
                ask(Crowd.depth, of: number)
            case .blockFragment(let request, let offset, let payload):
                members[number].bytes += payload.count
                if offset + payload.count == request.length { ask(1, of: number) }
            default: break
            }
        }
    }

    private mutating func ask(_ count: Int, of number: Int) {
        var bytes: [UInt8] = []
        for _ in 0..<count {
            bytes += requests[members[number].next]
            members[number].next = (members[number].next + 1) % requests.count
        }
        send(bytes, of: number)
    }

    /// A few bytes on a connection that has little to carry this way.
    private func send(_ bytes: [UInt8], of number: Int) {
        _ = Glibc.send(
            members[number].descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}
