import Testing
import Wire

@testable import Peer

struct DialQueueTests {
    private func hash(_ byte: UInt8) -> InfoHash { InfoHash([UInt8](repeating: byte, count: 20))! }

    private func endpoint(_ port: UInt16) -> Endpoint {
        Endpoint(address: IPAddress(ipv4: 0x7f00_0001), port: port)
    }

    private func ports(
        _ queue: inout DialQueue, where mayConnect: (InfoHash) -> Bool = { _ in true }
    ) -> [UInt16] {
        var ports: [UInt16] = []
        while let dial = queue.takeNext(where: mayConnect) { ports.append(dial.endpoint.port) }
        return ports
    }

    @Test func `torrents take turns, each with its endpoints in order`() {
        var queue = DialQueue(limit: 100)
        for port in UInt16(11)...14 { queue.append(endpoint(port), of: hash(1)) }
        for port in UInt16(21)...22 { queue.append(endpoint(port), of: hash(2)) }
        queue.append(endpoint(31), of: hash(3))
        #expect(ports(&queue) == [11, 21, 31, 12, 22, 13, 14])
        #expect(queue.halfOpenCount == 7)
    }

    @Test func `no more are half-open than may be`() {
        var queue = DialQueue(limit: 2)
        for port in UInt16(1)...5 { queue.append(endpoint(port), of: hash(1)) }
        #expect(ports(&queue) == [1, 2])
        queue.ended()
        #expect(ports(&queue) == [3])
        queue.ended()
        queue.ended()
        #expect(ports(&queue) == [4, 5])
    }

    @Test func `a torrent that may not connect waits, the others go on`() {
        var queue = DialQueue(limit: 100)
        for byte in UInt8(1)...3 {
            for port in UInt16(1)...2 {
                queue.append(endpoint(UInt16(byte) * 10 + port), of: hash(byte))
            }
        }
        #expect(ports(&queue) { $0 != hash(2) } == [11, 31, 12, 32])
        #expect(ports(&queue) == [21, 22])
    }

    @Test func `a torrent that is forgotten may ask again, in one turn as before`() {
        var queue = DialQueue(limit: 100)
        queue.append(endpoint(11), of: hash(1))
        queue.append(endpoint(21), of: hash(2))
        queue.append(endpoint(22), of: hash(2))
        queue.removeAll(of: hash(1))
        queue.append(endpoint(12), of: hash(1))
        queue.append(endpoint(13), of: hash(1))
        #expect(ports(&queue) == [12, 21, 13, 22])
        queue.append(endpoint(14), of: hash(1))
        queue.removeAll(of: hash(1))
        #expect(ports(&queue).isEmpty)
        queue.append(endpoint(15), of: hash(1))
        #expect(ports(&queue) == [15])
    }
}
