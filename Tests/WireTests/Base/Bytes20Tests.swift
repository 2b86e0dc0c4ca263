import Testing

@testable import Wire

struct Bytes20Tests {
    private static let counting = [UInt8](0..<20)

    @Test func `twenty bytes come back as given`() {
        #expect(SHA1Digest(Self.counting)?.bytes == Self.counting)
        #expect(InfoHash(Self.counting)?.bytes == Self.counting)
        #expect(PeerID(Self.counting)?.bytes == Self.counting)
        #expect(InfoHash(Self.counting)?.withBytes { $0.count } == 20)
    }

    @Test(arguments: [0, 1, 19, 21, 40]) func `other numbers of bytes are refused`(count: Int) {
        let bytes = [UInt8](repeating: 7, count: count)
        #expect(SHA1Digest(bytes) == nil)
        #expect(InfoHash(bytes) == nil)
        #expect(PeerID(bytes) == nil)
    }

    @Test func `hexadecimal digits of either case are read and lower case is written`() {
        let hex = "000102030405060708090a0b0c0d0e0f10111213"
        #expect(InfoHash(hex: hex)?.bytes == Self.counting)
        #expect(InfoHash(hex: hex.uppercased())?.hex == hex)
        #expect(SHA1Digest(hex: hex)?.description == hex)
        #expect(PeerID(hex: hex)?.hex == hex)
    }

    @Test(arguments: [
        "", "00", "000102030405060708090a0b0c0d0e0f1011121",
        "000102030405060708090a0b0c0d0e0f101112130",
        "g00102030405060708090a0b0c0d0e0f10111213", " 00102030405060708090a0b0c0d0e0f10111213",
        "０00102030405060708090a0b0c0d0e0f10111213", "+00102030405060708090a0b0c0d0e0f10111213",
    ])
    func `anything but forty digits is refused`(text: String) {
        #expect(SHA1Digest(hex: text) == nil)
        #expect(InfoHash(hex: text) == nil)
    }

    @Test func `order is that of the bytes`() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            var a = generator.bytes(20)
            let b = generator.bytes(20)
            let shared = generator.number(0..<21)
            a.replaceSubrange(0..<shared, with: b[0..<shared])
            let isBefore = a.lexicographicallyPrecedes(b)
            #expect((SHA1Digest(a)! < SHA1Digest(b)!) == isBefore)
            #expect((InfoHash(a)! < InfoHash(b)!) == isBefore)
        }
    }

    @Test func `every bit takes part in equality and in the hash`() throws {
        let original = try #require(InfoHash(Self.counting))
        var hashes: Set<Int> = [original._rawHashValue(seed: 0)]
        for bit in 0..<160 {
            var bytes = Self.counting
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let changed = try #require(InfoHash(bytes))
            #expect(changed != original)
            hashes.insert(changed._rawHashValue(seed: 0))
        }
        #expect(hashes.count == 161)
        #expect(InfoHash(Self.counting)?._rawHashValue(seed: 0) == original._rawHashValue(seed: 0))
    }

    @Test func `info-hashes serve as keys of a large dictionary`() {
        var table: [InfoHash: Int] = [:]
        for number in 0..<5_000 {
            table[infoHash(number)] = number
        }
        #expect(table.count == 5_000)
        #expect((0..<5_000).allSatisfy { table[infoHash($0)] == $0 })
    }

    /// Keys that differ in few bits only, the worst case of a weak hash.
    private func infoHash(_ number: Int) -> InfoHash {
        var bytes = [UInt8](repeating: 0, count: 12)
        bytes.appendBigEndian(UInt64(number) << 20)
        return bytes.withUnsafeBytes { InfoHash(loading: $0) }
    }

    @Test func `hexadecimal bytes of any length round-trip`() {
        var generator = SeededGenerator(seed: 2)
        for count in 0..<40 {
            let bytes = generator.bytes(count)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
        #expect(Hex.decode("abc") == nil)
        #expect(Hex.decode("zz") == nil)
    }

    @Test func `numbers are appended as decimal digits`() {
        for number in [0, 7, 10, 99, 100, 1_234_567_890, Int.max, Int.min, -1] {
            var bytes: [UInt8] = [1]
            bytes.appendDecimal(number)
            #expect(String(decoding: bytes.dropFirst(), as: UTF8.self) == String(number))
        }
    }
}
