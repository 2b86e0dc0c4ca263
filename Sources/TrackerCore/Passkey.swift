import Wire

/// What a user's clients announce with: 128 random bits, personal, secret. Written as 32
/// lower-case hex digits in announce paths; never printed, so that it can't reach a log.
package struct Passkey: Hashable, Sendable, Codable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    /// A new passkey; the generator must be a cryptographic one.
    package init(random generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next()
    }

    /// Exactly 32 hex digits in either case; nil for anything else. Allocates nothing.
    package init?(hexDigits digits: UnsafeRawBufferPointer) {
        guard digits.count == 32 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for position in 0..<32 {
            guard let digit = Hex.value(of: digits[position]) else { return nil }
            if position < 16 {
                words.0 = words.0 << 4 | UInt64(digit)
            } else {
                words.1 = words.1 << 4 | UInt64(digit)
            }
        }
        (high, low) = words
    }

    /// Exactly 32 hex digits in either case; nil for anything else.
    package init?(hex: String) {
        var hex = hex
        guard let key = hex.withUTF8({ Passkey(hexDigits: UnsafeRawBufferPointer($0)) }) else {
            return nil
        }
        self = key
    }

    /// What `Dictionary` asks for, at every announce; cheaper than the default. Strangers choose
    /// what is looked up, so the process's secret takes part.
    package func _rawHashValue(seed: Int) -> Int {
        let secret = HashSecret.process
        let product = (high ^ secret.first).multipliedFullWidth(by: (low ^ secret.second) | 1)
        return Int(truncatingIfNeeded: product.high ^ product.low) ^ seed
    }

    /// 32 lower-case hex digits: for the passkey's owner and the store only.
    package var hex: String {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(low)
        return Hex.encode(bytes)
    }

    package var description: String { "[redacted]" }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let key = Passkey(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a passkey is 32 hex digits")
        }
        self = key
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
