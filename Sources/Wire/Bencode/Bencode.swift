/// A bencoded value (BEP 3).
package enum Bencode: Hashable, Sendable {
    case integer(Int64)
    case bytes([UInt8])
    case list([Bencode])
    case dictionary(BencodeDictionary)

    /// A byte string of the text's UTF-8.
    package static func text(_ text: String) -> Bencode { .bytes([UInt8](text.utf8)) }

    /// The integer, or nil for other values.
    package var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The byte string, or nil for other values.
    package var bytes: [UInt8]? {
        if case .bytes(let value) = self { value } else { nil }
    }

    /// The byte string as text, or nil for other values and for what isn't UTF-8.
    package var text: String? {
        bytes.flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The list's items, or nil for other values.
    package var list: [Bencode]? {
        if case .list(let value) = self { value } else { nil }
    }

    /// The dictionary, or nil for other values.
    package var dictionary: BencodeDictionary? {
        if case .dictionary(let value) = self { value } else { nil }
    }

    /// The one canonical encoding.
    package func encoded() -> [UInt8] {
        var output: [UInt8] = []
        encode(into: &output)
        return output
    }

    /// Appends the one canonical encoding.
    package func encode(into output: inout [UInt8]) {
        switch self {
        case .integer(let value):
            output.append(UInt8(ascii: "i"))
            output.appendDecimal(value)
            output.append(UInt8(ascii: "e"))
        case .bytes(let bytes):
            Self.encode(bytes, into: &output)
        case .list(let items):
            output.append(UInt8(ascii: "l"))
            for item in items { item.encode(into: &output) }
            output.append(UInt8(ascii: "e"))
        case .dictionary(let dictionary):
            output.append(UInt8(ascii: "d"))
            for (key, value) in dictionary {
                Self.encode(key, into: &output)
                value.encode(into: &output)
            }
            output.append(UInt8(ascii: "e"))
        }
    }

    /// Appends a byte string.
    package static func encode(
        _ bytes: some Collection<UInt8>, into output: inout [UInt8]
    ) {
        output.appendDecimal(bytes.count)
        output.append(UInt8(ascii: ":"))
        output.append(contentsOf: bytes)
    }
}

/// A bencoded dictionary: keys are byte strings, unique and in byte order.
package struct BencodeDictionary: Hashable, Sendable, Sequence {
    private struct Entry: Hashable, Sendable {
        var key: [UInt8]
        var value: Bencode
    }

    private var entries: [Entry] = []

    package init() {}

    /// The value of a key; setting nil removes the key.
    package subscript(key: String) -> Bencode? {
        get { self[[UInt8](key.utf8)] }
        set { self[[UInt8](key.utf8)] = newValue }
    }

    /// The value of a key; setting nil removes the key.
    package subscript(key: [UInt8]) -> Bencode? {
        get {
            let index = position(of: key)
            return index < entries.count && entries[index].key == key ? entries[index].value : nil
        }
        set {
            let index = position(of: key)
            let isPresent = index < entries.count && entries[index].key == key
            switch (newValue, isPresent) {
            case (let value?, true): entries[index].value = value
            case (let value?, false): entries.insert(Entry(key: key, value: value), at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    package var count: Int { entries.count }

    /// Keys and values in the keys' order.
    package func makeIterator() -> AnyIterator<(key: [UInt8], value: Bencode)> {
        var index = 0
        return AnyIterator {
            guard index < entries.count else { return nil }
            defer { index += 1 }
            return (entries[index].key, entries[index].value)
        }
    }

    /// Appends an entry if its key comes after all others; false if it doesn't.
    mutating func appendInOrder(key: [UInt8], value: Bencode) -> Bool {
        if let last = entries.last, !last.key.lexicographicallyPrecedes(key) { return false }
        entries.append(Entry(key: key, value: value))
        return true
    }

    /// The index of the first entry whose key isn't before `key`.
    private func position(of key: [UInt8]) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key.lexicographicallyPrecedes(key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
