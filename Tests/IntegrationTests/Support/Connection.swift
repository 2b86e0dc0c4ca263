import Foundation
import Glibc
import Wire

/// A bare TCP connection to a port of 127.0.0.1, or of ::1, that never blocks.
final class Connection {
    private let descriptor: Int32

    /// - Parameter source: another address of the loopback, 127.0.0.0/8, to come from.
    init(port: UInt16, overIPv6: Bool = false, from source: IPAddress? = nil) throws {
        let address = IPAddress(overIPv6 ? "::1" : "127.0.0.1") ?? IPAddress(ipv4: 0)
        descriptor = socket(overIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        if let source {
            _ = Endpoint(address: source, port: 0).withSockaddr { [descriptor] in
                bind(descriptor, $0, $1)
            }
        }
        let result = Endpoint(address: address, port: port).withSockaddr { [descriptor] in
            connect(descriptor, $0, $1)
        }
        guard result == 0 else {
            close(descriptor)
            throw SpawnError(description: "port \(port): \(String(cString: strerror(errno)))")
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Sends what the other side's and our own buffers take at once.
    func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// What has come; nil once the other side has closed.
    func received() -> [UInt8]? {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                all += buffer[..<count]
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                return all
            } else {
                return all.isEmpty ? nil : all
            }
        }
    }

    /// Says that no more comes.
    func finish() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The other side has closed, in whatever way; what it had sent is read and dropped.
    var isClosed: Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 { continue }
            return count == 0 || (errno != EAGAIN && errno != EINTR)
        }
    }
}
