import Glibc

/// Listening sockets that a service manager has opened and handed over: sd_listen_fds(3).
package struct InheritedSockets {
    package private(set) var listener: Int32?
    package private(set) var datagrams: Int32?

    private static let firstDescriptor: Int32 = 3

    /// None.
    package init() {}

    /// Takes what `LISTEN_FDS` names, where `LISTEN_PID` is this process. They won't be open in
    /// programs that this one starts.
    /// - Throws: where there is anything but a listening TCP socket and a UDP socket, one each.
    package init(environment: [String: String]) throws(SystemError) {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0
        else { return }
        // At most one of each kind: what is beyond is refused by the first of them.
        for descriptor in Self.firstDescriptor..<Self.firstDescriptor + min(count, 3) {
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0,
                fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0
            else { throw SystemError(code: errno, operation: "LISTEN_FDS: fcntl \(descriptor)") }
            try take(descriptor)
        }
    }

    private mutating func take(_ descriptor: Int32) throws(SystemError) {
        let type = Self.option(descriptor, SO_TYPE)
        let listens = Self.option(descriptor, SO_ACCEPTCONN) == 1
        _ = try Socket.localAddress(descriptor)
        if type == Int32(SOCK_STREAM.rawValue), listens, listener == nil {
            listener = descriptor
        } else if type == Int32(SOCK_DGRAM.rawValue), datagrams == nil {
            datagrams = descriptor
        } else {
            throw SystemError(code: EINVAL, operation: "LISTEN_FDS: descriptor \(descriptor)")
        }
    }

    private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
        var (value, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }

    /// Where they listen; nil without any.
    package var address: SocketAddress? {
        (listener ?? datagrams).flatMap { try? Socket.localAddress($0) }
    }
}
