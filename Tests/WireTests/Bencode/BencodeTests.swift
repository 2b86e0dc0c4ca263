import Testing

@testable import Wire

struct BencodeTests {
    private static func dictionary(_ entries: [(String, Bencode)]) -> Bencode {
        var dictionary = BencodeDictionary()
        for (key, value) in entries { dictionary[key] = value }
        return .dictionary(dictionary)
    }

    private static let sample = "d3:bar4:spam3:fooi-42e4:listl0:i0ed1:xleee5:otherdee"

    /// The examples of BEP 3, and the ends of each range.
    @Test(arguments: [
        ("4:spam", Bencode.text("spam")),
        ("0:", .bytes([])),
        ("i3e", .integer(3)),
        ("i-3e", .integer(-3)),
        ("i0e", .integer(0)),
        ("i9223372036854775807e", .integer(.max)),
        ("i-9223372036854775808e", .integer(.min)),
        ("l4:spam4:eggse", .list([.text("spam"), .text("eggs")])),
        ("le", .list([])),
        ("d3:cow3:moo4:spam4:eggse", dictionary([("spam", .text("eggs")), ("cow", .text("moo"))])),
        ("d4:spaml1:a1:bee", dictionary([("spam", .list([.text("a"), .text("b")]))])),
        ("de", dictionary([])),
        ("d0:i1e1:ai2ee", dictionary([("a", .integer(2)), ("", .integer(1))])),
    ])
    func `the specification's examples are read and written`(
        text: String, value: Bencode
    ) throws {
        #expect(try Bencode.decode(Array(text)) == value)
        #expect(value.encoded() == Array(text))
    }

    @Test(arguments: [
        ("i-0e", BencodeError.nonCanonicalInteger(at: 0)),
        ("i03e", .nonCanonicalInteger(at: 0)),
        ("i00e", .nonCanonicalInteger(at: 0)),
        ("ie", .nonCanonicalInteger(at: 0)),
        ("i-e", .nonCanonicalInteger(at: 0)),
        ("i+3e", .nonCanonicalInteger(at: 0)),
        ("i 3e", .nonCanonicalInteger(at: 0)),
        ("i3.0e", .nonCanonicalInteger(at: 0)),
        ("i--3e", .nonCanonicalInteger(at: 0)),
        ("i9223372036854775808e", .integerOverflow(at: 0)),
        ("i-9223372036854775809e", .integerOverflow(at: 0)),
        ("i99999999999999999999999999e", .integerOverflow(at: 0)),
        ("04:spam", .invalidLength(at: 0)),
        ("00:", .invalidLength(at: 0)),
        ("4spam", .invalidLength(at: 0)),
        ("99999999999999999999:", .invalidLength(at: 0)),
        ("5:spam", .unexpectedEnd),
        ("9223372036854775807:", .invalidLength(at: 0)),
        ("-1:", .unexpectedByte(0x2d, at: 0)),
        ("x", .unexpectedByte(0x78, at: 0)),
        ("e", .unexpectedByte(0x65, at: 0)),
        ("di1ei2ee", .unexpectedByte(0x69, at: 1)),
        ("d1:ae", .unexpectedByte(0x65, at: 4)),
        ("d1:bi1e1:ai2ee", .unsortedKey(at: 7)),
        ("d1:ai1e1:ai2ee", .unsortedKey(at: 7)),
        ("d2:aai1e1:ai2ee", .unsortedKey(at: 8)),
        ("i1ei2e", .trailingBytes(at: 3)),
        ("4:spam\n", .trailingBytes(at: 6)),
        ("", .unexpectedEnd),
    ])
    func `anything but the canonical form is refused`(text: String, error: BencodeError) {
        #expect(throws: error) { try Bencode.decode(Array(text)) }
        #expect(!error.description.isEmpty)
    }

    @Test func `every truncation is refused`() throws {
        let bytes = Array(Self.sample)
        #expect(try Bencode.decode(bytes).encoded() == bytes)
        for count in 0..<bytes.count {
            #expect(throws: BencodeError.self) { try Bencode.decode(Array(bytes[..<count])) }
        }
    }

