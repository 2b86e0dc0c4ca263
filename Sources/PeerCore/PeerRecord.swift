import Wire

/// What is known of a peer over all of its connections. Blocks name their senders by `id`.
final class PeerRecord {
    /// From 1, never reused.
    let id: UInt32
    let peerID: PeerID
    /// Part of the identity: a peer id alone could be put on by anybody.
    let address: IPAddress
    /// Where it listens, as far as known.
    var endpoint: Endpoint
    var client = ""
    var bytesFrom: Int64 = 0
    var bytesTo: Int64 = 0
    var pieces = 0
    var isBanned = false
    /// Some piece that it had a part in had its hash.
    var isProven = false
    /// As long as it isn't proven: the piece that is asked of it alone.
    var trialPiece: Int?
    /// Its one connection past the handshake.
    var connection: ConnectionID?
    /// How many times it has left.
    fileprivate var departures = 0

    init(id: UInt32, peerID: PeerID, endpoint: Endpoint) {
        self.id = id
        self.peerID = peerID
        self.address = endpoint.address
        self.endpoint = endpoint
    }

    var isConnected: Bool { connection != nil }
}

/// The records of connected peers and of a bounded number of those that left.
struct PeerRecords {
    private var byIdentity: [Identity: PeerRecord] = [:]
    private var byID: [UInt32: PeerRecord] = [:]
    /// Those that left, in that order; an entry is void once the peer has come back.
    private var departed = Queue<Departure>()
    /// Banned peers that left; they can't come back.
    private var banned = Queue<PeerRecord>()
    private var lastID: UInt32 = 0
    private var departedCount = 0
    private let limit: Int

    private struct Identity: Hashable {
        let peerID: PeerID
        let address: IPAddress
    }

    private struct Departure {
        let record: PeerRecord
        let departures: Int

        var isVoid: Bool { record.isConnected || record.departures != departures }
    }

    init(limit: Int) {
        self.limit = limit
    }

    /// Entries that are kept of departures, void ones included.
    var departedEntryCount: Int { departed.count }

    var count: Int { byID.count }

    /// In the order in which they came first.
    var all: [PeerRecord] { byID.values.sorted { $0.id < $1.id } }

    subscript(id: UInt32) -> PeerRecord? { byID[id] }

    subscript(peerID: PeerID, address: IPAddress) -> PeerRecord? {
        byIdentity[Identity(peerID: peerID, address: address)]
    }

    /// The record of a peer that has said its id on a connection, which is its only one.
    mutating func join(
        _ peerID: PeerID, at endpoint: Endpoint, on connection: ConnectionID
    ) -> PeerRecord {
        let identity = Identity(peerID: peerID, address: endpoint.address)
        if let known = byIdentity[identity] {
            departedCount -= 1
            known.connection = connection
            return known
        }
        lastID += 1
        let record = PeerRecord(id: lastID, peerID: peerID, endpoint: endpoint)
        record.connection = connection
        byIdentity[identity] = record
        byID[lastID] = record
        return record
    }

    /// Notes that a peer has left. Where there are too many of these, the one that left first is
    /// forgotten; banned ones are counted apart.
    mutating func leave(_ record: PeerRecord) {
        record.connection = nil
        record.departures += 1
        departedCount += 1
        departed.append(Departure(record: record, departures: record.departures))
        while departedCount > limit { retireOldest() }
        // Who comes and goes leaves void entries.
        if departed.count > 2 * limit + 100 {
            var valid = Queue<Departure>()
            for index in 0..<departed.count where !departed[index].isVoid {
                valid.append(departed[index])
            }
            departed = valid
        }
    }

    private mutating func retireOldest() {
        let oldest = departed.removeFirst()
        if oldest.isVoid { return }
        departedCount -= 1
        guard oldest.record.isBanned else { return forget(oldest.record) }
        banned.append(oldest.record)
        if banned.count > limit { forget(banned.removeFirst()) }
    }

    private mutating func forget(_ record: PeerRecord) {
        byIdentity[Identity(peerID: record.peerID, address: record.address)] = nil
        byID[record.id] = nil
    }
}
