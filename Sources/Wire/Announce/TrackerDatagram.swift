/// A datagram to a tracker (BEP 15), read in steps: the head, which proves where it comes from,
/// is looked at before anything else is.
package struct TrackerDatagram {
    /// What a datagram asks for, or answers.
    package enum Action: UInt32, Sendable {
        case connect = 0
        case announce = 1
        case scrape = 2
        case error = 3
    }

    /// In the place of a connection id in a request for one.
    package static let protocolID: UInt64 = 0x417_2710_1980
    /// Bytes of the head, and of an answer to a connect request.
    package static let headLength = 16
    /// Bytes of an announce request without options.
    package static let announceLength = 98
    /// The most info-hashes of one scrape: what an answer of one Ethernet frame holds.
    package static let mostScraped = 74

    let bytes: UnsafeRawBufferPointer
    /// Given by the tracker; `protocolID` in a connect request.
    package let connectionID: UInt64
    package let action: Action
    /// Chosen by the client, repeated in the answer.
    package let transaction: UInt32

    /// Reads the head; nil where there is none, or where it is no request.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headLength,
            let action = Action(rawValue: bytes.loadBigEndian(at: 8, as: UInt32.self)),
            action != .error
        else { return nil }
        self.bytes = bytes
        self.action = action
        connectionID = bytes.loadBigEndian(at: 0, as: UInt64.self)
        transaction = bytes.loadBigEndian(at: 12, as: UInt32.self)
        if action == .connect && connectionID != Self.protocolID { return nil }
    }

    /// Bytes of the whole datagram.
    package var count: Int { bytes.count }

    /// The announce after the head. The address in it isn't read: the sender's own is believed.
    package func announce() throws(AnnounceError) -> AnnounceRequest {
        guard bytes.count >= Self.announceLength else { throw .truncated }
        let port = bytes.loadBigEndian(at: 96, as: UInt16.self)
        guard port != 0 else { throw .malformed(.port) }
        let wanted = bytes.loadBigEndian(at: 92, as: Int32.self)
        return AnnounceRequest(
            infoHash: InfoHash(Bytes20(loading: bytes, at: 16)),
            peerID: PeerID(Bytes20(loading: bytes, at: 36)), port: port,
            uploaded: bytes.loadBigEndian(at: 72, as: UInt64.self),
            downloaded: bytes.loadBigEndian(at: 56, as: UInt64.self),
            left: bytes.loadBigEndian(at: 64, as: UInt64.self),
            event: try event(bytes.loadBigEndian(at: 80, as: UInt32.self)),
            numwant: wanted < 0 ? nil : Int(wanted),
            key: bytes.loadBigEndian(at: 88, as: UInt32.self))
    }

    private func event(_ number: UInt32) throws(AnnounceError) -> AnnounceRequest.Event {
        switch number {
        case 0: .none
        case 1: .completed
        case 2: .started
        case 3: .stopped
        // Not in BEP 15; what libtorrent sends for BEP 21's `paused`.
        case 4: .paused
        default: throw .malformed(.event)
        }
    }

    /// Calls `body` with the path and query that the options behind an announce carry (BEP 41),
    /// valid during the call only; empty where there is none.
    package func withURLData<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        // Nearly always there is one piece: only further ones are joined in memory of their own.
        var only = Self.announceLength..<Self.announceLength
        var joined: [UInt8] = []
        var position = Self.announceLength
        while position < bytes.count, let option = Option(rawValue: bytes[position]) {
            switch option {
            case .end: position = bytes.count
            case .none: position += 1
            case .urlData:
                let start = position + 2
                guard start <= bytes.count else { return body(nothing) }
                let end = start + Int(bytes[position + 1])
                guard end <= bytes.count else { return body(nothing) }
                if joined.isEmpty, only.isEmpty {
                    only = start..<end
                } else {
                    if joined.isEmpty { joined.append(contentsOf: bytes[only]) }
                    joined.append(contentsOf: bytes[start..<end])
                }
                position = end
            }
        }
        if joined.isEmpty {
            return body(only.isEmpty ? nothing : UnsafeRawBufferPointer(rebasing: bytes[only]))
        }
        return joined.withUnsafeBytes(body)
    }

    /// BEP 41's option types.
    private enum Option: UInt8 {
        case end = 0
        case none = 1
        case urlData = 2
    }

    private var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[0..<0]) }

    /// How many info-hashes a scrape names, at most `mostScraped`; what is behind is left out.
    package func scrapedCount() throws(AnnounceError) -> Int {
        let count = (bytes.count - Self.headLength) / Bytes20.count
        guard count > 0 else { throw .missing(.infoHash) }
        return min(count, Self.mostScraped)
    }

    /// The info-hash at an index below `scrapedCount()`.
    package func scraped(_ index: Int) -> InfoHash {
        InfoHash(Bytes20(loading: bytes, at: Self.headLength + index * Bytes20.count))
    }
}
