import Glibc

/// Making and configuring sockets, which are all nonblocking and close-on-exec.
package enum Socket {
    static func make(family: Int32, type: __socket_type) throws(SystemError) -> Int32 {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, Int32(type.rawValue) | flags, 0)
        if descriptor < 0 { throw SystemError(code: errno, operation: "socket") }
        return descriptor
    }

    /// A socket bound to `address`.
    /// - Parameters:
    ///   - bothFamilies: at all IPv6 addresses it takes IPv4 as well; without, IPv6 alone, so that
    ///     another socket may have the same port of IPv4.
    ///   - sharingPort: with the sockets there that share it too.
    static func bound(
        to address: SocketAddress, type: __socket_type, bothFamilies: Bool = false,
        sharingPort: Bool = false
    ) throws(SystemError) -> Int32 {
        let descriptor = try make(family: address.family, type: type)
        do throws(SystemError) {
            if sharingPort { try sharePort(descriptor) }
            if type == SOCK_STREAM {
                try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            }
            if address.isIPv6 {
                try set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, bothFamilies ? 0 : 1)
            }
            let result = address.withSockaddr { bind(descriptor, $0, $1) }
            if result < 0 { throw SystemError(code: errno, operation: "bind \(address)") }
        } catch {
            SystemCall.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Lets other sockets of this user take the same port, if they say so before they are bound: the
    /// kernel then shares out what comes (SO_REUSEPORT, socket(7)). Said after a socket is bound, the
    /// port was nobody else's before.
    static func sharePort(_ descriptor: Int32) throws(SystemError) {
        try set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
    }

    /// Another descriptor of the same socket.
    package static func duplicate(_ descriptor: Int32) throws(SystemError) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        if copy < 0 { throw SystemError(code: errno, operation: "fcntl") }
        return copy
    }

    /// Sets an integer option, setsockopt(2).
    static func set(
        _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32
    ) throws(SystemError) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        if setsockopt(descriptor, level, option, &value, size) < 0 {
            throw SystemError(code: errno, operation: "setsockopt")
        }
    }

    /// Takes the pending error of a socket, 0 for none: SO_ERROR, socket(7).
    static func takeError(_ descriptor: Int32) -> Int32 {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        let result = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        precondition(result == 0)
        return error
    }

    /// Whether both ends are the same socket: TCP's simultaneous open makes that of a connection
    /// to a port of this machine that nobody listens on, if the kernel picks the very same port
    /// for this end.
    static func isConnectedToItself(_ descriptor: Int32, remoteAddress: SocketAddress) -> Bool {
        (try? localAddress(descriptor)) == remoteAddress
    }

    /// The address at this end.
    static func localAddress(_ descriptor: Int32) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return try withUnsafeMutableBytes(of: &storage) { bytes throws(SystemError) in
            let address = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            if getsockname(descriptor, address, &size) < 0 {
                throw SystemError(code: errno, operation: "getsockname")
            }
            guard let result = SocketAddress(address) else {
                throw SystemError(code: EAFNOSUPPORT, operation: "getsockname")
            }
            return result
        }
    }
}
