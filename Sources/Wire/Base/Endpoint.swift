import Glibc

/// An IP address and a port: where a peer or a tracker is reached.
package struct Endpoint: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let address: IPAddress
    package let port: UInt16

    @inlinable package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `1.2.3.4:5` or `[::1]:5`; names, zones and anything else give nil.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else { return nil }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 2
        if isBracketed {
            host = host.dropFirst().dropLast()
        }
        guard host.contains(":") == isBracketed, let address = IPAddress(host) else { return nil }
        self.init(address: address, port: port)
    }

    /// The endpoint in a socket address of the families AF_INET and AF_INET6; nil for others.
    package init?(_ pointer: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(pointer)
        switch Int32(pointer.pointee.sa_family) {
        case AF_INET:
            let ipv4 = raw.loadUnaligned(as: sockaddr_in.self)
            self.init(
                address: IPAddress(ipv4: UInt32(bigEndian: ipv4.sin_addr.s_addr)),
                port: UInt16(bigEndian: ipv4.sin_port))
        case AF_INET6:
            let ipv6 = raw.loadUnaligned(as: sockaddr_in6.self)
            self.init(
                address: withUnsafeBytes(of: ipv6.sin6_addr) { IPAddress(loadingIPv6: $0, at: 0) },
                port: UInt16(bigEndian: ipv6.sin6_port))
        default:
            return nil
        }
    }

    /// Calls `body` with a `sockaddr_in` or `sockaddr_in6`, valid during the call only.
    package func withSockaddr<R, E>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(E) -> R
    ) throws(E) -> R {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { fill($0) }
        return try withUnsafePointer(to: &storage) { pointer throws(E) -> R in
            let address = UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self)
            return try body(address, length)
        }
    }

    private func fill(_ storage: UnsafeMutableRawBufferPointer) -> socklen_t {
        if let ipv4 = address.ipv4 {
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = ipv4.bigEndian
            withUnsafeBytes(of: value) { storage.copyMemory(from: $0) }
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        var value = sockaddr_in6()
        value.sin6_family = sa_family_t(AF_INET6)
        value.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &value.sin6_addr) { bytes in
            bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        withUnsafeBytes(of: value) { storage.copyMemory(from: $0) }
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }

    package static func < (a: Endpoint, b: Endpoint) -> Bool {
        a.address == b.address ? a.port < b.port : a.address < b.address
    }

    /// `1.2.3.4:5` or `[::1]:5`.
    package var description: String {
        address.isIPv4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}

// Compact forms: address and port in network order, 6 bytes (BEP 23) or 18 (BEP 7).
extension Endpoint {
    /// 6 bytes for IPv4, 18 for IPv6.
    @inlinable package var compactCount: Int { address.isIPv4 ? 6 : 18 }

    /// Appends the 6 or 18 bytes of the compact form.
    @inlinable package func appendCompact(to bytes: inout [UInt8]) {
        if let ipv4 = address.ipv4 {
            bytes.appendBigEndian(ipv4)
        } else {
            bytes.appendBigEndian(address.high)
            bytes.appendBigEndian(address.low)
        }
        bytes.appendBigEndian(port)
    }

    /// The compact form.
    package var compact: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(compactCount)
        appendCompact(to: &bytes)
        return bytes
    }

    /// Reads the 6 bytes of BEP 23 at `offset`; they must be there.
    @inlinable package init(loadingCompactIPv4 bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.init(
            address: IPAddress(ipv4: bytes.loadBigEndian(at: offset, as: UInt32.self)),
            port: bytes.loadBigEndian(at: offset + 4, as: UInt16.self))
    }

    /// Reads the 18 bytes of BEP 7 at `offset`; they must be there.
    @inlinable package init(loadingCompactIPv6 bytes: UnsafeRawBufferPointer, at offset: Int) {
        self.init(
            address: IPAddress(loadingIPv6: bytes, at: offset),
            port: bytes.loadBigEndian(at: offset + 16, as: UInt16.self))
    }

    /// The endpoint of 6 or 18 bytes; nil for any other number of them.
    package init?(compact bytes: [UInt8]) {
        switch bytes.count {
        case 6: self = bytes.withUnsafeBytes { Endpoint(loadingCompactIPv4: $0, at: 0) }
        case 18: self = bytes.withUnsafeBytes { Endpoint(loadingCompactIPv6: $0, at: 0) }
        default: return nil
        }
    }

    /// The endpoints of a `peers` string (6 bytes each); nil if it isn't made of whole ones.
    package static func decodeCompactIPv4(_ bytes: [UInt8]) -> [Endpoint]? {
        guard bytes.count % 6 == 0 else { return nil }
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: 6).map { Endpoint(loadingCompactIPv4: raw, at: $0) }
        }
    }

    /// The endpoints of a `peers6` string (18 bytes each); nil if it isn't made of whole ones.
    package static func decodeCompactIPv6(_ bytes: [UInt8]) -> [Endpoint]? {
        guard bytes.count % 18 == 0 else { return nil }
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: 18).map { Endpoint(loadingCompactIPv6: raw, at: $0) }
        }
    }
}
