/// Percent-encoding (RFC 3986 §2.1).
package enum PercentEncoding {
    /// The bytes with every `%XX` replaced; nil if a `%` isn't followed by two hex digits. A `+`
    /// stays a plus: BitTorrent's queries are no HTML forms.
    package static func decode(_ bytes: some Collection<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap(Hex.value),
                let low = iterator.next().flatMap(Hex.value)
            else { return nil }
            output.append(high << 4 | low)
        }
        return output
    }

    /// The bytes with everything but RFC 3986's unreserved characters as `%XX`: fit to be a path
    /// component or a value in a query.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        encode(bytes, into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The text's UTF-8 encoded likewise.
    package static func encode(_ text: String) -> String { encode(text.utf8) }

    static func encode(_ bytes: some Sequence<UInt8>, into output: inout [UInt8]) {
        let digits = [UInt8]("0123456789ABCDEF".utf8)
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
                output.append(byte)
            default:
                output.append(UInt8(ascii: "%"))
                output.append(digits[Int(byte >> 4)])
                output.append(digits[Int(byte & 15)])
            }
        }
    }
}
