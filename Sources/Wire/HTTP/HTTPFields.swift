/// The header fields of a message, looked up in the bytes they arrived in.
package struct HTTPFields: Hashable, Sendable {
    /// A whole head: start line, fields, empty line; each ends in CR LF and was validated.
    let head: [UInt8]
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
    static func isToken(_ byte: UInt8) -> Bool { classes[Int(byte)] & 1 != 0 }

    /// What a field's value is made of: visible characters, obs-text, space and tab.
    static func isFieldValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7f || byte == 0x09
    }

    /// What a `Host` is made of: `uri-host [":" port]` (RFC 3986 §3.2.2).
    static func isHost(_ byte: UInt8) -> Bool { classes[Int(byte)] & 2 != 0 }

    /// Bit 0: token; bit 1: host.
    private static let classes: [UInt8] = {
        var classes = [UInt8](repeating: 0, count: 256)
        let alphanumeric = [UInt8](0x30...0x39) + [UInt8](0x41...0x5a) + [UInt8](0x61...0x7a)
        for byte in alphanumeric + [UInt8]("!#$%&'*+-.^_`|~".utf8) { classes[Int(byte)] |= 1 }
        for byte in alphanumeric + [UInt8]("-._~!$&'()*+,;=:%[]".utf8) { classes[Int(byte)] |= 2 }
        return classes
    }()
}
