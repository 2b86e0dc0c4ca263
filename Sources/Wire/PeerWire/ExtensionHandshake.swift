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
    /// `upload_only`: the sender wants nothing more (BEP 21).
    package var isUploadOnly: Bool

    package init(
        messageIDs: [String: UInt8] = [:], client: String? = nil, requestQueueLength: Int? = nil,
        listenPort: UInt16? = nil, yourIP: IPAddress? = nil, isUploadOnly: Bool = false
    ) {
        self.messageIDs = messageIDs
        self.client = client
        self.requestQueueLength = requestQueueLength
        self.listenPort = listenPort
        self.yourIP = yourIP
        self.isUploadOnly = isUploadOnly
    }

    /// The bencoded dictionary, the payload of the extension message 0.
    package func encoded() -> [UInt8] {
        var ids = BencodeDictionary()
        for (name, id) in messageIDs {
            ids[name] = .integer(Int64(id))
        }
        var dictionary = BencodeDictionary()
        dictionary["m"] = .dictionary(ids)
        dictionary["p"] = listenPort.map { .integer(Int64($0)) }
        dictionary["reqq"] = requestQueueLength.map { .integer(Int64($0)) }
        dictionary["upload_only"] = isUploadOnly ? .integer(1) : nil
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
        requestQueueLength = dictionary["reqq"]?.integer.flatMap {
            $0 > 0 ? Int($0) : nil
        }
        listenPort = dictionary["p"]?.integer.flatMap {
            $0 == 0 ? nil : UInt16(exactly: $0)
        }
        yourIP = dictionary["yourip"]?.bytes.flatMap { IPAddress(bytes: $0) }
        isUploadOnly = dictionary["upload_only"]?.integer.map { $0 != 0 } ?? false
    }
}