    @Test func `depth, size and number of items are limited`() throws {
        let limits = Bencode.Limits(maxDepth: 3, maxBytes: 12, maxItems: 4)
        #expect(try Bencode.decode(Array("llleee"), limits: limits).list?.count == 1)
        #expect(throws: BencodeError.tooDeep(limit: 3)) {
            try Bencode.decode(Array("lllleeee"), limits: limits)
        }
        #expect(throws: BencodeError.tooDeep(limit: 3)) {
            try Bencode.decode(Array("llldeeee"), limits: limits)
        }
        #expect(try Bencode.decode(Array("l0:0:0:e"), limits: limits).list?.count == 3)
        #expect(throws: BencodeError.tooManyItems(limit: 4)) {
            try Bencode.decode(Array("l0:0:0:0:e"), limits: limits)
        }
        #expect(throws: BencodeError.tooManyItems(limit: 4)) {
            try Bencode.decode(Array("d0:le1:alee"), limits: limits)
        }
        #expect(throws: BencodeError.tooLong(count: 13, limit: 12)) {
            try Bencode.decode(Array("11:aaaaaaaaaa"), limits: limits)
        }
        let deep = [UInt8](repeating: UInt8(ascii: "l"), count: 1_000_000)
        #expect(throws: BencodeError.tooDeep(limit: 32)) { try Bencode.decode(deep) }
    }

    @Test func `random values round-trip`() throws {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let value = randomValue(depth: 4, &generator)
            let bytes = value.encoded()
            #expect(try Bencode.decode(bytes) == value)
        }
    }

    @Test func `what is accepted encodes to the same bytes again`() {
        var generator = SeededGenerator(seed: 12)
        var acceptedCount = 0
        for round in 0..<6_000 {
            let bytes =
                round % 4 == 0
                ? generator.bytes(generator.number(0..<30))
                : generator.mutated(
                    randomValue(depth: 3, &generator).encoded())
            guard let value = try? Bencode.decode(bytes) else { continue }
            acceptedCount += 1
            #expect(value.encoded() == bytes)
        }
        #expect(acceptedCount > 100)
    }

    @Test func `random letters of the format never trap`() {
        var generator = SeededGenerator(seed: 13)
        let alphabet = Array("ilde:0123456789-")
        for _ in 0..<10_000 {
            let bytes = (0..<generator.number(0..<16)).map { _ in
                alphabet[generator.number(0..<alphabet.count)]
            }
            if let value = try? Bencode.decode(bytes) { #expect(value.encoded() == bytes) }
        }
    }

    @Test func `a dictionary keeps its keys sorted and unique`() {
        var dictionary = BencodeDictionary()
        for key in ["b", "a", "c", "b", ""] { dictionary[key] = .text(key) }
        #expect(dictionary.map { String(decoding: $0.key, as: UTF8.self) } == ["", "a", "b", "c"])
        dictionary["b"] = nil
        dictionary["missing"] = nil
        #expect(dictionary["b"] == nil && dictionary.count == 3)
        #expect(dictionary["c"]?.text == "c")
    }

    @Test func `accessors give nothing for other types`() {
        #expect(Bencode.integer(1).bytes == nil && Bencode.integer(1).list == nil)
        #expect(Bencode.text("a").integer == nil && Bencode.text("a").dictionary == nil)
        #expect(Bencode.bytes([0xff]).text == nil)
    }

    private func randomValue(depth: Int, _ generator: inout SeededGenerator) -> Bencode {
        switch generator.number(0..<(depth > 0 ? 4 : 2)) {
        case 0:
            let shift = Int64(generator.number(0..<64))
            return .integer(Int64(bitPattern: generator.next()) >> shift)
        case 1:
            return .bytes(generator.bytes(generator.number(0..<12)))
        case 2:
            return .list(
                (0..<generator.number(0..<4)).map { _ in randomValue(depth: depth - 1, &generator) }
            )
        default:
            var dictionary = BencodeDictionary()
            for _ in 0..<generator.number(0..<4) {
                let key = generator.bytes(generator.number(0..<3))
                dictionary[key] = randomValue(depth: depth - 1, &generator)
            }
            return .dictionary(dictionary)
        }
    }
}
