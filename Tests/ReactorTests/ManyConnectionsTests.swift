import Glibc
import Testing

@testable import Reactor

@Suite struct ManyConnectionsTests {
    @Test func `10,000 connections are opened and closed without a descriptor leaking`() throws {
        struct Outcome: Sendable {
            var descriptorsBefore = 0
            var descriptorsAfter = 0
            var echoes = 0
            var sourcesAtPeak = 0
            var sourcesAfter = 0
            var isLate = false
        }
        let batch = 2_000
        let outcome = try withOwnDescriptors {
            var outcome = Outcome()
            let loop = try EventLoop()
            outcome.descriptorsBefore = openDescriptorCount()
            let serverSide = Recorder()
            serverSide.countsOnly = true
            serverSide.onReceive = { $0.write([1]) }
            serverSide.onEnd = { $0.close() }
            let listener = try Listener(loop: loop, address: .loopback(port: 0)) { accepted in
                _ = Stream(loop: loop, accepted: accepted, delegate: serverSide)
            }
            let clientSide = Recorder()
            clientSide.countsOnly = true
            var clients: [Stream] = []
            clientSide.onConnect = { $0.write([1]) }
            clientSide.onReceive = { _ in
                outcome.echoes += 1
                guard outcome.echoes % batch == 0 else { return }
                outcome.sourcesAtPeak = max(outcome.sourcesAtPeak, loop.sourceCount)
                // Most of them by a reset, which leaves no port in TIME-WAIT.
                let isReset = outcome.echoes > 2 * batch
                for client in clients {
                    if isReset { client.closesByReset() }
                    client.close()
                }
                clients.removeAll()
                loop.stop()
            }
            let watchdog = loop.schedule(after: .seconds(30)) {
                outcome.isLate = true
                loop.stop()
            }
            for _ in 0..<10_000 / batch where !outcome.isLate {
                for _ in 0..<batch {
                    clients.append(
                        Stream.connect(
                            loop: loop, to: listener.localAddress, timeout: .seconds(30),
                            delegate: clientSide))
                }
                loop.run()
            }
            // The servers' ends close when they have read the clients'.
            func awaitServers() {
                if loop.sourceCount == 1 { return loop.stop() }
                loop.schedule(after: .milliseconds(1), awaitServers)
            }
            awaitServers()
            loop.run()
            loop.cancel(watchdog)
            listener.close()
            outcome.sourcesAfter = loop.sourceCount
            outcome.descriptorsAfter = openDescriptorCount()
            return outcome
        }
        #expect(!outcome.isLate)
        #expect(outcome.echoes == 10_000)
        #expect(outcome.sourcesAtPeak == 2 * batch + 1)
        #expect(outcome.sourcesAfter == 0)
        #expect(outcome.descriptorsAfter == outcome.descriptorsBefore)
    }
}

extension Stream {
    /// Makes `close` send a RST instead of a FIN.
    fileprivate func closesByReset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
}
