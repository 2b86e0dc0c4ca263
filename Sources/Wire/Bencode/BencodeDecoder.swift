/// Why bytes aren't canonical bencoding (BEP 3). Offsets count from the beginning.
package enum BencodeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes end within a value.
    case unexpectedEnd
    case unexpectedByte(UInt8, at: Int)
    /// An integer with leading zeros, minus zero, or without digits.
    case nonCanonicalInteger(at: Int)
    /// An integer that doesn't fit 64 bits.
    case integerOverflow(at: Int)
    /// A string's length with leading zeros, or one that no string can have.
    case invalidLength(at: Int)
    /// A dictionary's key that isn't after the one before it.
    case unsortedKey(at: Int)
    case trailingBytes(at: Int)
    case tooDeep(limit: Int)
    case tooLong(count: Int, limit: Int)
    case tooManyItems(limit: Int)

    package var description: String {
        switch self {
        case .unexpectedEnd: "the data ends in the middle of a value"
        case .unexpectedByte(let byte, let offset):
            "unexpected byte 0x\(Hex.encode(CollectionOfOne(byte))) at offset \(offset)"
        case .nonCanonicalInteger(let offset): "malformed integer at offset \(offset)"
        case .integerOverflow(let offset): "integer too large at offset \(offset)"
        case .invalidLength(let offset): "malformed string length at offset \(offset)"
        case .unsortedKey(let offset): "dictionary key out of order at offset \(offset)"
        case .trailingBytes(let offset): "data after the end of the value at offset \(offset)"
        case .tooDeep(let limit): "nested more than \(limit) levels deep"
        case .tooLong(let count, let limit): "\(count) bytes, where at most \(limit) are allowed"
        case .tooManyItems(let limit): "more than \(limit) items"
        }
    }
}

extension Bencode {
    /// What a stranger's value may cost.
    package struct Limits: Sendable {
        /// How deep lists and dictionaries may be nested.
        package var maxDepth: Int
        /// The length of the whole encoding in bytes.
        package var maxBytes: Int
        /// The number of all values and keys.
        package var maxItems: Int

        package init(maxDepth: Int = 32, maxBytes: Int = 16 << 20, maxItems: Int = 100_000) {
            self.maxDepth = maxDepth
            self.maxBytes = maxBytes
            self.maxItems = maxItems
        }
    }

    /// The value that exactly these bytes are. Only the canonical encoding is accepted, so that
    /// encoding the value again gives the same bytes.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()
    ) throws(BencodeError) -> Bencode {
        let (value, length) = try decodePrefix(bytes, limits: limits)
        guard length == bytes.count else { throw .trailingBytes(at: length) }
        return value
    }

    /// The value that the bytes begin with, and how many of them it takes.
    package static func decodePrefix(
        _ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()
    ) throws(BencodeError) -> (value: Bencode, length: Int) {
        guard bytes.count <= limits.maxBytes else {
            throw .tooLong(count: bytes.count, limit: limits.maxBytes)
        }
        var parser = BencodeParser(bytes: bytes, limits: limits)
        let value = try parser.value(depth: 0)
        return (value, parser.position)
    }

    /// The value that the bytes begin with, and how many of them it takes.
    package static func decodePrefix(
        _ bytes: [UInt8], limits: Limits = Limits()
    ) throws(BencodeError) -> (value: Bencode, length: Int) {
        try bytes.withRawBytes { (raw) throws(BencodeError) in
            try decodePrefix(raw, limits: limits)
        }
    }

    /// The value that exactly these bytes are.
    package static func decode(
        _ bytes: [UInt8], limits: Limits = Limits()
    ) throws(BencodeError) -> Bencode {
        try bytes.withRawBytes { (raw) throws(BencodeError) in try decode(raw, limits: limits) }
    }
}

private struct BencodeParser {
    let bytes: UnsafeRawBufferPointer
    let limits: Bencode.Limits
    var position = 0
    private var itemCount = 0

    init(bytes: UnsafeRawBufferPointer, limits: Bencode.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func value(depth: Int) throws(BencodeError) -> Bencode {
        switch try peek() {
        case UInt8(ascii: "i"):
            try countItem()
            return .integer(try integer())
        case UInt8(ascii: "l"):
            try countItem()
            return .list(try list(depth: depth + 1))
        case UInt8(ascii: "d"):
            try countItem()
            return .dictionary(try dictionary(depth: depth + 1))
        default:
            return .bytes(try string())
        }
    }

    private mutating func list(depth: Int) throws(BencodeError) -> [Bencode] {
        guard depth <= limits.maxDepth else { throw .tooDeep(limit: limits.maxDepth) }
        position += 1
        var items: [Bencode] = []
        while try peek() != UInt8(ascii: "e") {
            items.append(try value(depth: depth))
        }
        position += 1
        return items
    }

    private mutating func dictionary(depth: Int) throws(BencodeError) -> BencodeDictionary {
        guard depth <= limits.maxDepth else { throw .tooDeep(limit: limits.maxDepth) }
        position += 1
        var entries = BencodeDictionary()
        while try peek() != UInt8(ascii: "e") {
            let start = position
            let key = try string()
            let value = try value(depth: depth)
            guard entries.appendInOrder(key: key, value: value) else {
                throw .unsortedKey(at: start)
            }
        }
        position += 1
        return entries
    }

    private mutating func integer() throws(BencodeError) -> Int64 {
        let start = position
        position += 1
        let isNegative = try peek() == UInt8(ascii: "-")
        if isNegative { position += 1 }
        guard let magnitude = try digits(), try peek() == UInt8(ascii: "e") else {
            throw .nonCanonicalInteger(at: start)
        }
        position += 1
        guard !(isNegative && magnitude.value == 0) else { throw .nonCanonicalInteger(at: start) }
        let limit = UInt64(Int64.max) + (isNegative ? 1 : 0)
        guard !magnitude.overflow, magnitude.value <= limit else {
            throw .integerOverflow(at: start)
        }
        let bits = Int64(bitPattern: magnitude.value)
        return isNegative ? 0 &- bits : bits
    }

    private mutating func string() throws(BencodeError) -> [UInt8] {
        let start = position
        let first = try peek()
        guard (0x30...0x39).contains(first) else {
            throw .unexpectedByte(first, at: position)
        }
        try countItem()
        guard let length = try digits(), try peek() == UInt8(ascii: ":") else {
            throw .invalidLength(at: start)
        }
        position += 1
        guard !length.overflow, length.value <= UInt64(bytes.count) else {
            throw .invalidLength(at: start)
        }
        guard Int(length.value) <= bytes.count - position else { throw .unexpectedEnd }
        let end = position + Int(length.value)
        defer { position = end }
        return [UInt8](bytes[position..<end])
    }

    /// One or more digits without leading zeros; nil if there aren't any or there is one.
    private mutating func digits() throws(BencodeError) -> (value: UInt64, overflow: Bool)? {
        let start = position
        var value: UInt64 = 0
        var overflow = false
        while (0x30...0x39).contains(try peek()) {
            let (product, wide) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(bytes[position] - 0x30))
            value = sum
            overflow = overflow || wide || carry
            position += 1
        }
        let count = position - start
        guard count == 1 || (count > 1 && bytes[start] != 0x30) else { return nil }
        return (value, overflow)
    }

    private func peek() throws(BencodeError) -> UInt8 {
        guard position < bytes.count else { throw .unexpectedEnd }
        return bytes[position]
    }

    private mutating func countItem() throws(BencodeError) {
        itemCount += 1
        guard itemCount <= limits.maxItems else { throw .tooManyItems(limit: limits.maxItems) }
    }
}
