/// A peer's announce to a tracker (BEP 3, 7, 21, 23).
package struct AnnounceRequest: Hashable, Sendable {
    package enum Event: String, Sendable {
        /// One of the announces at regular intervals.
        case none = ""
        case started
        case completed
        case stopped
        /// Still there but wants nothing more, though the download isn't complete (BEP 21).
        case paused
    }

    package var infoHash: InfoHash
    package var peerID: PeerID
    /// Where the peer listens; never 0.
    package var port: UInt16
    /// Bytes sent to others since `started`.
    package var uploaded: UInt64
    /// Bytes received since `started`.
    package var downloaded: UInt64
    /// Bytes missing; 0 for a seeder.
    package var left: UInt64
    package var event: Event
    /// How many peers are wanted; nil leaves it to the tracker.
    package var numwant: Int?
    /// Whether the answer may be compact (BEP 23); only `compact=0` says no.
    package var compact: Bool
    package var noPeerID: Bool
    /// Proves that an announce from another address is the same peer's.
    package var key: UInt32?

    package init(
        infoHash: InfoHash, peerID: PeerID, port: UInt16, uploaded: UInt64 = 0,
        downloaded: UInt64 = 0, left: UInt64, event: Event = .none, numwant: Int? = nil,
        compact: Bool = true, noPeerID: Bool = false, key: UInt32? = nil
    ) {
        self.infoHash = infoHash
        self.peerID = peerID
        self.port = port
        self.uploaded = uploaded
        self.downloaded = downloaded
        self.left = left
        self.event = event
        self.numwant = numwant
        self.compact = compact
        self.noPeerID = noPeerID
        self.key = key
    }

    /// The query of the announce URL, without the `?`.
    package func query() -> String {
        var bytes = [UInt8]("info_hash=".utf8)
        infoHash.withBytes { PercentEncoding.encode($0, into: &bytes) }
        bytes.append("&peer_id=")
        peerID.withBytes { PercentEncoding.encode($0, into: &bytes) }
        bytes.append("&port=")
        bytes.appendDecimal(port)
        bytes.append("&uploaded=")
        bytes.appendDecimal(uploaded)
        bytes.append("&downloaded=")
        bytes.appendDecimal(downloaded)
        bytes.append("&left=")
        bytes.appendDecimal(left)
        bytes.append(compact ? "&compact=1" : "&compact=0")
        if noPeerID { bytes.append("&no_peer_id=1") }
        if let numwant {
            bytes.append("&numwant=")
            bytes.appendDecimal(numwant)
        }
        if let key {
            bytes.append("&key=")
            bytes.append(contentsOf: String(key, radix: 16).utf8)
        }
        if event != .none {
            bytes.append("&event=")
            bytes.append(contentsOf: event.rawValue.utf8)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension AnnounceRequest {
    /// Reads the query of an announce. Parameters that aren't known are passed over.
    package init(parsingQuery bytes: UnsafeRawBufferPointer) throws(AnnounceError) {
        var parser = AnnounceQueryParser(bytes)
        try parser.run()
        self = try parser.result()
    }

    /// Reads the query of an announce.
    package init(parsingQuery bytes: [UInt8]) throws(AnnounceError) {
        self = try bytes.withRawBytes { (raw) throws(AnnounceError) in
            try AnnounceRequest(parsingQuery: raw)
        }
    }
}

/// Collects the parameters of an announce; no allocation on the way.
private struct AnnounceQueryParser {
    private var reader: QueryReader
    private var infoHash: Bytes20?
    private var peerID: Bytes20?
    private var port: UInt64?
    private var uploaded: UInt64?
    private var downloaded: UInt64?
    private var left: UInt64?
    private var numwant: Int?
    private var key: UInt32?
    private var event = AnnounceRequest.Event.none
    private var compact = true
    private var noPeerID = false

    init(_ bytes: UnsafeRawBufferPointer) {
        reader = QueryReader(bytes)
    }

    mutating func run() throws(AnnounceError) {
        while let (name, value) = reader.next() {
            switch name.count {
            case 3 where reader.matches(name, "key"):
                key = foldedKey(value)
            case 4 where reader.matches(name, "port"):
                try set(&port, .port, reader.decimal(value))
            case 4 where reader.matches(name, "left"):
                try set(&left, .left, reader.decimal(value))
            case 5 where reader.matches(name, "event"):
                event = event(value)
            case 7 where reader.matches(name, "peer_id"):
                try set(&peerID, .peerID, reader.twentyBytes(value))
            case 7 where reader.matches(name, "numwant"):
                numwant = try wanted(value)
            case 7 where reader.matches(name, "compact"):
                compact = !reader.matches(value, "0")
            case 8 where reader.matches(name, "uploaded"):
                try set(&uploaded, .uploaded, reader.decimal(value))
            case 9 where reader.matches(name, "info_hash"):
                try set(&infoHash, .infoHash, reader.twentyBytes(value))
            case 10 where reader.matches(name, "downloaded"):
                try set(&downloaded, .downloaded, reader.decimal(value))
            case 10 where reader.matches(name, "no_peer_id"):
                noPeerID = reader.matches(value, "1")
            default: break
            }
        }
    }

    func result() throws(AnnounceError) -> AnnounceRequest {
        guard let infoHash else { throw .missing(.infoHash) }
        guard let peerID else { throw .missing(.peerID) }
        guard let port else { throw .missing(.port) }
        guard let port = UInt16(exactly: port), port > 0 else { throw .malformed(.port) }
        guard let left else { throw .missing(.left) }
        return AnnounceRequest(
            infoHash: InfoHash(infoHash), peerID: PeerID(peerID), port: port,
            uploaded: uploaded ?? 0, downloaded: downloaded ?? 0, left: left, event: event,
            numwant: numwant, compact: compact, noPeerID: noPeerID, key: key)
    }

    private func set<T>(
        _ field: inout T?, _ parameter: AnnounceError.Parameter, _ value: T?
    ) throws(AnnounceError) {
        guard let value else { throw .malformed(parameter) }
        guard field == nil else { throw .repeated(parameter) }
        field = value
    }

    private func event(_ value: Range<Int>) -> AnnounceRequest.Event {
        if reader.matches(value, "started") { return .started }
        if reader.matches(value, "completed") { return .completed }
        if reader.matches(value, "stopped") { return .stopped }
        if reader.matches(value, "paused") { return .paused }
        return .none
    }

    /// A number of peers; negative ones (`-1` is common) leave it to the tracker.
    private func wanted(_ value: Range<Int>) throws(AnnounceError) -> Int? {
        if let first = reader.bytes[value].first, first == UInt8(ascii: "-") {
            guard reader.decimal(value.dropFirst()) != nil else { throw .malformed(.numwant) }
            return nil
        }
        guard let count = reader.decimal(value) else { throw .malformed(.numwant) }
        return Int(clamping: count)
    }

    /// Eight hexadecimal digits are the number they write; whatever else clients send is folded
    /// to a number (FNV-1a), since a key is only ever compared.
    private func foldedKey(_ value: Range<Int>) -> UInt32? {
        guard !value.isEmpty else { return nil }
        var number: UInt32 = 0
        var hash: UInt32 = 0x811c_9dc5
        var isHex = value.count <= 8
        for byte in reader.bytes[value] {
            hash = (hash ^ UInt32(byte)) &* 0x0100_0193
            guard isHex, let digit = Hex.value(of: byte) else {
                isHex = false
                continue
            }
            number = number << 4 | UInt32(digit)
        }
        return isHex ? number : hash
    }
}
