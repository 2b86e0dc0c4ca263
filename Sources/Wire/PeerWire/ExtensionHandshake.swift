/// The first message of the extension protocol: a dictionary about its sender (BEP 10).
package struct ExtensionHandshake: Hashable, Sendable {
    /// The sender's ids of extension messages by their names; 0 means switched off.
    package var messageIDs: [String: UInt8]
    /// `v`: the client's name and version.
    package var client: String?
    /// `reqq`: how many requests the sender keeps without dropping any.
    package var requestQueueLength: Int?
    /// `p`: the TCP port the sender listens on.
    package var listenPort: UInt16?
    /// `yourip`: the receiver's address as the sender sees it.
    package var yourIP: IPAddress?
    /// `ipv4`, `ipv6`: the sender's addresses of those families.
    package var ipv4: IPAddress?
    package var ipv6: IPAddress?
    /// `upload_only`: whether the sender wants nothing more (BEP 21).
    package var isUploadOnly: Bool?
    /// `metadata_size`: bytes of the info dictionary, which the sender may be asked for (BEP 9).
    package var metadataSize: Int?
    /// `mt_maxblock`, ours: the longest range of a piece, in bytes, that the sender answers with
    /// one `piece` message.
    package var maxBlockLength: Int?

    package init(
        messageIDs: [String: UInt8] = [:], client: String? = nil, requestQueueLength: Int? = nil,
        listenPort: UInt16? = nil, yourIP: IPAddress? = nil, ipv4: IPAddress? = nil,
        ipv6: IPAddress? = nil, isUploadOnly: Bool? = nil, metadataSize: Int? = nil,
        maxBlockLength: Int? = nil
    ) {
        self.messageIDs = messageIDs
        self.client = client
        self.requestQueueLength = requestQueueLength
        self.listenPort = listenPort
        self.yourIP = yourIP
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.isUploadOnly = isUploadOnly
        self.metadataSize = metadataSize
        self.maxBlockLength = maxBlockLength
    }

    /// The bencoded dictionary, the payload of the extension message 0.
    package func encoded() -> [UInt8] {
        var ids = BencodeDictionary()
        for (name, id) in messageIDs {
            ids[name] = .integer(Int64(id))
        }
        var dictionary = BencodeDictionary()
        dictionary["ipv4"] = ipv4.map { .bytes($0.bytes) }
        dictionary["ipv6"] = ipv6.map { .bytes($0.bytes) }
        dictionary["m"] = .dictionary(ids)
        dictionary["metadata_size"] = metadataSize.map { .integer(Int64($0)) }
        dictionary["mt_maxblock"] = maxBlockLength.map { .integer(Int64($0)) }
        dictionary["p"] = listenPort.map { .integer(Int64($0)) }
        dictionary["reqq"] = requestQueueLength.map { .integer(Int64($0)) }
        dictionary["upload_only"] = isUploadOnly.map { .integer($0 ? 1 : 0) }
        dictionary["v"] = client.map { .text($0) }
        dictionary["yourip"] = yourIP.map { .bytes($0.bytes) }
        return Bencode.dictionary(dictionary).encoded()
    }

    /// Reads the payload of the extension message 0. Entries of the wrong type or out of range
    /// are passed over as if they weren't there, since BEP 10 makes all of them optional.
    package init(decoding payload: [UInt8]) throws(BencodeError) {
        let limits = Bencode.Limits(maxDepth: 8, maxBytes: 64 << 10, maxItems: 1_000)
        guard let dictionary = try Bencode.decode(payload, limits: limits).dictionary else {
            throw .unexpectedByte(payload[0], at: 0)
        }
        messageIDs = [:]
        for (key, value) in dictionary["m"]?.dictionary ?? BencodeDictionary() {
            guard let name = String(validating: key, as: UTF8.self),
                let id = value.integer.flatMap({ UInt8(exactly: $0) })
            else { continue }
            messageIDs[name] = id
        }
        client = dictionary["v"]?.text
        requestQueueLength = Self.positive(dictionary["reqq"])
        metadataSize = Self.positive(dictionary["metadata_size"])
        maxBlockLength = Self.positive(dictionary["mt_maxblock"])
        listenPort = dictionary["p"]?.integer.flatMap {
            $0 == 0 ? nil : UInt16(exactly: $0)
        }
        yourIP = dictionary["yourip"]?.bytes.flatMap { IPAddress(bytes: $0) }
        ipv4 = Self.address(dictionary["ipv4"], byteCount: 4)
        ipv6 = Self.address(dictionary["ipv6"], byteCount: 16)
        isUploadOnly = dictionary["upload_only"]?.integer.map { $0 != 0 }
    }

    private static func positive(_ value: Bencode?) -> Int? {
        value?.integer.flatMap { $0 > 0 ? Int($0) : nil }
    }

    private static func address(_ value: Bencode?, byteCount: Int) -> IPAddress? {
        value?.bytes.flatMap { $0.count == byteCount ? IPAddress(bytes: $0) : nil }
    }
}
