import Testing
import Wire

@testable import PeerCore

struct ConnectorTests {
    private let now = Instant(nanoseconds: 1_000_000_000_000)
    private let a = SwarmScript.endpoint("a")
    private let b = SwarmScript.endpoint("b")

    private func connector(limit: Int = 100) -> Connector {
        Connector(limit: limit, delay: .seconds(2), maxDelay: .seconds(600), seed: 1)
    }

    private func later(_ seconds: Double) -> Instant { now.advanced(by: .seconds(seconds)) }

    @Test func `a new endpoint is tried at once, and only once at a time`() {
        var connector = connector()
        connector.add(a, at: now)
        connector.add(a, at: now)
        let first = connector.next(10, isSeeding: false, at: now)
        let second = connector.next(10, isSeeding: false, at: later(1_000))
        #expect(first == [a] && second == [])
        #expect(connector.halfOpenCount == 1)
        #expect(connector.deadline == nil)
    }

    @Test func `the wait doubles with each failure`() {
        var connector = connector()
        connector.add(a, at: now)
        var now = now
        var waits: [Double] = []
        for _ in 0..<14 {
            #expect(connector.next(1, isSeeding: false, at: now) == [a])
            connector.failed(a, at: now)
            let next = connector.deadline!
            waits.append(Double(next.nanoseconds - now.nanoseconds) * 1e-9)
            now = next
        }
        for (index, wait) in waits.enumerated() {
            let nominal = min(2 * Double(1 << index), 600)
            #expect(wait >= nominal * 0.75 && wait <= nominal * 1.25)
        }
    }

    @Test func `a useful connection resets the wait`() {
        var connector = connector()
        connector.add(a, at: now)
        for _ in 0..<5 {
            _ = connector.next(1, isSeeding: false, at: later(10_000))
            connector.failed(a, at: now)
        }
        _ = connector.next(1, isSeeding: false, at: later(10_000))
        connector.connected(a)
        #expect(connector.halfOpenCount == 0)
        connector.left(a, wasUseful: true, isSeed: false, at: now)
        #expect(connector.deadline! <= later(2.5))
    }

    @Test func `announcing an endpoint again doesn't shorten its wait`() {
        var connector = connector()
        connector.add(a, at: now)
        _ = connector.next(1, isSeeding: false, at: now)
        connector.failed(a, at: now)
        connector.add(a, at: now)
        #expect(connector.next(1, isSeeding: false, at: later(1)) == [])
        #expect(connector.next(1, isSeeding: false, at: later(3)) == [a])
    }

    @Test func `a seeder leaves seeds alone`() {
        var connector = connector()
        connector.add(a, at: now)
        _ = connector.next(1, isSeeding: false, at: now)
        connector.connected(a)
        connector.left(a, wasUseful: true, isSeed: true, at: now)
        #expect(connector.next(1, isSeeding: true, at: later(100)) == [])
        #expect(connector.deadline == nil)
    }

    @Test func `a barred endpoint is never tried`() {
        var connector = connector()
        connector.bar(a, at: now)
        connector.add(a, at: now)
        connector.restart(at: now)
        #expect(connector.next(10, isSeeding: false, at: later(10_000)) == [])
        #expect(connector.isBarred(a) && !connector.isBarred(b))
        #expect(connector.occupy(a, at: now) == false)
    }

    @Test func `who is connected already isn't called`() {
        var connector = connector()
        connector.add(a, at: now)
        #expect(connector.occupy(a, at: now) == true)
        #expect(connector.next(10, isSeeding: false, at: now) == [])
        connector.left(a, wasUseful: true, isSeed: false, at: now)
        #expect(connector.next(10, isSeeding: false, at: later(3)) == [a])
    }

    @Test func `of two connections to a peer the last one's end counts`() {
        var connector = connector()
        connector.add(a, at: now)
        _ = connector.next(1, isSeeding: false, at: now)
        // It calls us while we call it.
        #expect(connector.occupy(a, at: now) == true)
        connector.connected(a)
        #expect(connector.halfOpenCount == 0)
        connector.left(a, wasUseful: false, isSeed: false, at: now)
        #expect(connector.deadline == nil)
        connector.left(a, wasUseful: true, isSeed: false, at: now)
        #expect(connector.deadline != nil)
    }

    @Test func `an attempt that fails is of no account where the peer has called`() {
        var connector = connector()
        connector.add(a, at: now)
        _ = connector.next(1, isSeeding: false, at: now)
        #expect(connector.occupy(a, at: now) == true)
        connector.failed(a, at: now)
        #expect(connector.halfOpenCount == 0)
        #expect(connector.next(1, isSeeding: false, at: later(1_000)) == [])
    }

    @Test func `everyone has a turn`() {
        var connector = connector()
        let all = (1...9).map { Endpoint("10.0.0.\($0):6881")! }
        for endpoint in all { connector.add(endpoint, at: now) }
        var seen: [Endpoint] = []
        while case let some = connector.next(2, isSeeding: false, at: now), !some.isEmpty {
            seen += some
        }
        #expect(seen == all)
        #expect(connector.halfOpenCount == 9)
    }

    @Test func `a full table gives up what failed most`() {
        var connector = connector(limit: 3)
        let all = (1...5).map { Endpoint("10.0.0.\($0):6881")! }
        for endpoint in all.prefix(3) { connector.add(endpoint, at: now) }
        connector.add(all[3], at: now)
        #expect(connector.knownCount == 3)
        _ = connector.next(3, isSeeding: false, at: now)
        connector.failed(all[1], at: now)
        connector.add(all[4], at: now)
        #expect(connector.knownCount == 3)
        #expect(connector.next(3, isSeeding: false, at: now) == [all[4]])
    }

    @Test func `nonsense is not an endpoint`() {
        var connector = connector()
        connector.add(Endpoint("10.0.0.1:0")!, at: now)
        connector.add(Endpoint("0.0.0.0:80")!, at: now)
        #expect(connector.knownCount == 0)
    }
}
