/// A magnet link: an info-hash, and where peers may be found who have what it names (BEP 9).
package struct MagnetLink: Hashable, Sendable, CustomStringConvertible {
    /// `xt=urn:btih:…`.
    package var infoHash: InfoHash
    /// `dn`: what the file may be called until its description is there.
    package var name: String?
    /// `tr`: announce URLs, in order of preference.
    package var trackers: [String]
    /// `x.pe`: peers.
    package var peers: [Endpoint]

    package static let scheme = "magnet:"
    /// The longest link that is read, in bytes, and the most trackers and peers of one.
    package static let maxLength = 16 << 10
    package static let maxTrackers = 32
    package static let maxPeers = 64

    package init(
        infoHash: InfoHash, name: String? = nil, trackers: [String] = [], peers: [Endpoint] = []
    ) {
        self.infoHash = infoHash
        self.name = name
        self.trackers = trackers
        self.peers = peers
    }

    /// The announce URL of a tracker for open swarms.
    package static func announceURL(of tracker: Endpoint) -> String {
        "http://\(tracker)/announce"
    }

    /// The trackers that can be asked without a name server and without TLS: those named as
    /// `http://IP:PORT/announce`.
    package var trackerEndpoints: [Endpoint] {
        trackers.compactMap { url in
            guard url.hasPrefix("http://"), url.hasSuffix("/announce") else { return nil }
            return Endpoint(url.dropFirst("http://".count).dropLast("/announce".count))
        }
    }

    /// The link, with everything percent-encoded that has a meaning of its own in links.
    package var description: String {
        var text = "magnet:?xt=urn:btih:\(infoHash.hex)"
        if let name { text += "&dn=" + PercentEncoding.encode(name) }
        for tracker in trackers { text += "&tr=" + PercentEncoding.encode(tracker) }
        for peer in peers {
            text += "&x.pe="
            // An IPv6 address keeps its brackets and colons.
            text += peer.description
        }
        return text
    }

    /// Reads a link. Parameters that aren't known are passed over, as are trackers and peers that
    /// can't be ones.
    package init(_ text: some StringProtocol) throws(MagnetError) {
        guard text.utf8.count <= Self.maxLength else { throw .tooLong }
        guard text.prefix(Self.scheme.count).lowercased() == Self.scheme else {
            throw .notAMagnetLink
        }
        let query = text.dropFirst(Self.scheme.count)
        guard query.first == "?" else { throw .notAMagnetLink }
        var hash: InfoHash?
        var names: [String] = []
        trackers = []
        peers = []
        for parameter in query.dropFirst().split(separator: "&") {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            // `tr.1` is as good as `tr`.
            let key = parts[0].lowercased().split(separator: ".").first ?? ""
            switch parts[0].lowercased() == "x.pe" ? "x.pe" : key {
            case "xt":
                guard let found = try Self.infoHash(try Self.decode(parts[1])) else { continue }
                guard hash == nil || hash == found else { throw .severalInfoHashes }
                hash = found
            case "dn": names.append(try Self.decode(parts[1], plusIsSpace: true))
            case "tr" where trackers.count < Self.maxTrackers:
                trackers.append(try Self.decode(parts[1]))
            case "x.pe" where peers.count < Self.maxPeers:
                if let peer = Endpoint(try Self.decode(parts[1])), peer.port != 0 {
                    peers.append(peer)
                }
            default: break
            }
        }
        guard let hash else { throw .noInfoHash }
        infoHash = hash
        name = names.first
    }

    /// The info-hash that an `xt` names, in 40 hexadecimal digits or 32 of base 32; nil for one
    /// that is of another kind.
    private static func infoHash(_ topic: String) throws(MagnetError) -> InfoHash? {
        let prefix = "urn:btih:"
        guard topic.prefix(prefix.count).lowercased() == prefix else { return nil }
        let digits = topic.dropFirst(prefix.count)
        guard let hash = InfoHash(hex: digits) ?? Base32.decode(digits).flatMap({ InfoHash($0) })
        else { throw .malformedInfoHash }
        return hash
    }

    private static func decode(
        _ text: some StringProtocol, plusIsSpace: Bool = false
    ) throws(MagnetError) -> String {
        let bytes = text.utf8.map { plusIsSpace && $0 == UInt8(ascii: "+") ? 0x20 : $0 }
        guard let decoded = PercentEncoding.decode(bytes),
            let value = String(validating: decoded, as: UTF8.self)
        else { throw .malformedEncoding }
        return value
    }
}

/// Why a text is no magnet link that can be used.
package enum MagnetError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAMagnetLink
    case tooLong
    /// A `%` without two digits, or not UTF-8.
    case malformedEncoding
    case malformedInfoHash
    case severalInfoHashes
    case noInfoHash

    package var description: String {
        switch self {
        case .notAMagnetLink: "a magnet link begins with magnet:?"
        case .tooLong: "it has more than \(MagnetLink.maxLength) bytes"
        case .malformedEncoding: "it isn't percent-encoded UTF-8"
        case .malformedInfoHash:
            "its info-hash is neither 40 hexadecimal digits nor 32 of base 32"
        case .severalInfoHashes: "it names several info-hashes"
        case .noInfoHash: "it has no xt=urn:btih:<info-hash>"
        }
    }
}
