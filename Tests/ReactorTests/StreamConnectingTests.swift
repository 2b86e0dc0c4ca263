import Glibc
import Testing

@testable import Reactor

@Suite struct StreamConnectingTests {
    /// A port of this machine that nobody listens on.
    private func unusedAddress() throws -> SocketAddress {
        let descriptor = try Socket.bound(to: .loopback(port: 0), type: SOCK_STREAM)
        defer { close(descriptor) }
        return try Socket.localAddress(descriptor)
    }

    @Test func `a refused connection is reported with its address`() throws {
        try withLoop { loop in
            let address = try unusedAddress()
            let recorder = Recorder()
            recorder.onClose = { _ in loop.stop() }
            let stream = Stream.connect(
                loop: loop, to: address, timeout: .seconds(5), delegate: recorder)
            #expect(recorder.closeReasons.isEmpty, "never within the call")
            run(loop)
            let error = SystemError(code: ECONNREFUSED, operation: "connect \(address)")
            #expect(recorder.closeReasons == [.connectFailed(error)])
            #expect(recorder.connectCount == 0)
            #expect(!stream.isOpen && loop.sourceCount == 0)
        }
    }

    @Test func `an address that can't be connected to is reported, not thrown`() throws {
        try withLoop { loop in
            let recorder = Recorder()
            recorder.onClose = { _ in loop.stop() }
            // A broadcast address, which TCP refuses at once.
            _ = Stream.connect(
                loop: loop, to: SocketAddress(ipv4: 0xFFFF_FFFF, port: 1), timeout: .seconds(5),
                delegate: recorder)
            #expect(recorder.closeReasons.isEmpty)
            run(loop)
            guard case .connectFailed = recorder.closeReasons.first else {
                Issue.record("\(recorder.closeReasons)")
                return
            }
        }
    }

    @Test func `a connection that isn't answered times out`() throws {
        // A listener whose backlog is full drops what else comes: listen(2).
        let listener = try Socket.bound(to: .loopback(port: 0), type: SOCK_STREAM)
        defer { close(listener) }
        try #require(listen(listener, 0) == 0)
        let address = try Socket.localAddress(listener)
        try withLoop { loop in
            let fillers = try (0..<4).map { _ in
                let descriptor = try Socket.make(family: AF_INET, type: SOCK_STREAM)
                _ = address.withSockaddr { connect(descriptor, $0, $1) }
                return descriptor
            }
            defer { for descriptor in fillers { close(descriptor) } }
            let recorder = Recorder()
            recorder.onClose = { _ in loop.stop() }
            let start = loop.now
            let stream = Stream.connect(
                loop: loop, to: address, timeout: .milliseconds(30), delegate: recorder)
            stream.write([1, 2, 3])
            run(loop)
            #expect(recorder.closeReasons == [.connectTimedOut])
            #expect(loop.now - start >= .milliseconds(30))
            #expect(loop.sourceCount == 0)
        }
    }

    @Test func `what is written before the connection is made follows it`() throws {
        try withLoop { loop in
            let serverSide = Recorder()
            serverSide.onReceive = { _ in loop.stop() }
            let listener = try Listener(loop: loop, address: .loopback(port: 0)) { accepted in
                _ = Stream(loop: loop, accepted: accepted, delegate: serverSide)
            }
            let clientSide = Recorder()
            clientSide.onConnect = { $0.write([4]) }
            let stream = Stream.connect(
                loop: loop, to: listener.localAddress, timeout: .seconds(5), delegate: clientSide)
            stream.write([1, 2, 3])
            run(loop)
            #expect(serverSide.received == [1, 2, 3, 4])
            #expect(stream.timeout == nil)
        }
    }

    @Test func `closing after a flush works before the connection is made`() throws {
        try withLoop { loop in
            let serverSide = Recorder()
            serverSide.onEnd = { $0.close() }
            let listener = try Listener(loop: loop, address: .loopback(port: 0)) { accepted in
                _ = Stream(loop: loop, accepted: accepted, delegate: serverSide)
            }
            let clientSide = Recorder()
            clientSide.onClose = { _ in loop.stop() }
            let stream = Stream.connect(
                loop: loop, to: listener.localAddress, timeout: .seconds(5), delegate: clientSide)
            stream.write([1, 2, 3])
            stream.closeAfterFlush()
            run(loop)
            #expect(serverSide.received == [1, 2, 3])
            #expect(clientSide.connectCount == 0)
            #expect(clientSide.closeReasons == [.flushed])
        }
    }

    @Test func `a socket that was connected to itself is told from others`() throws {
        let descriptor = try Socket.bound(to: .loopback(port: 0), type: SOCK_STREAM)
        defer { close(descriptor) }
        let address = try Socket.localAddress(descriptor)
        _ = address.withSockaddr { connect(descriptor, $0, $1) }
        #expect(Socket.isConnectedToItself(descriptor, remoteAddress: address))
        let other = address.with(port: address.port ^ 1)
        #expect(!Socket.isConnectedToItself(descriptor, remoteAddress: other))
    }
}
