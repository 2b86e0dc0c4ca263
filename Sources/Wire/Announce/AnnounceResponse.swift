/// A tracker's answer to an announce (BEP 3, 7, 23, 24).
package struct AnnounceResponse: Hashable, Sendable {
    /// Seconds until the next regular announce.
    package var interval: Int
    /// Seconds before which no announce is wanted.
    package var minInterval: Int?
    /// The number of seeders.
    package var complete: Int
    /// The number of leechers.
    package var incomplete: Int
    /// How many downloads were ever completed.
    package var downloaded: Int?
    /// IPv4 peers.
    package var peers: [Endpoint]
    /// IPv6 peers.
    package var peers6: [Endpoint]
    /// For the user to read; the answer holds all the same.
    package var warning: String?
    /// The peer's address as the tracker sees it (BEP 24).
    package var externalIP: IPAddress?

    package init(
        interval: Int, minInterval: Int? = nil, complete: Int = 0, incomplete: Int = 0,
        downloaded: Int? = nil, peers: [Endpoint] = [], peers6: [Endpoint] = [],
        warning: String? = nil, externalIP: IPAddress? = nil
    ) {
        self.interval = interval
        self.minInterval = minInterval
        self.complete = complete
        self.incomplete = incomplete
        self.downloaded = downloaded
        self.peers = peers
        self.peers6 = peers6
        self.warning = warning
        self.externalIP = externalIP
    }

    /// Appends the bencoded answer: peers as bytes (BEP 23, BEP 7), or else as dictionaries of
    /// `ip` and `port`, IPv6 ones in the same list (BEP 3; without `peer id`).
    package func encode(compact: Bool, into output: inout [UInt8]) {
        if compact {
            let ipv4 = peers.flatMap(\.compact)
            let ipv6 = peers6.flatMap(\.compact)
            encode(ipv4: ipv4, ipv6: ipv6, into: &output)
            return
        }
        encodeHead(into: &output)
        output.append("5:peersl")
        for peer in peers + peers6 {
            output.append("d2:ip")
            Bencode.encode(peer.address.description.utf8, into: &output)
            output.append("4:porti")
            output.appendDecimal(peer.port)
            output.append("ee")
        }
        output.append("e")
        encodeTail(into: &output)
    }

    /// Appends the bencoded answer with these compact peers, 6 and 18 bytes each, instead of
    /// `peers` and `peers6`: the way of the tracker, which keeps them like that.
    package func encode(ipv4: [UInt8], ipv6: [UInt8], into output: inout [UInt8]) {
        encodeHead(into: &output)
        output.append("5:peers")
        Bencode.encode(ipv4, into: &output)
        if !ipv6.isEmpty {
            output.append("6:peers6")
            Bencode.encode(ipv6, into: &output)
        }
        encodeTail(into: &output)
    }

    /// Reads a tracker's answer, compact or not. A refusal is thrown as `failure`. Peers that
    /// aren't IP addresses with a port are passed over.
    package init(decoding bytes: [UInt8]) throws(AnnounceResponseError) {
        let dictionary = try AnnounceResponseError.dictionary(bytes)
        guard let interval = Self.count(dictionary["interval"]) else {
            throw .malformed(key: "interval")
        }
        self.interval = interval
        minInterval = Self.count(dictionary["min interval"])
        complete = Self.count(dictionary["complete"]) ?? 0
        incomplete = Self.count(dictionary["incomplete"]) ?? 0
        downloaded = Self.count(dictionary["downloaded"])
        warning = dictionary["warning message"]?.text
        externalIP = dictionary["external ip"]?.bytes.flatMap { IPAddress(bytes: $0) }
        let found: [Endpoint]
        switch dictionary["peers"] {
        case .bytes(let compact):
            guard let endpoints = Endpoint.decodeCompactIPv4(compact) else {
                throw .malformed(key: "peers")
            }
            found = endpoints
        case .list(let list): found = list.compactMap(Self.endpoint)
        case nil: found = []
        default: throw .malformed(key: "peers")
        }
        let compact6 = dictionary["peers6"]?.bytes ?? []
        guard let found6 = Endpoint.decodeCompactIPv6(compact6) else {
            throw .malformed(key: "peers6")
        }
        let usable = (found + found6).filter { $0.port != 0 }
        peers = usable.filter { $0.address.isIPv4 }
        peers6 = usable.filter { !$0.address.isIPv4 }
    }

    /// The keys before `peers`, in their order.
    private func encodeHead(into output: inout [UInt8]) {
        output.append("d")
        Self.append("8:complete", complete, to: &output)
        if let downloaded { Self.append("10:downloaded", downloaded, to: &output) }
        if let externalIP {
            output.append("11:external ip")
            Bencode.encode(externalIP.bytes, into: &output)
        }
        Self.append("10:incomplete", incomplete, to: &output)
        Self.append("8:interval", interval, to: &output)
        if let minInterval { Self.append("12:min interval", minInterval, to: &output) }
    }

    /// The keys after `peers` and `peers6`.
    private func encodeTail(into output: inout [UInt8]) {
        if let warning {
            output.append("15:warning message")
            Bencode.encode(warning.utf8, into: &output)
        }
        output.append("e")
    }

    private static func append(_ key: StaticString, _ value: Int, to output: inout [UInt8]) {
        output.append(key)
        output.append("i")
        output.appendDecimal(value)
        output.append("e")
    }

    private static func count(_ value: Bencode?) -> Int? {
        value?.integer.flatMap { $0 >= 0 ? Int($0) : nil }
    }

    private static func endpoint(_ value: Bencode) -> Endpoint? {
        guard let peer = value.dictionary, let text = peer["ip"]?.text,
            let address = IPAddress(text),
            let port = peer["port"]?.integer.flatMap({ UInt16(exactly: $0) })
        else { return nil }
        return Endpoint(address: address, port: port)
    }
}
