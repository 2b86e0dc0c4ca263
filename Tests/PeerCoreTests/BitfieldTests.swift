import Testing

@testable import PeerCore

struct BitfieldTests {
    @Test func `the first piece is the high bit of the first byte`() {
        var bitfield = Bitfield(bitCount: 10)
        bitfield.insert(0)
        bitfield.insert(9)
        #expect(bitfield.wireBytes == [0x80, 0x40])
        #expect(Bitfield(wireBytes: [0x80, 0x40], bitCount: 10) == bitfield)
    }

    @Test func `every size survives the wire`() {
        var random = SeededRandom(seed: 1)
        for bitCount in 0...200 {
            var bitfield = Bitfield(bitCount: bitCount)
            for piece in 0..<bitCount where random.below(2) == 0 { bitfield.insert(piece) }
            #expect(bitfield.wireBytes.count == (bitCount + 7) / 8)
            #expect(Bitfield(wireBytes: bitfield.wireBytes, bitCount: bitCount) == bitfield)
            #expect(bitfield.setCount == bitfield.members.reduce(0) { count, _ in count + 1 })
        }
    }

    @Test func `a wrong length is refused`() {
        #expect(Bitfield(wireBytes: [0xff], bitCount: 9) == nil)
        #expect(Bitfield(wireBytes: [0xff, 0x80, 0], bitCount: 9) == nil)
        #expect(Bitfield(wireBytes: [], bitCount: 1) == nil)
        #expect(Bitfield(wireBytes: [], bitCount: 0) != nil)
    }

    @Test func `a spare bit is refused`() {
        #expect(Bitfield(wireBytes: [0xff, 0x80], bitCount: 9) != nil)
        for bit in 0..<7 {
            #expect(Bitfield(wireBytes: [0, 1 << bit], bitCount: 9) == nil)
        }
    }

    @Test func `a full one has every piece and no spare bit`() {
        for bitCount in [0, 1, 8, 63, 64, 65, 128] {
            let full = Bitfield(fullOf: bitCount)
            #expect(full.isFull)
            #expect(Array(full.members) == Array(0..<bitCount))
            #expect(Bitfield(wireBytes: full.wireBytes, bitCount: bitCount) == full)
        }
    }

    @Test func `inserting and removing tell whether anything changed`() {
        var bitfield = Bitfield(bitCount: 70)
        let changes = [bitfield.insert(69), bitfield.insert(69), bitfield.remove(69)]
        #expect(changes == [true, false, true])
        let again = bitfield.remove(69)
        #expect(!again && bitfield.isEmpty)
    }

    @Test func `it counts what it shares with another one, and finds the first of it`() {
        var one = Bitfield(bitCount: 200)
        var other = Bitfield(bitCount: 200)
        #expect(one.firstMember(sharedWith: other) == nil)
        for piece in [1, 70, 150, 199] { one.insert(piece) }
        for piece in [0, 2, 70, 199] { other.insert(piece) }
        #expect(one.count(sharedWith: other) == 2)
        #expect(one.firstMember(sharedWith: other) == 70)
    }

    @Test func `subtracting leaves what the other one lacks`() {
        let one = Bitfield(fullOf: 100)
        var other = Bitfield(bitCount: 100)
        for piece in [0, 63, 64, 99] { other.insert(piece) }
        let rest = one.subtracting(other)
        #expect(rest.setCount == 96)
        #expect(Array(rest.members) == (0..<100).filter { !other.contains($0) })
        #expect(other.subtracting(one).isEmpty)
    }
}
