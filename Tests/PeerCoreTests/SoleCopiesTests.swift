import Testing

@testable import PeerCore

struct SoleCopiesTests {
    private func next(_ count: Int, of copies: inout SoleCopies) -> [Int] {
        (0..<count).compactMap { _ in copies.next(for: 1) }
    }

    @Test func `each piece is named once, and again only when it hasn't got anywhere for long`() {
        var copies = SoleCopies(Bitfield(fullOf: 5), cursor: 3)
        #expect(next(7, of: &copies) == [3, 4, 0, 1, 2])
        copies.endRound()
        #expect(copies.next(for: 1) == nil)
        copies.remove(4)
        copies.give(1, to: 2)
        copies.endRound()
        #expect(next(7, of: &copies) == [3, 0, 2])
        copies.endRound()
        #expect(next(7, of: &copies) == [1])
    }

    @Test func `what others have or are getting is not named`() {
        var copies = SoleCopies(Bitfield(fullOf: 6))
        copies.remove(0)
        copies.give(1, to: 2)
        var others = Bitfield(bitCount: 6)
        others.insert(2)
        others.insert(3)
        copies.remove(others)
        #expect(next(3, of: &copies) == [4, 5])
    }

    @Test func `what nobody fetches after all is named again`() {
        var copies = SoleCopies(Bitfield(fullOf: 4))
        #expect(next(3, of: &copies) == [0, 1, 2])
        copies.takeBack(2)
        #expect(next(3, of: &copies) == [3, 2])
    }

    @Test func `nothing is left once all pieces are elsewhere`() {
        var copies = SoleCopies(Bitfield(fullOf: 3))
        copies.remove(Bitfield(fullOf: 3))
        copies.takeBack(1)
        #expect(copies.isEmpty && copies.next(for: 1) == nil && !copies.contains(1))
    }

    @Test func `what one peer is getting is elsewhere for the others only`() {
        var copies = SoleCopies(Bitfield(fullOf: 4))
        #expect((0..<4).allSatisfy { !copies.isElsewhere($0, than: 1) })
        copies.give(0, to: 1)
        copies.remove(3)
        #expect((0..<4).map { copies.isElsewhere($0, than: 1) } == [false, false, false, true])
        #expect((0..<4).map { copies.isElsewhere($0, than: 2) } == [true, false, false, true])
        copies.takeBack(0)
        #expect(!copies.isElsewhere(0, than: 2))
    }
}
