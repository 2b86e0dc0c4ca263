import Testing

@testable import Wire

struct PeerIDTests {
    @Test func `a new id names the client and is otherwise random`() {
        var generator = SeededGenerator(seed: 3)
        let first = PeerID(random: &generator)
        let second = PeerID(random: &generator)
        #expect(first != second)
        #expect(first.bytes.starts(with: Array("-MT0100-")))
        #expect(first.bytes.count == 20)
        #expect(first.description.utf8.count == 20)
    }

    @Test func `the same seed gives the same id`() {
        var one = SeededGenerator(seed: 4)
        var other = SeededGenerator(seed: 4)
        #expect(PeerID(random: &one) == PeerID(random: &other))
    }

    @Test func `a description has printable characters only`() throws {
        let id = try #require(PeerID(Array("-XX0000-%") + [0, 10, 27, 127, 255] + Array("abcdef")))
        #expect(id.description == "-XX0000-%25%00%0a%1b%7f%ffabcdef")
    }
}
