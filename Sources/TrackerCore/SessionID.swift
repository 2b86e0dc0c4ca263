import Wire

/// Names a session without giving it away: the SHA-256 of its token. Whoever reads the store or
/// a log can't log in with it.
package struct SessionID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 32 bytes.
    package let bytes: [UInt8]

    /// The id made of exactly 32 bytes; nil for any other number of them.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// The first digits: enough to tell sessions apart in a log.
    package var description: String { Hex.encode(bytes.prefix(4)) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let hex = try container.decode(String.self)
        guard let bytes = Hex.decode(hex), let id = SessionID(bytes) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a session id is 64 hex digits")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Hex.encode(bytes))
    }
}
