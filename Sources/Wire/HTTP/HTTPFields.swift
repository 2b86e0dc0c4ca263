import Glibc

/// The header fields of a message, looked up in the bytes they arrived in.
package struct HTTPFields: Hashable, Sendable {
    /// A whole head: start line, fields, empty line; each ends in CR LF and was validated.
    @usableFromInline let head: [UInt8]
    /// Where the first field begins in `head`.
    let start: Int

    /// A field's value without surrounding white space; names are case-insensitive. The values
    /// of a repeated field are joined by `, ` (RFC 9110 §5.3). Nil if there is no such field.
    package subscript(name: String) -> String? {
        var joined: String?
        head.withUnsafeBytes { bytes in
            var position = start
            while let field = HTTPLine.nextField(in: bytes, at: &position) {
                guard HTTPLine.matches(bytes, field.name, lowercased: name) else { continue }
                let value = String(decoding: bytes[field.value], as: UTF8.self)
                joined = joined.map { $0 + ", " + value } ?? value
            }
        }
        return joined
    }
}

/// Parts of lines of a head, as ranges of bytes.
enum HTTPLine {
    /// Splits the validated field at `position` and moves behind it; nil at the empty line.
    static func nextField(
        in bytes: UnsafeRawBufferPointer, at position: inout Int
    ) -> (name: Range<Int>, value: Range<Int>)? {
        guard let end = bytes[position...].firstIndex(of: 0x0d), end > position else { return nil }
        let line = position..<end
        position = end + 2
        guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")) else { return nil }
        return (line.lowerBound..<colon, trimmed(bytes, colon + 1..<end))
    }

    /// Where the byte is first found in a range, or else the range's end.
    static func find(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        guard let base = bytes.baseAddress,
            let found = memchr(base + range.lowerBound, Int32(byte), range.count)
        else { return range.upperBound }
        return UnsafeRawPointer(found) - base
    }

    /// The range without spaces and tabs at its ends.
    static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high && isBlank(bytes[low]) { low += 1 }
        while low < high && isBlank(bytes[high - 1]) { high -= 1 }
        return low..<high
    }

    /// Whether the bytes are this text, letter case of ASCII aside.
    static func matches(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, lowercased text: String
    ) -> Bool {
        guard range.count == text.utf8.count else { return false }
        return zip(bytes[range], text.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    /// Whether the bytes are this text, letter case included.
    @inline(__always) static func equals(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString
    ) -> Bool {
        guard range.count == text.utf8CodeUnitCount, let base = bytes.baseAddress else {
            return false
        }
        // A length that is known here makes it a comparison or two instead of a call.
        return memcmp(base + range.lowerBound, text.utf8Start, text.utf8CodeUnitCount) == 0
    }

    /// Whether the bytes are this lower-case ASCII text, letter case aside.
    @inline(__always) static func matches(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ text: StaticString
    ) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for index in 0..<range.count
        where lowercase(bytes[range.lowerBound + index]) != text.utf8Start[index] {
            return false
        }
        return true
    }

    @inline(__always) static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inline(__always) static func lowercase(_ byte: UInt8) -> UInt8 {
        (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }

    /// The `tchar` of RFC 9110 §5.6.2.
    @inline(__always) static func isToken(_ byte: UInt8) -> Bool { tokenBytes.contains(byte) }

    /// What a field's value is made of: visible characters, obs-text, space and tab.
    @inline(__always) static func isFieldValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7f || byte == 0x09
    }

    /// Whether a field's value is made of what it may be made of.
    static func isFieldValue(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            if index + 8 <= range.upperBound {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let deleted = word ^ 0x7f7f_7f7f_7f7f_7f7f
                let suspects =
                    (word &- 0x2020_2020_2020_2020) & ~word
                    | (deleted &- 0x0101_0101_0101_0101) & ~deleted
                if suspects & highBits == 0 {
                    index += 8
                    continue
                }
            }
            guard isFieldValue(bytes[index]) else { return false }
            index += 1
        }
        return true
    }

    /// Whether all bytes are visible ASCII characters.
    static func isVisible(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        while index + 8 <= range.upperBound {
            // Eight bytes at once: the high bit of a byte is set if it is below 0x21, above
            // 0x7e, or follows such a byte.
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let wrong =
                (word &- 0x2121_2121_2121_2121) & ~word | (word &+ 0x0101_0101_0101_0101) | word
            guard wrong & highBits == 0 else { return false }
            index += 8
        }
        while index < range.upperBound {
            guard bytes[index] > 0x20, bytes[index] < 0x7f else { return false }
            index += 1
        }
        return true
    }

    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// What a `Host` is made of: `uri-host [":" port]` (RFC 3986 §3.2.2).
    static func isHost(_ byte: UInt8) -> Bool { hostBytes.contains(byte) }

    // Letters, digits and !#$%&'*+-.^_`|~
    private static let tokenBytes = ASCIISet(
        low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)
    // Letters, digits and -._~!$&'()*+,;=:%[]
    private static let hostBytes = ASCIISet(
        low: 0x2fff_7ff2_0000_0000, high: 0x47ff_fffe_afff_fffe)
}

/// A set of ASCII characters: bit n of `low` is character n, of `high` character 64 + n.
struct ASCIISet {
    let low: UInt64
    let high: UInt64

    @inline(__always) func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && word >> UInt64(byte & 63) & 1 != 0
    }
}
