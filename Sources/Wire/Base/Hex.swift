/// Hexadecimal digits: lower case when written, either case when read.
package enum Hex {
    /// Two lower-case digits for each byte.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        let digits = digits
        return String(unsafeUninitializedCapacity: bytes.count * 2) { output in
            var position = 0
            for byte in bytes {
                output[position] = digits[Int(byte >> 4)]
                output[position + 1] = digits[Int(byte & 15)]
                position += 2
            }
            return position
        }
    }

    /// The bytes of an even number of digits; nil if there is anything but digits.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var high: UInt8?
        for character in text.utf8 {
            guard let digit = value(of: character) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }

    /// 0–15 for an ASCII hexadecimal digit, else nil.
    @inlinable package static func value(of character: UInt8) -> UInt8? {
        // Digits and letters alternate at random: no branch can be foretold between them.
        let digit = character &- UInt8(ascii: "0")
        let letter = (character | 0x20) &- UInt8(ascii: "a")
        let isDigit = digit < 10
        guard isDigit || letter < 6 else { return nil }
        return isDigit ? digit : letter &+ 10
    }

    private static let digits = [UInt8]("0123456789abcdef".utf8)
}
