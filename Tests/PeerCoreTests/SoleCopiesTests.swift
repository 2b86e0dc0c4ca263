import Testing

@testable import PeerCore

struct SoleCopiesTests {
    private func next(_ count: Int, of copies: inout SoleCopies) -> [Int] {
        (0..<count).compactMap { _ in copies.next() }
    }

    @Test func `each piece is named once before any is named again`() {
        var copies = SoleCopies(Bitfield(fullOf: 5), cursor: 3)
        #expect(next(7, of: &copies) == [3, 4, 0, 1, 2, 3, 4])
    }

    @Test func `what others have or are getting is not named`() {
        var copies = SoleCopies(Bitfield(fullOf: 6))
        copies.remove(0)
        copies.give(1)
        var others = Bitfield(bitCount: 6)
        others.insert(2)
        others.insert(3)
        copies.remove(others)
        #expect(next(2, of: &copies) == [4, 5])
        // What was being fetched may not have arrived.
        #expect(next(2, of: &copies) == [1, 4])
    }

    @Test func `what nobody fetched after all is named before any other is named again`() {
        var copies = SoleCopies(Bitfield(fullOf: 4))
        #expect(next(3, of: &copies) == [0, 1, 2])
        copies.takeBack(2)
        #expect(next(3, of: &copies) == [3, 2, 3])
    }

    @Test func `nothing is left once all pieces are elsewhere`() {
        var copies = SoleCopies(Bitfield(fullOf: 3))
        copies.remove(Bitfield(fullOf: 3))
        copies.takeBack(1)
        #expect(copies.isEmpty && copies.next() == nil && !copies.contains(1))
    }
}
