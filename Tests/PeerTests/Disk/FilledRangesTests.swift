import Testing

@testable import Peer

@Suite struct FilledRangesTests {
    @Test func `what goes on where something ended makes one range`() {
        var filled = FilledRanges()
        for start in stride(from: 0, to: 100, by: 10) {
            #expect(!filled.isFull(100))
            filled.insert(start..<start + 10)
            #expect(filled.ranges == [0..<start + 10])
        }
        #expect(filled.isFull(100))
    }

    @Test func `apart, overlapping and enclosing ranges are kept in order`() {
        var filled = FilledRanges()
        filled.insert(50..<60)
        filled.insert(10..<20)
        filled.insert(30..<40)
        #expect(filled.ranges == [10..<20, 30..<40, 50..<60])
        filled.insert(20..<30)
        #expect(filled.ranges == [10..<40, 50..<60])
        filled.insert(12..<15)
        filled.insert(5..<5)
        #expect(filled.ranges == [10..<40, 50..<60])
        filled.insert(0..<55)
        #expect(filled.ranges == [0..<60])
    }

    @Test func `any order of ranges gives what a set of bytes gives`() {
        for seed in 0..<50 {
            var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1
            func random(_ bound: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % bound
            }
            var filled = FilledRanges()
            var bytes: Set<Int> = []
            for _ in 0..<12 {
                let start = random(40)
                let range = start..<start + random(8)
                filled.insert(range)
                bytes.formUnion(range)
                #expect(Set(filled.ranges.joined()) == bytes)
                for (one, next) in zip(filled.ranges, filled.ranges.dropFirst()) {
                    #expect(one.upperBound < next.lowerBound)
                }
            }
            #expect(filled.isFull(48) == (bytes.count == 48))
        }
    }
}
