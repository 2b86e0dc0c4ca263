// Digests, info-hashes and peer ids are strings of 40 hexadecimal digits in JSON.

extension SHA1Digest: Codable {
    package init(from decoder: any Decoder) throws {
        storage = try Bytes20(hexFrom: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try storage.encodeHex(to: encoder)
    }
}

extension InfoHash: Codable {
    package init(from decoder: any Decoder) throws {
        storage = try Bytes20(hexFrom: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try storage.encodeHex(to: encoder)
    }
}

extension PeerID: Codable {
    package init(from decoder: any Decoder) throws {
        storage = try Bytes20(hexFrom: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try storage.encodeHex(to: encoder)
    }
}

extension Bytes20 {
    fileprivate init(hexFrom decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Bytes20(hex: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "must be 40 hexadecimal digits")
        }
        self = value
    }

    fileprivate func encodeHex(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
