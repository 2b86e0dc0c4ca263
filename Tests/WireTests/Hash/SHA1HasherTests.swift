import Testing

@testable import Wire

struct SHA1HasherTests {
    /// FIPS 180-2, appendix A, and the empty message.
    @Test(arguments: [
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
    ])
    func `the standard's vectors come out`(message: String, hex: String) {
        #expect(SHA1Hasher.hash(Array(message)).hex == hex)
    }

    @Test func `a million times the letter a`() {
        var hasher = SHA1Hasher()
        for _ in 0..<1_000 {
            hasher.update([UInt8](repeating: UInt8(ascii: "a"), count: 1_000))
        }
        #expect(hasher.finalize().hex == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
    }

    @Test func `every split of a message gives the same digest and a hasher starts over`() {
        var generator = SeededGenerator(seed: 6)
        let message = generator.bytes(200)
        let whole = SHA1Hasher.hash(message)
        var hasher = SHA1Hasher()
        for split in 0...message.count {
            hasher.update(Array(message[..<split]))
            hasher.update(Array(message[split...]))
            #expect(hasher.finalize() == whole)
        }
    }
}
