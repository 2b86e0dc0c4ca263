/// Base 32 (RFC 4648 §6), in which some magnet links write info-hashes.
enum Base32 {
    /// The bytes of a whole number of groups of eight digits, in either case, without padding; nil
    /// for anything else.
    static func decode(_ text: some StringProtocol) -> [UInt8]? {
        guard text.utf8.count % 8 == 0 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt64 = 0
        for (position, character) in text.utf8.enumerated() {
            guard let digit = value(of: character) else { return nil }
            bits = bits << 5 | UInt64(digit)
            guard position % 8 == 7 else { continue }
            for shift in stride(from: 32, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
            }
        }
        return bytes
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5a: character - 0x41
        case 0x61...0x7a: character - 0x61
        case 0x32...0x37: character - 0x32 + 26
        default: nil
        }
    }
}
