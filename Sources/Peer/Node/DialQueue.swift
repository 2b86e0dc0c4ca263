import PeerCore
import Wire

/// Connections that torrents want to make. A few are in the making at a time, which spares routers
/// that keep a list of them; torrents take turns.
struct DialQueue {
    struct Dial: Equatable {
        let infoHash: InfoHash
        let endpoint: Endpoint
    }

    /// Connections in the making at a time.
    let limit: Int
    private(set) var halfOpenCount = 0
    /// What each torrent waits for; the torrents are those of `turns`, each once.
    private var endpoints: [InfoHash: Queue<Endpoint>] = [:]
    private var turns = Queue<InfoHash>()

    /// Torrents passed over, having too many connections already, before others are left for
    /// another time.
    private static let searchLimit = 64

    init(limit: Int) {
        precondition(limit > 0, "a peer makes connections")
        self.limit = limit
    }

    mutating func append(_ endpoint: Endpoint, of infoHash: InfoHash) {
        if endpoints[infoHash] == nil { turns.append(infoHash) }
        endpoints[infoHash, default: Queue()].append(endpoint)
    }

    /// Forgets what a torrent waits for.
    mutating func removeAll(of infoHash: InfoHash) {
        // Its turn is passed over when it comes.
        endpoints[infoHash]?.removeAll()
    }

    /// The next connection to make, of a torrent that `mayConnect`; it is half-open until `ended`.
    mutating func takeNext(where mayConnect: (InfoHash) -> Bool) -> Dial? {
        guard halfOpenCount < limit else { return nil }
        for _ in 0..<min(turns.count, Self.searchLimit) {
            let infoHash = turns.removeFirst()
            guard var own = endpoints[infoHash], !own.isEmpty else {
                endpoints[infoHash] = nil
                continue
            }
            guard mayConnect(infoHash) else {
                turns.append(infoHash)
                continue
            }
            let endpoint = own.removeFirst()
            endpoints[infoHash] = own.isEmpty ? nil : own
            if !own.isEmpty { turns.append(infoHash) }
            halfOpenCount += 1
            return Dial(infoHash: infoHash, endpoint: endpoint)
        }
        return nil
    }

    /// A connection has been made, or couldn't be.
    mutating func ended() {
        precondition(halfOpenCount > 0, "what was begun ends once")
        halfOpenCount -= 1
    }
}
