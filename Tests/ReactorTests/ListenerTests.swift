import Glibc
import Testing

@testable import Reactor

@Suite struct ListenerTests {
    @Test func `a port in use is refused with its address`() throws {
        try withLoop { loop in
            let first = try Listener(loop: loop, address: .loopback(port: 0)) { _ in }
            let address = first.localAddress
            #expect(throws: SystemError(code: EADDRINUSE, operation: "bind \(address)")) {
                try Listener(loop: loop, address: address) { _ in }
            }
            #expect(loop.sourceCount == 1)
        }
    }

    @Test func `both families listen on one port`() throws {
        try withLoop { loop in
            let ipv4 = try Listener(loop: loop, address: .any(port: 0)) { _ in }
            let port = ipv4.localAddress.port
            var remote: SocketAddress?
            let ipv6 = try Listener(loop: loop, address: .any6(port: port)) { accepted in
                remote = accepted.remoteAddress
                loop.stop()
            }
            let client = try RawClient(to: .loopback6(port: port))
            run(loop)
            #expect(remote?.isIPv6 == true)
            #expect(ipv6.localAddress == .any6(port: port))
            client.close()
        }
    }

    @Test func `accepted connections send small writes at once`() throws {
        try withLoop { loop in
            let pair = try Pair(on: loop)
            for stream in [pair.client, pair.server] {
                var (value, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
                let result = getsockopt(
                    stream.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size)
                #expect(result == 0)
                #expect(value == 1)
            }
        }
    }

    @Test func `a connection that nobody wants is closed`() throws {
        try withLoop { loop in
            let listener = try Listener(loop: loop, address: .loopback(port: 0)) { _ in }
            let recorder = Recorder()
            recorder.onEnd = { _ in loop.stop() }
            _ = Stream.connect(
                loop: loop, to: listener.localAddress, timeout: .seconds(5), delegate: recorder)
            run(loop)
            #expect(recorder.connectCount == 1 && recorder.endCount == 1)
        }
    }

    @Test func `a listener may close itself when a connection comes, and others wait no more`()
        throws
    {
        try withLoop { loop in
            var count = 0
            var listener: Listener?
            listener = try Listener(loop: loop, address: .loopback(port: 0)) { _ in
                count += 1
                listener?.close()
                loop.schedule(after: .milliseconds(2)) { loop.stop() }
            }
            let address = try #require(listener?.localAddress)
            let clients = try (0..<3).map { _ in try RawClient(to: address) }
            run(loop)
            #expect(count == 1)
            #expect(loop.sourceCount == 0)
            for client in clients { client.close() }
        }
    }

    @Test func `a turn accepts a bounded number`() throws {
        try withLoop { loop in
            var perTurn: [Int: Int] = [:]
            let listener = try Listener(loop: loop, address: .loopback(port: 0)) { _ in
                perTurn[loop.turnCount, default: 0] += 1
                if perTurn.values.reduce(0, +) == 200 { loop.stop() }
            }
            let clients = try (0..<200).map { _ in try RawClient(to: listener.localAddress) }
            run(loop)
            #expect(perTurn.values.allSatisfy { $0 <= 64 })
            for client in clients { client.close() }
        }
    }

    @Test func `out of descriptors a listener backs off, then accepts those who waited`() throws {
        struct Outcome: Sendable {
            var acceptedWhileOut = 0
            var turnsWhileOut = 0
            var accepted = 0
            var didBackOff = false
            var isBackingOff = true
        }
        let outcome = try withOwnDescriptors {
            var outcome = Outcome()
            try withLoop { loop in
                let listener = try Listener(loop: loop, address: .loopback(port: 0)) { _ in
                    outcome.accepted += 1
                    if outcome.accepted == 5 { loop.stop() }
                }
                let clients = try (0..<5).map { _ in try RawClient(to: listener.localAddress) }
                var spares: [Int32] = []
                while true {
                    let spare = dup(0)
                    if spare < 0 { break }
                    spares.append(spare)
                }
                try #require(errno == EMFILE)
                loop.schedule(after: .milliseconds(40)) { loop.stop() }
                let turns = loop.turnCount
                loop.run()
                outcome.turnsWhileOut = loop.turnCount - turns
                outcome.acceptedWhileOut = outcome.accepted
                outcome.didBackOff = listener.isBackingOff

                for spare in spares { close(spare) }
                let watchdog = loop.schedule(after: .seconds(10)) { loop.stop() }
                loop.run()
                loop.cancel(watchdog)
                outcome.isBackingOff = listener.isBackingOff
                for client in clients { client.close() }
            }
            return outcome
        }
        #expect(outcome.acceptedWhileOut == 0)
        #expect(outcome.didBackOff)
        #expect(outcome.turnsWhileOut <= 10, "no spinning")
        #expect(outcome.accepted == 5)
        #expect(!outcome.isBackingOff)
    }
}
