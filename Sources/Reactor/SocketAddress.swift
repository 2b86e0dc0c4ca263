import Glibc

/// An IPv4 or IPv6 address with a port.
///
/// An IPv4 address that the kernel gives in its IPv6 form (`::ffff:1.2.3.4`) becomes IPv4, so that
/// one machine has one address here.
package struct SocketAddress: Hashable, Sendable {
    /// The first and the last eight bytes of an IPv6 address, as numbers; IPv4 is in `low`.
    private let high: UInt64
    private let low: UInt64
    /// The network interface of a link-local IPv6 address, else 0.
    private let scope: UInt32
    package let port: UInt16
    package let isIPv6: Bool

    private init(high: UInt64, low: UInt64, scope: UInt32, port: UInt16, isIPv6: Bool) {
        let isMapped = isIPv6 && high == 0 && low >> 32 == 0xFFFF
        self.high = high
        self.low = isMapped ? low & 0xFFFF_FFFF : low
        self.scope = isMapped ? 0 : scope
        self.port = port
        self.isIPv6 = isIPv6 && !isMapped
    }

    /// An IPv4 address as a number: 127.0.0.1 is 0x7F000001.
    package init(ipv4 address: UInt32, port: UInt16) {
        self.init(high: 0, low: UInt64(address), scope: 0, port: port, isIPv6: false)
    }

    /// An IPv6 address as two big-endian halves: `::1` is (0, 1).
    package init(ipv6 high: UInt64, _ low: UInt64, scope: UInt32 = 0, port: UInt16) {
        self.init(high: high, low: low, scope: scope, port: port, isIPv6: true)
    }

    package static func loopback(port: UInt16) -> SocketAddress {
        SocketAddress(ipv4: 0x7F00_0001, port: port)
    }

    package static func loopback6(port: UInt16) -> SocketAddress {
        SocketAddress(ipv6: 0, 1, port: port)
    }

    /// All IPv4 addresses of the machine, for listening.
    package static func any(port: UInt16) -> SocketAddress { SocketAddress(ipv4: 0, port: port) }

    /// All IPv6 addresses of the machine, for listening.
    package static func any6(port: UInt16) -> SocketAddress {
        SocketAddress(ipv6: 0, 0, port: port)
    }

    /// The same address with another port.
    package func with(port: UInt16) -> SocketAddress {
        SocketAddress(high: high, low: low, scope: scope, port: port, isIPv6: isIPv6)
    }

    /// What stands for whoever is there, without the port: an IPv4 address, or the first 64 bits of an
    /// IPv6 one, of which a single machine has all.
    package var origin: SocketAddress {
        SocketAddress(high: high, low: isIPv6 ? 0 : low, scope: 0, port: 0, isIPv6: isIPv6)
    }

    /// AF_INET or AF_INET6.
    package var family: Int32 { isIPv6 ? AF_INET6 : AF_INET }

    /// Nil if the address is neither IPv4 nor IPv6.
    package init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let ipv4 = raw.loadUnaligned(as: sockaddr_in.self)
            self.init(
                ipv4: UInt32(bigEndian: ipv4.sin_addr.s_addr),
                port: UInt16(bigEndian: ipv4.sin_port))
        case AF_INET6:
            let ipv6 = raw.loadUnaligned(as: sockaddr_in6.self)
            let bytes = raw + MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
            self.init(
                ipv6: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                scope: ipv6.sin6_scope_id, port: UInt16(bigEndian: ipv6.sin6_port))
        default: return nil
        }
    }

    /// Calls `body` with the address as the kernel wants it.
    /// - Parameter isForIPv6: for an IPv6 socket, which takes IPv4 addresses in their IPv6 form.
    package func withSockaddr<Result>(
        ofIPv6Socket isForIPv6: Bool = false, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        guard isIPv6 || isForIPv6 else {
            var ipv4 = sockaddr_in()
            ipv4.sin_family = sa_family_t(AF_INET)
            ipv4.sin_port = port.bigEndian
            ipv4.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
            return withUnsafeBytes(of: &ipv4) {
                body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
            }
        }
        let low = isIPv6 ? low : low | 0xFFFF << 32
        var ipv6 = sockaddr_in6()
        ipv6.sin6_family = sa_family_t(AF_INET6)
        ipv6.sin6_port = port.bigEndian
        ipv6.sin6_scope_id = scope
        withUnsafeMutableBytes(of: &ipv6.sin6_addr) {
            $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafeBytes(of: &ipv6) {
            body($0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
        }
    }
}

extension SocketAddress {
    /// Reads "1.2.3.4:5" or "[::1]:5". Names aren't looked up; nil for anything else.
    package init?(parsing text: String) {
        // C's functions would read up to a NUL only.
        if text.utf8.contains(0) { return nil }
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return nil }
        let digits = text[text.index(after: colon)...]
        let isNumber = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
        guard isNumber, let port = UInt16(digits) else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            self.init(ipv6Text: String(host.dropFirst().dropLast()), port: port)
        } else {
            var address = in_addr()
            guard inet_pton(AF_INET, String(host), &address) == 1 else { return nil }
            self.init(ipv4: UInt32(bigEndian: address.s_addr), port: port)
        }
    }

    private init?(ipv6Text: String, port: UInt16) {
        var address = in6_addr()
        guard inet_pton(AF_INET6, ipv6Text, &address) == 1 else { return nil }
        let (high, low) = withUnsafeBytes(of: &address) {
            (
                $0.loadUnaligned(as: UInt64.self),
                $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
        self.init(ipv6: UInt64(bigEndian: high), UInt64(bigEndian: low), port: port)
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The address without the port: "1.2.3.4", "::1", without brackets.
    package var host: String {
        withSockaddr { address, _ in
            let field =
                isIPv6
                ? MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!
                : MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)!
            return withUnsafeTemporaryAllocation(
                of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)
            ) { text in
                let bytes = UnsafeRawPointer(address) + field
                let end = socklen_t(text.count)
                return String(cString: inet_ntop(family, bytes, text.baseAddress!, end)!)
            }
        }
    }

    /// "1.2.3.4:5" or "[::1]:5".
    package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
