import Glibc

/// An IPv4 or IPv6 address of 16 bytes. IPv4 is kept as its IPv4-mapped IPv6 address
/// (RFC 4291 §2.5.5.2), so that both ways of meeting the same host compare equal.
package struct IPAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The first and the last eight bytes as numbers in network order.
    @usableFromInline package let high: UInt64
    @usableFromInline package let low: UInt64

    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address as the number its four bytes make in network order.
    @inlinable package init(ipv4: UInt32) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(ipv4))
    }

    /// `127.0.0.1` or `::1`, without brackets, zone or port; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        guard !text.utf8.contains(0) else { return nil }
        var ipv4 = in_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 {
            self.init(ipv4: UInt32(bigEndian: ipv4.s_addr))
            return
        }
        var ipv6 = in6_addr()
        guard inet_pton(AF_INET6, text, &ipv6) == 1 else { return nil }
        self = withUnsafeBytes(of: ipv6) { Self(loadingIPv6: $0, at: 0) }
    }

    /// Reads 16 bytes at `offset`; they must be there.
    @inlinable package init(loadingIPv6 bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.init(
            high: bytes.loadBigEndian(at: offset, as: UInt64.self),
            low: bytes.loadBigEndian(at: offset + 8, as: UInt64.self))
    }

    /// The address of 4 or 16 bytes in network order; nil for any other number of them.
    package init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4:
            self = bytes.withUnsafeBytes {
                IPAddress(ipv4: $0.loadBigEndian(at: 0, as: UInt32.self))
            }
        case 16:
            self = bytes.withUnsafeBytes { IPAddress(loadingIPv6: $0, at: 0) }
        default:
            return nil
        }
    }

    /// The 4 bytes of an IPv4 or the 16 of an IPv6 address, in network order.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        if let ipv4 {
            bytes.appendBigEndian(ipv4)
        } else {
            bytes.appendBigEndian(high)
            bytes.appendBigEndian(low)
        }
        return bytes
    }

    /// The number the four bytes of an IPv4 address make; nil for IPv6.
    @inlinable package var ipv4: UInt32? {
        high == 0 && low >> 32 == 0xffff ? UInt32(truncatingIfNeeded: low) : nil
    }

    @inlinable package var isIPv4: Bool { ipv4 != nil }

    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        if let ipv4 { return ipv4 >> 24 == 127 }
        return high == 0 && low == 1
    }

    /// 0.0.0.0 and ::.
    package var isUnspecified: Bool { high == 0 && (low == 0 || ipv4 == 0) }

    @inlinable package static func < (a: IPAddress, b: IPAddress) -> Bool {
        (a.high, a.low) < (b.high, b.low)
    }

    /// As `inet_ntop(3)` writes it.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if let ipv4 {
            var address = in_addr(s_addr: ipv4.bigEndian)
            inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
        } else {
            var address = (high.bigEndian, low.bigEndian)
            inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
