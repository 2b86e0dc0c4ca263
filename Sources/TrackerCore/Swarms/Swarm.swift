import Wire

/// Tells a peer apart within its swarm: a secret-keyed hash of who announces, so that the same
/// client counts once though its address changes.
package typealias PeerIdentity = UInt64

/// One peer of a swarm: 32 bytes.
struct SwarmPeer {
    var identity: PeerIdentity
    /// In host order; 0: none.
    var ipv4: UInt32 = 0
    /// Row of the store's table of IPv6 addresses, plus one; 0: none.
    var ipv6Row: UInt32 = 0
    /// 0: an open swarm's peer; else the user's index plus one.
    var owner: UInt32
    /// Seconds of the monotonic clock.
    var deadline: UInt32
    /// Of the IPv4 address.
    var port: UInt16 = 0
}

/// The peers of one info-hash, seeders before leechers so that either kind is a range.
struct Swarm {
    let infoHash: InfoHash
    private(set) var peers: [SwarmPeer] = []
    private(set) var seederCount = 0
    /// Downloads that ended while the swarm was known.
    var completed: UInt32 = 0
    /// Places in `peers` by identity, once the swarm is too large to be searched through.
    private var places: [PeerIdentity: Int32]?

    private static let searchLimit = 48

    init(infoHash: InfoHash) { self.infoHash = infoHash }

    var leecherCount: Int { peers.count - seederCount }

    func isSeeder(at place: Int) -> Bool { place < seederCount }

    func place(of identity: PeerIdentity) -> Int? {
        if let places { return places[identity].map(Int.init) }
        return peers.firstIndex { $0.identity == identity }
    }

    /// Adds a peer that isn't there and returns its place.
    mutating func insert(_ peer: SwarmPeer, isSeeder: Bool) -> Int {
        peers.append(peer)
        if places != nil {
            places?[peer.identity] = Int32(peers.count - 1)
        } else if peers.count > Self.searchLimit {
            places = Dictionary(minimumCapacity: peers.count * 2)
            for (place, peer) in peers.enumerated() { places?[peer.identity] = Int32(place) }
        }
        return isSeeder ? promote(at: peers.count - 1) : peers.count - 1
    }

    /// Makes the peer a seeder or a leecher, and returns its new place.
    mutating func setSeeder(_ isSeeder: Bool, at place: Int) -> Int {
        if isSeeder == self.isSeeder(at: place) { return place }
        if isSeeder { return promote(at: place) }
        seederCount -= 1
        swap(place, seederCount)
        return seederCount
    }

    mutating func remove(at place: Int) -> SwarmPeer {
        var place = place
        if isSeeder(at: place) {
            seederCount -= 1
            swap(place, seederCount)
            place = seederCount
        }
        swap(place, peers.count - 1)
        let removed = peers.removeLast()
        places?[removed.identity] = nil
        if peers.isEmpty {
            peers = []
            places = nil
        }
        return removed
    }

    mutating func update(at place: Int, _ change: (inout SwarmPeer) -> Void) {
        change(&peers[place])
    }

    private mutating func promote(at place: Int) -> Int {
        swap(place, seederCount)
        seederCount += 1
        return seederCount - 1
    }

    private mutating func swap(_ a: Int, _ b: Int) {
        guard a != b else { return }
        peers.swapAt(a, b)
        if places != nil {
            places?[peers[a].identity] = Int32(a)
            places?[peers[b].identity] = Int32(b)
        }
    }
}
