import Glibc
import Testing

@testable import Reactor

@Suite struct SocketAddressTests {
    @Test(arguments: [
        "1.2.3.4:5", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:6881", "[::]:0",
        "[2001:db8::1:2:3]:80", "[fe80::ffff:1.2.3.4]:1",
    ])
    func `an address is read and written the same way`(text: String) throws {
        let address = try #require(SocketAddress(parsing: text))
        let again = try #require(SocketAddress(parsing: address.description))
        #expect(address == again)
        if !text.contains("ffff") { #expect(address.description == text) }
    }

    @Test(arguments: [
        "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3:4",
        "1.2.3.4:5 ", " 1.2.3.4:5", "::1:80", "[::1]", "[::1]:", "[::1:80", "::1]:80", "[]:80",
        "[1.2.3.4]:80", "localhost:80", "[::g]:1", "1.2.3.4:٣", "[::1\0]:80", "1.2.3.4\0:80",
    ])
    func `what isn't an address and a port is refused`(text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test(arguments: ["10.20.30.40:50", "[2001:db8::1]:60000"])
    func `the kernel's form and back is the same address`(text: String) throws {
        let address = try #require(SocketAddress(parsing: text))
        let copy = address.withSockaddr { pointer, _ in SocketAddress(pointer) }
        #expect(copy == address)
    }

    @Test func `the kernel's form is in network byte order`() {
        let address = SocketAddress(ipv4: 0x0102_0304, port: 0x0506)
        let bytes = address.withSockaddr { pointer, length in
            Array(UnsafeRawBufferPointer(start: pointer, count: Int(length)))[2..<8]
        }
        #expect(Array(bytes) == [5, 6, 1, 2, 3, 4])
    }

    @Test func `an IPv4 address in IPv6 form is IPv4`() {
        let mapped = SocketAddress(parsing: "[::ffff:1.2.3.4]:5")
        #expect(mapped == SocketAddress(parsing: "1.2.3.4:5"))
        #expect(mapped?.isIPv6 == false)
        #expect(mapped?.family == AF_INET)
    }

    @Test func `an address of another family is none`() {
        var local = sockaddr_un()
        local.sun_family = sa_family_t(AF_UNIX)
        let address = withUnsafeBytes(of: &local) {
            SocketAddress($0.baseAddress!.assumingMemoryBound(to: sockaddr.self))
        }
        #expect(address == nil)
    }

    @Test func `the well-known addresses are what they say`() {
        #expect(SocketAddress.loopback(port: 1).description == "127.0.0.1:1")
        #expect(SocketAddress.loopback6(port: 1).description == "[::1]:1")
        #expect(SocketAddress.any(port: 1).description == "0.0.0.0:1")
        #expect(SocketAddress.any6(port: 1).description == "[::]:1")
        #expect(SocketAddress.any6(port: 1).with(port: 2) == .any6(port: 2))
        #expect(SocketAddress.any(port: 1) != .any6(port: 1))
        #expect(SocketAddress.loopback6(port: 1).host == "::1")
    }
}
