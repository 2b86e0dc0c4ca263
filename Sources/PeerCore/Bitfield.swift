/// A fixed-size set of piece indices, with the wire form of BEP 3's `bitfield` message:
/// the first piece is the most significant bit of the first byte, spare bits are zero.
///
/// Membership is O(1); the number of members is kept, so `isFull` and `setCount` are O(1) too.
package struct Bitfield: Equatable, Sendable {
    /// How many pieces there are, members or not.
    package let bitCount: Int
    /// How many pieces are members.
    package private(set) var setCount: Int
    /// Piece `i` is bit `63 - i % 64` of word `i / 64`: big-endian words are the wire form.
    private(set) var words: [UInt64]

    /// An empty set over `bitCount` pieces.
    package init(bitCount: Int) {
        precondition(bitCount >= 0, "a bitfield has no negative size")
        self.bitCount = bitCount
        self.setCount = 0
        self.words = [UInt64](repeating: 0, count: (bitCount + 63) / 64)
    }

    /// The set of all `bitCount` pieces.
    package init(fullOf bitCount: Int) {
        self.init(bitCount: bitCount)
        setCount = bitCount
        for index in words.indices { words[index] = ~0 }
        let spare = words.count * 64 - bitCount
        if spare > 0 { words[words.count - 1] = ~0 << UInt64(spare) }
    }

    /// Reads the payload of a `bitfield` message (BEP 3).
    /// Returns nil when the length isn't exactly ⌈bitCount / 8⌉ bytes or a spare bit is set.
    package init?(wireBytes: some Collection<UInt8>, bitCount: Int) {
        guard wireBytes.count == (bitCount + 7) / 8 else { return nil }
        self.init(bitCount: bitCount)
        var index = 0
        for byte in wireBytes {
            words[index >> 3] |= UInt64(byte) << UInt64(56 - 8 * (index & 7))
            index += 1
        }
        let spare = words.count * 64 - bitCount
        if spare > 0, let last = words.last, last & ~(~0 << UInt64(spare)) != 0 { return nil }
        setCount = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// The payload of a `bitfield` message: ⌈bitCount / 8⌉ bytes (BEP 3).
    package var wireBytes: [UInt8] {
        let byteCount = (bitCount + 7) / 8
        return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, initialized in
            for index in 0..<byteCount {
                let shift = UInt64(56 - 8 * (index & 7))
                buffer[index] = UInt8(truncatingIfNeeded: words[index >> 3] >> shift)
            }
            initialized = byteCount
        }
    }

    package var isFull: Bool { setCount == bitCount }
    package var isEmpty: Bool { setCount == 0 }

    /// Whether `piece` is a member. `piece` must be in `0..<bitCount`.
    package func contains(_ piece: Int) -> Bool {
        precondition(piece < bitCount, "piece index out of range")
        return words[piece >> 6] & Self.mask(piece) != 0
    }

    /// Adds `piece`; returns whether it was new.
    @discardableResult @inline(__always)
    package mutating func insert(_ piece: Int) -> Bool {
        precondition(piece < bitCount, "piece index out of range")
        let mask = Self.mask(piece)
        guard words[piece >> 6] & mask == 0 else { return false }
        words[piece >> 6] |= mask
        setCount += 1
        return true
    }

    /// Removes `piece`; returns whether it had been a member.
    @discardableResult @inline(__always)
    package mutating func remove(_ piece: Int) -> Bool {
        precondition(piece < bitCount, "piece index out of range")
        let mask = Self.mask(piece)
        guard words[piece >> 6] & mask != 0 else { return false }
        words[piece >> 6] &= ~mask
        setCount -= 1
        return true
    }

    /// How many members this set shares with `other`, which is of the same size.
    package func count(sharedWith other: Bitfield) -> Int {
        precondition(bitCount == other.bitCount, "bitfields of different sizes")
        var count = 0
        for index in words.indices { count += (words[index] & other.words[index]).nonzeroBitCount }
        return count
    }

    /// The lowest member this set shares with `other`, which is of the same size.
    package func firstMember(sharedWith other: Bitfield) -> Int? {
        precondition(bitCount == other.bitCount, "bitfields of different sizes")
        for index in words.indices {
            let word = words[index] & other.words[index]
            if word != 0 { return index << 6 + word.leadingZeroBitCount }
        }
        return nil
    }

    /// The lowest member that isn't below `start`, which is in `0..<bitCount`.
    package func firstMember(from start: Int) -> Int? {
        guard start < bitCount else { return nil }
        var index = start >> 6
        var word = words[index] & (~0 >> UInt64(start & 63))
        while word == 0 {
            index += 1
            guard index < words.count else { return nil }
            word = words[index]
        }
        return index << 6 + word.leadingZeroBitCount
    }

    /// The members of this set that aren't members of `other`, which is of the same size.
    package func subtracting(_ other: Bitfield) -> Bitfield {
        precondition(bitCount == other.bitCount, "bitfields of different sizes")
        var rest = self
        rest.setCount = 0
        for index in words.indices {
            rest.words[index] &= ~other.words[index]
            rest.setCount += rest.words[index].nonzeroBitCount
        }
        return rest
    }

    /// The members in ascending order.
    package var members: Members { Members(words: words) }

    package struct Members: Sequence, IteratorProtocol {
        private let words: [UInt64]
        private var index = -1
        private var word: UInt64 = 0

        fileprivate init(words: [UInt64]) {
            self.words = words
        }

        package mutating func next() -> Int? {
            while word == 0 {
                index += 1
                guard index < words.count else { return nil }
                word = words[index]
            }
            let lead = word.leadingZeroBitCount
            word &= ~(1 << UInt64(63 - lead))
            return index << 6 + lead
        }
    }

    static func mask(_ piece: Int) -> UInt64 { 1 << UInt64(63 - piece & 63) }
}
