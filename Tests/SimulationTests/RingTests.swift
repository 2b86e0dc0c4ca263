import Simulation
import Testing

struct RingTests {
    @Test func `what came first leaves first, while it grows and after`() {
        var ring = Ring<Int>()
        var next = 0
        var appended = 0
        for round in 1...40 {
            for _ in 0..<round {
                ring.append(appended)
                appended += 1
            }
            for _ in 0..<round / 2 + 1 where !ring.isEmpty {
                #expect(ring.first == next)
                #expect(ring.removeFirst() == next)
                next += 1
            }
            #expect(ring.count == appended - next)
        }
        while !ring.isEmpty {
            #expect(ring.removeFirst() == next)
            next += 1
        }
        #expect(next == appended)
        #expect(ring.first == nil)
    }

    @Test func `what has left isn't kept alive`() {
        final class Thing {}
        var ring = Ring<Thing>()
        var thing: Thing? = Thing()
        weak let witness = thing
        ring.append(thing!)
        thing = nil
        #expect(witness != nil)
        _ = ring.removeFirst()
        #expect(witness == nil)
    }
}
