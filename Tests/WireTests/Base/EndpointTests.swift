import Glibc
import Testing

@testable import Wire

struct EndpointTests {
    @Test(arguments: [
        "1.2.3.4:5", "127.0.0.1:6881", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:5", "[::]:1",
        "[2001:db8::7]:51413", "[fe80::1:2:3:4]:80",
    ])
    func `text round-trips`(text: String) {
        #expect(Endpoint(text)?.description == text)
    }

    @Test(arguments: [
        "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:+5", "1.2.3.4: 5", "1.2.3.4:5 ",
        "1.2.3:5", "1.2.3.4.5:6", "256.1.1.1:1", "01.2.3.4:5x", "::1:5", "[::1]", "[::1]5",
        "[1.2.3.4]:5", "[::1:5", "::1]:5", "[]:5", "localhost:80", "[fe80::1%eth0]:5",
        "1.2.3.4\0:5", "1.2.3.4:000005", "1.2.3.4:٥", "[::1\0x]:5",
    ])
    func `anything else is refused`(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test func `the compact forms are those of BEP 23 and BEP 7`() throws {
        let ipv4 = try #require(Endpoint("10.0.0.1:6881"))
        #expect(ipv4.compact == [10, 0, 0, 1, 0x1a, 0xe1])
        #expect(Endpoint(compact: ipv4.compact) == ipv4)
        let ipv6 = try #require(Endpoint("[2001:db8::1]:6881"))
        #expect(
            ipv6.compact == [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11)
                + [1, 0x1a, 0xe1])
        #expect(Endpoint(compact: ipv6.compact) == ipv6)
        #expect(ipv4.compactCount == 6 && ipv6.compactCount == 18)
    }

    @Test func `compact lists must be made of whole entries`() {
        let peers = [Endpoint("1.2.3.4:5")!, Endpoint("6.7.8.9:10")!]
        let bytes = peers.flatMap(\.compact)
        #expect(Endpoint.decodeCompactIPv4(bytes) == peers)
        #expect(Endpoint.decodeCompactIPv4([]) == [])
        let peers6 = [Endpoint("[::1]:5")!, Endpoint("[::2]:6")!]
        let bytes6 = peers6.flatMap(\.compact)
        #expect(Endpoint.decodeCompactIPv6(bytes6) == peers6)
        for count in 1..<12 where count != 6 {
            #expect(Endpoint.decodeCompactIPv4(Array(bytes.prefix(count))) == nil)
        }
        for count in 1..<36 where count != 18 {
            #expect(Endpoint.decodeCompactIPv6(Array(bytes6.prefix(count))) == nil)
            #expect((Endpoint(compact: Array(bytes6.prefix(count))) == nil) == (count != 6))
        }
    }

    @Test func `random addresses round-trip through text, compact form and socket address`() {
        var generator = SeededGenerator(seed: 5)
        for index in 0..<300 {
            let bytes = generator.bytes(index % 2 == 0 ? 6 : 18)
            let endpoint = Endpoint(compact: bytes)
            #expect(endpoint?.compact == bytes)
            #expect(endpoint.flatMap { Endpoint($0.description) } == endpoint)
            #expect(endpoint?.withSockaddr { address, _ in Endpoint(address) } == endpoint)
        }
    }

    @Test func `socket addresses have the right family and size`() throws {
        let ipv4 = try #require(Endpoint("1.2.3.4:5"))
        ipv4.withSockaddr { address, length in
            #expect(address.pointee.sa_family == sa_family_t(AF_INET))
            #expect(length == socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        let ipv6 = try #require(Endpoint("[::1]:5"))
        ipv6.withSockaddr { address, length in
            #expect(address.pointee.sa_family == sa_family_t(AF_INET6))
            #expect(length == socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
        var other = sockaddr()
        other.sa_family = sa_family_t(AF_UNIX)
        #expect(Endpoint(&other) == nil)
    }

    @Test func `an IPv4-mapped address is the IPv4 address`() throws {
        let mapped = try #require(Endpoint("[::ffff:1.2.3.4]:5"))
        #expect(mapped == Endpoint("1.2.3.4:5"))
        #expect(mapped.description == "1.2.3.4:5")
        #expect(mapped.compactCount == 6)
    }

    @Test func `loopback and unspecified addresses are known`() {
        #expect(IPAddress("127.3.2.1")!.isLoopback && IPAddress("::1")!.isLoopback)
        #expect(!IPAddress("128.0.0.1")!.isLoopback && !IPAddress("::2")!.isLoopback)
        #expect(IPAddress("0.0.0.0")!.isUnspecified && IPAddress("::")!.isUnspecified)
        #expect(!IPAddress("1.0.0.0")!.isUnspecified)
        #expect(IPAddress("1.2.3.4")! < IPAddress("1.2.3.5")!)
        #expect(Endpoint("1.2.3.4:5")! < Endpoint("1.2.3.4:6")!)
    }
}
