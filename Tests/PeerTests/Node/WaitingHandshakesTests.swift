import Reactor
import Testing

@testable import Peer

@Suite struct WaitingHandshakesTests {
    private final class Visitor {}

    private func address(_ number: UInt32, port: UInt16 = 1) -> SocketAddress {
        SocketAddress(ipv4: number, port: port)
    }

    @Test func `beyond a tenth of all, an address loses its oldest to its next`() {
        var waiting = WaitingHandshakes<Visitor>(connections: 1000)
        let visitors = (0..<102).map { _ in Visitor() }
        for visitor in visitors[..<100] {
            #expect(waiting.add(visitor, from: address(1)) == nil)
        }
        #expect(waiting.add(Visitor(), from: address(2)) == nil, "another address has its own")
        for index in 0..<2 {
            let oldest = waiting.add(
                visitors[100 + index], from: address(1, port: UInt16(2 + index)))
            #expect(oldest === visitors[index])
            waiting.remove(visitors[index], from: address(1))
        }
        #expect(waiting.count == 101 && waiting.all.count == 101)
    }

    @Test func `a small peer takes a crowd from one address as well`() {
        for connections in [1, 10, 500] {
            var waiting = WaitingHandshakes<Visitor>(connections: connections)
            let visitors = (0..<50).map { _ in Visitor() }
            #expect(visitors.allSatisfy { waiting.add($0, from: address(1)) == nil })
            #expect(waiting.add(Visitor(), from: address(1)) === visitors[0])
        }
    }

    @Test func `without room, the address with the most gives its oldest, if many wait`() {
        var waiting = WaitingHandshakes<Visitor>(connections: 60)
        let (first, other) = (Visitor(), Visitor())
        _ = waiting.add(other, from: address(9))
        _ = waiting.add(first, from: address(1))
        for _ in 0..<48 { _ = waiting.add(Visitor(), from: address(1)) }
        #expect(waiting.count == 50 && waiting.mostDispensable == nil, "a few may be honest")
        _ = waiting.add(Visitor(), from: address(8))
        #expect(waiting.mostDispensable === first)
        waiting.remove(first, from: address(1))
        // Each has one: the oldest of all.
        var even = WaitingHandshakes<Visitor>(connections: 60)
        let visitors = (0..<51).map { _ in Visitor() }
        for (number, visitor) in visitors.enumerated() {
            _ = even.add(visitor, from: address(UInt32(number)))
        }
        #expect(even.mostDispensable === visitors[0])
    }

    @Test func `who has gone is forgotten, and isn't counted off twice`() {
        var waiting = WaitingHandshakes<Visitor>(connections: 60)
        let visitor = Visitor()
        _ = waiting.add(visitor, from: address(1))
        waiting.remove(visitor, from: address(1))
        waiting.remove(visitor, from: address(1))
        #expect(waiting.count == 0 && waiting.all.isEmpty && waiting.mostDispensable == nil)
    }
}
