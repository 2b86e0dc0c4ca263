import Wire

/// What the store keeps of one info-hash: 48 bytes and its list.
struct Swarm {
    let infoHash: InfoHash
    private(set) var seederCount: UInt32 = 0
    /// Leechers that have what they want.
    private(set) var pausedCount: UInt32 = 0
    /// Downloads that ended while the swarm was known.
    var completed: UInt32 = 0
    private(set) var peers = PeerList()

    init(infoHash: InfoHash) { self.infoHash = infoHash }

    var peerCount: Int { Int(peers.count) }
    var isEmpty: Bool { peers.count == 0 }

    func isSeeder(at place: Int) -> Bool { place < seederCount }

    /// Adds a leecher that isn't there and returns its place.
    mutating func insert(_ peer: SwarmPeer) -> Int {
        peers.append(peer)
        if peer.isPaused { pausedCount += 1 }
        return peerCount - 1
    }

    /// Makes the peer a seeder or a leecher, and returns its new place.
    mutating func setSeeder(_ isSeeder: Bool, at place: Int) -> Int {
        if isSeeder == self.isSeeder(at: place) { return place }
        if isSeeder {
            setPaused(false, at: place)
            peers.swap(place, Int(seederCount))
            seederCount += 1
            return Int(seederCount) - 1
        }
        seederCount -= 1
        peers.swap(place, Int(seederCount))
        return Int(seederCount)
    }

    /// Of a leecher.
    mutating func setPaused(_ isPaused: Bool, at place: Int) {
        guard peers[place].isPaused != isPaused else { return }
        pausedCount = isPaused ? pausedCount + 1 : pausedCount - 1
        peers[place].isPaused = isPaused
    }

    mutating func remove(at place: Int) -> SwarmPeer {
        let removed = peers[place]
        var place = place
        if isSeeder(at: place) { place = setSeeder(false, at: place) }
        if removed.isPaused { pausedCount -= 1 }
        peers.swap(place, peerCount - 1)
        peers.removeLast()
        return removed
    }
}
