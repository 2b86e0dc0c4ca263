import Glibc
import Testing

@testable import Reactor

@Suite struct DatagramSocketTests {
    @Test(arguments: [SocketAddress.loopback(port: 0), .loopback6(port: 0)])
    func `batches go there and back`(address: SocketAddress) throws {
        try withLoop { loop in
            var server: DatagramSocket?
            server = try DatagramSocket(loop: loop, address: address) { bytes, sender in
                server?.send(bytes, to: sender)
            }
            var answers: [[UInt8]] = []
            let total = 150  // Two batches and a part; more could overflow the kernel's buffer.
            let client = try DatagramSocket(loop: loop, address: address) { bytes, sender in
                #expect(sender == server?.localAddress)
                answers.append(Array(bytes))
                if answers.count == total { loop.stop() }
            }
            let target = try #require(server?.localAddress)
            let sent = (0..<total).map { pattern($0, seed: UInt64($0)) }
            for bytes in sent { client.send(bytes, to: target) }
            run(loop)
            let areIntact = answers == sent
            #expect(areIntact)
            #expect(client.droppedCount == 0 && server?.droppedCount == 0)
        }
    }

    @Test(arguments: [SocketAddress.loopback(port: 0), .loopback6(port: 0)])
    func `a socket of both families answers either`(clientAddress: SocketAddress) throws {
        try withLoop { loop in
            var server: DatagramSocket?
            server = try DatagramSocket(loop: loop, address: .any6(port: 0), bothFamilies: true) {
                #expect($1.isIPv6 == clientAddress.isIPv6)
                server?.send($0, to: $1)
            }
            var answer: [UInt8] = []
            let client = try DatagramSocket(loop: loop, address: clientAddress) { bytes, _ in
                answer = Array(bytes)
                loop.stop()
            }
            let port = try #require(server?.localAddress.port)
            client.send([1, 2, 3], to: clientAddress.with(port: port))
            run(loop)
            #expect(answer == [1, 2, 3])
            #expect(client.droppedCount == 0 && server?.droppedCount == 0)
        }
    }

    @Test func `the longest datagram passes, a longer one is dropped, either way`() throws {
        try withLoop { loop in
            var received: [Int] = []
            let server = try DatagramSocket(loop: loop, address: .loopback(port: 0)) { bytes, _ in
                received.append(bytes.count)
                if bytes.count == 1 { loop.stop() }
            }
            let longest = DatagramSocket.maximumLength
            let raw = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(raw) }
            for length in [longest, longest + 1, 1] {
                let bytes = [UInt8](repeating: 0, count: length)
                let sent = server.localAddress.withSockaddr {
                    sendto(raw, bytes, bytes.count, 0, $0, $1)
                }
                try #require(sent == length)
            }
            run(loop)
            #expect(received == [longest, 1])
            #expect(server.droppedCount == 1)
            server.send([UInt8](repeating: 0, count: longest + 1), to: .loopback(port: 9))
            server.send([1], to: .loopback6(port: 9))
            #expect(server.droppedCount == 3)
        }
    }

    @Test func `a datagram that can't be sent doesn't hold up the others`() throws {
        try withLoop { loop in
            var received = 0
            let server = try DatagramSocket(loop: loop, address: .loopback(port: 0)) { _, _ in
                received += 1
                if received == 2 { loop.stop() }
            }
            let client = try DatagramSocket(loop: loop, address: .loopback(port: 0)) { _, _ in }
            client.send([1], to: server.localAddress)
            client.send([2], to: SocketAddress(ipv4: 0xFFFF_FFFF, port: 1))  // EACCES.
            client.send([3], to: server.localAddress)
            run(loop)
            #expect(received == 2)
            #expect(client.droppedCount == 1)
        }
    }

    @Test func `a socket may close itself in the middle of a batch`() throws {
        try withLoop { loop in
            var received = 0
            var server: DatagramSocket?
            server = try DatagramSocket(loop: loop, address: .loopback(port: 0)) { bytes, sender in
                received += 1
                server?.close()
                server?.send(bytes, to: sender)
                loop.schedule(after: .milliseconds(1)) { loop.stop() }
            }
            let client = try DatagramSocket(loop: loop, address: .loopback(port: 0)) { _, _ in }
            let target = try #require(server?.localAddress)
            for _ in 0..<10 { client.send([1], to: target) }
            run(loop)
            #expect(received == 1)
            #expect(loop.sourceCount == 1)
        }
    }

    @Test func `TCP and UDP share a port number`() throws {
        try withLoop { loop in
            let listener = try Listener(loop: loop, address: .any(port: 0)) { _ in }
            let socket = try DatagramSocket(
                loop: loop, address: .any(port: listener.localAddress.port)
            ) { _, _ in }
            #expect(socket.localAddress == listener.localAddress)
        }
    }

    @Test func `a port in use is refused`() throws {
        try withLoop { loop in
            let first = try DatagramSocket(loop: loop, address: .loopback(port: 0)) { _, _ in }
            let address = first.localAddress
            #expect(throws: SystemError(code: EADDRINUSE, operation: "bind \(address)")) {
                try DatagramSocket(loop: loop, address: address) { _, _ in }
            }
        }
    }
}
