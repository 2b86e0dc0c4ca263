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
            encode(ipv4: peers.flatMap(\.compact), ipv6: peers6.flatMap(\.compact), into: &output)
            return
        }
        output.append(upTo: Self.mostHeadBytes) { encodeHead(to: &$0) }
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
        output.append(upTo: Self.mostHeadBytes + ipv4.count + ipv6.count) { writer in
            encodeHead(to: &writer)
            writer.put("5:peers")
            Self.put(ipv4, to: &writer)
            if !ipv6.isEmpty {
                writer.put("6:peers6")
                Self.put(ipv6, to: &writer)
            }
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

    /// More than what `encodeHead` writes and what frames the peers: six keys of 17 bytes at most,
    /// numbers of 19 digits, an address of 16 bytes.
    private static let mostHeadBytes = 320

    /// The keys before `peers`, in their order.
    private func encodeHead(to writer: inout ByteWriter) {
        writer.put("d8:completei")
        writer.put(decimal: complete)
        if let downloaded {
            writer.put("e10:downloadedi")
            writer.put(decimal: downloaded)
        }
        writer.put("e")
        if let externalIP {
            writer.put("11:external ip")
            if let ipv4 = externalIP.ipv4 {
                writer.put("4:")
                writer.put(bigEndian: ipv4)
            } else {
                writer.put("16:")
                writer.put(bigEndian: externalIP.high)
                writer.put(bigEndian: externalIP.low)
            }
        }
        writer.put("10:incompletei")
        writer.put(decimal: incomplete)
        writer.put("e8:intervali")
        writer.put(decimal: interval)
        if let minInterval {
            writer.put("e12:min intervali")
            writer.put(decimal: minInterval)
        }
        writer.put("e")
    }

    /// A byte string.
    private static func put(_ bytes: [UInt8], to writer: inout ByteWriter) {
        writer.put(decimal: bytes.count)
        writer.put(":")
        writer.put(bytes)
    }

    /// The keys after `peers` and `peers6`.
    private func encodeTail(into output: inout [UInt8]) {
        if let warning {
            output.append("15:warning message")
            Bencode.encode(warning.utf8, into: &output)
        }
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
