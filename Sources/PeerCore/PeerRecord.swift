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
    /// How many pieces failed their hash that this peer sent a part of.
    var suspicion = 0
    /// Under suspicion: gets pieces for itself alone until one of them is good.
    var isOnParole = false
    var isBanned = false
    var isConnected = false

    init(id: UInt32, peerID: PeerID, endpoint: Endpoint) {
        self.id = id
        self.peerID = peerID
        self.address = endpoint.address
        self.endpoint = endpoint
    }
}

/// The records of connected peers and of a bounded number of those that left.
struct PeerRecords {
    /// In order of `id`.
    private(set) var all: [PeerRecord] = []
    private var byIdentity: [Identity: PeerRecord] = [:]
    private var lastID: UInt32 = 0
    private var departedCount = 0
    private let limit: Int

    private struct Identity: Hashable {
        let peerID: PeerID
        let address: IPAddress
    }

    init(limit: Int) {
        self.limit = limit
    }

    /// The record of a peer that has said its id, which from now on is connected.
    mutating func join(_ peerID: PeerID, at endpoint: Endpoint) -> PeerRecord {
        let identity = Identity(peerID: peerID, address: endpoint.address)
        if let known = byIdentity[identity] {
            if !known.isConnected { departedCount -= 1 }
            known.isConnected = true
            return known
        }
        lastID += 1
        let record = PeerRecord(id: lastID, peerID: peerID, endpoint: endpoint)
        record.isConnected = true
        byIdentity[identity] = record
        all.append(record)
        return record
    }

    func isBanned(_ peerID: PeerID, at address: IPAddress) -> Bool {
        byIdentity[Identity(peerID: peerID, address: address)]?.isBanned ?? false
    }

    /// Notes that a peer has left; forgets the one that has been known the longest when there
    /// are too many, a banned one only when all are.
    mutating func leave(_ record: PeerRecord) {
        record.isConnected = false
        departedCount += 1
        guard departedCount > limit else { return }
        let victim =
            all.firstIndex { !$0.isConnected && !$0.isBanned }
            ?? all.firstIndex { !$0.isConnected }
        guard let victim else { return }
        let forgotten = all.remove(at: victim)
        byIdentity[Identity(peerID: forgotten.peerID, address: forgotten.address)] = nil
        departedCount -= 1
    }

    subscript(id: UInt32) -> PeerRecord? { all.first { $0.id == id } }
}
