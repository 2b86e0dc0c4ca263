import Wire

/// Every swarm the tracker knows, kept in memory only: who announces which info-hash, and until
/// when they count. Who may announce was decided before.
package struct Swarms: ~Copyable {
    package struct Limits: Sendable {
        package var peers = 8_000_000
        /// Of these, what strangers may take up.
        package var openSwarms = 1_000_000
        package var openPeers = 4_000_000

        package init() {}
    }

    /// A peer's announce, decoded and allowed.
    package struct Announce: Sendable {
        package var entry: SwarmEntry
        /// A seeder by its announce that may in truth know no more than the info-hash.
        package var mayLackMetadata: Bool
        /// The most peers to choose.
        package var wanted: Int

        package init(entry: SwarmEntry, mayLackMetadata: Bool = false, wanted: Int) {
            self.entry = entry
            self.mayLackMetadata = mayLackMetadata
            self.wanted = wanted
        }
    }

    /// Where a peer's entry belongs.
    package struct Key: Sendable {
        let infoHash: InfoHash
        let identity: PeerIdentity

        package init(infoHash: InfoHash, identity: PeerIdentity) {
            self.infoHash = infoHash
            self.identity = identity
        }
    }

    package struct Counts: Hashable, Sendable {
        package var seeders = 0
        package var leechers = 0
        /// Of the leechers, those that have what they want (BEP 21).
        package var paused = 0
        /// Downloads that ended while the swarm was known.
        package var completed = 0

        package init(
            seeders: Int = 0, leechers: Int = 0, paused: Int = 0, completed: Int = 0
        ) {
            self.seeders = seeders
            self.leechers = leechers
            self.paused = paused
            self.completed = completed
        }
    }

    /// Chosen peers in compact form (BEP 23 and 7).
    package struct Chosen: Hashable, Sendable {
        /// 6 bytes a peer.
        package var ipv4: [UInt8] = []
        /// 18 bytes a peer.
        package var ipv6: [UInt8] = []

        package init() {}

        package mutating func removeAll() {
            ipv4.removeAll(keepingCapacity: true)
            ipv6.removeAll(keepingCapacity: true)
        }
    }

    /// Seeders for who may have come for the metadata alone, which each of them has.
    private static let mostSeedersForSeeder = 5
    /// Moments further away compare wrongly with each other.
    static let longestLifetime = Duration.seconds(2 * 86_400 + 60)

    let limits: Limits
    var table = SwarmTable()
    /// Where a user may have entries; a slot may be named that has none any more.
    private var slotsByUser: [UserIndex: Set<UInt32>] = [:]
    /// Few peers have IPv6 addresses, and those that do say so.
    private var ipv6: [IPv6Key: Endpoint] = [:]
    private var choice = PeerChoice()
    private var slots: [Int?] = []
    var ahead: [Ahead] = []
    /// Of no use but that memory has to be read for it.
    var lookedAt: PeerIdentity = 0
    /// Slots of groups' swarms in which a download has ended since the last question.
    var completing: Set<UInt32> = []
    private var sweep = (slot: 0, place: 0)
    /// Mostly all entries have the same, and to divide a duration is dear.
    private var lastLifetime = (duration: Duration.zero, nanoseconds: Int64(0))
    package private(set) var peerCount = 0
    private var openPeerCount = 0

    private struct IPv6Key: Hashable {
        let slot: UInt32
        let identity: PeerIdentity
    }

    package init(limits: Limits = Limits()) { self.limits = limits }

    package var swarmCount: Int { table.count }

    /// Nil where nobody is or was in such a swarm.
    package func counts(of infoHash: InfoHash) -> Counts? {
        table.slot(of: infoHash).map { counts(of: table[$0]) }
    }

    /// The counts of each of these, zero where nobody is or was in such a swarm.
    /// - Parameter counts: what it held is replaced.
    package mutating func counts(of infoHashes: [InfoHash], into counts: inout [Counts]) {
        table.find(infoHashes, into: &slots)
        counts.removeAll(keepingCapacity: true)
        for slot in slots { counts.append(slot.map { self.counts(of: table[$0]) } ?? Counts()) }
    }

    private func counts(of swarm: Swarm) -> Counts {
        let seeders = Int(swarm.seederCount)
        return Counts(
            seeders: seeders, leechers: swarm.peerCount - seeders,
            paused: Int(swarm.pausedCount), completed: Int(swarm.completed))
    }

    // MARK: Announce

    /// Enters or refreshes the peer and chooses others for it, uniformly: any for a leecher,
    /// leechers for a seeder (and a few seeders, where it may lack the metadata and leechers are
    /// few), never the peer itself.
    /// - Parameter chosen: what it held is replaced.
    /// - Returns: nil where the store is full and the peer is not in it.
    package mutating func announce(
        _ announce: Announce, at now: Instant, random: inout SmallGenerator,
        into chosen: inout Chosen
    ) -> Counts? {
        chosen.removeAll()
        guard let (slot, place) = enter(announce.entry, at: now) else { return nil }
        choose(announce, at: place, ofSwarmAt: slot, random: &random, into: &chosen)
        return counts(of: table[slot])
    }

    /// Enters or refreshes the peer alone; nil where the store is full and it is not in it.
    @discardableResult mutating func enter(
        _ entry: SwarmEntry, at now: Instant
    ) -> (slot: Int, place: Int)? {
        guard let slot = slot(for: entry) else { return nil }
        if entry.lifetime != lastLifetime.duration {
            lastLifetime = (entry.lifetime, entry.lifetime.nanosecondsSaturating)
        }
        let (sum, isEver) = now.nanoseconds.addingReportingOverflow(lastLifetime.nanoseconds)
        let deadline = CoarseTime(after: isEver ? .max : sum)
        if let place = enter(entry, deadline: deadline, in: slot) { return (slot, place) }
        releaseIfUnused(slot)
        return nil
    }

    /// The peer left (`event=stopped`).
    package mutating func stop(_ identity: PeerIdentity, of infoHash: InfoHash) -> Counts {
        if let slot = table.slot(of: infoHash),
            let place = table[slot].peers.place(of: SwarmPeer.folded(identity))
        {
            remove(at: place, in: slot)
            releaseIfUnused(slot)
        }
        return counts(of: infoHash) ?? Counts()
    }

    private mutating func slot(for entry: SwarmEntry) -> Int? {
        if let known = table.slot(of: entry.infoHash) { return known }
        guard entry.user != nil || table.count < limits.openSwarms else { return nil }
        return table.insert(entry.infoHash)
    }

    /// Enters the peer or brings its entry up to date; nil where there is no room.
    private mutating func enter(
        _ entry: SwarmEntry, deadline: CoarseTime, in slot: Int
    ) -> Int? {
        let identity = SwarmPeer.folded(entry.identity)
        var place: Int
        if let known = table[slot].peers.place(of: identity) {
            place = known
            if entry.hasCompleted, !table[slot].isSeeder(at: place) {
                countDownload(entry, in: slot)
            }
        } else {
            guard let owner = roomFor(entry) else { return nil }
            let peer = SwarmPeer(identity: identity, owner: owner, deadline: deadline)
            place = table[slot].insert(peer)
            peerCount += 1
            if entry.hasCompleted { countDownload(entry, in: slot) }
            if let user = entry.user {
                slotsByUser[user, default: []].insert(UInt32(slot))
            } else {
                openPeerCount += 1
            }
        }
        place = table[slot].setSeeder(entry.isSeeder, at: place)
        if !entry.isSeeder { table[slot].setPaused(entry.isPaused, at: place) }
        setAddress(entry.endpoint, deadline: deadline, at: place, in: slot)
        return place
    }

    private mutating func countDownload(_ entry: SwarmEntry, in slot: Int) {
        table[slot].completed &+= 1
        if entry.user != nil { completing.insert(UInt32(slot)) }
    }

    /// The `owner` of a new entry, where there is room for one.
    private func roomFor(_ entry: SwarmEntry) -> UInt32? {
        guard peerCount < limits.peers else { return nil }
        guard let user = entry.user else { return openPeerCount < limits.openPeers ? 0 : nil }
        return user + 1 < SwarmPeer.ownerLimit ? user + 1 : nil
    }

    /// A peer may be known by an address of each family; this sets the one it announced from.
    private mutating func setAddress(
        _ endpoint: Endpoint, deadline: CoarseTime, at place: Int, in slot: Int
    ) {
        let peers = table[slot].peers
        var peer = peers[place]
        peer.deadline = deadline
        if let ipv4 = endpoint.address.ipv4 {
            peer.ipv4 = ipv4
            peer.port = endpoint.port
        } else {
            peer.hasIPv6 = true
            ipv6[IPv6Key(slot: UInt32(slot), identity: peer.identity)] = endpoint
        }
        peers[place] = peer
    }

    private mutating func choose(
        _ announce: Announce, at own: Int, ofSwarmAt slot: Int, random: inout SmallGenerator,
        into chosen: inout Chosen
    ) {
        let seeders = 0..<Int(table[slot].seederCount)
        let leechers = seeders.upperBound..<table[slot].peerCount
        choose(
            announce.wanted, of: announce.entry.isSeeder ? leechers : 0..<leechers.upperBound,
            ofSwarmAt: slot, for: announce, at: own, random: &random, into: &chosen)
        guard announce.entry.isSeeder, announce.mayLackMetadata else { return }
        let rest = min(announce.wanted - leechers.count, Self.mostSeedersForSeeder)
        choose(
            max(rest, 0), of: seeders, ofSwarmAt: slot, for: announce, at: own, random: &random,
            into: &chosen)
    }

    private mutating func choose(
        _ count: Int, of pool: Range<Int>, ofSwarmAt slot: Int, for announce: Announce,
        at own: Int, random: inout SmallGenerator, into chosen: inout Chosen
    ) {
        // The asker is skipped by drawing from a range that is one shorter.
        let isIn = pool.contains(own)
        let skipped = isIn ? own : pool.upperBound
        let places = choice.choose(count, from: isIn ? pool.dropLast() : pool, random: &random)
        let peers = table[slot].peers
        withUnsafeTemporaryAllocation(byteCount: 6 * places.count, alignment: 2) { bytes in
            let end = peers.writeIPv4(
                places, skipping: skipped, unless: announce.entry.endpoint, to: bytes)
            chosen.ipv4.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
        }
        guard !ipv6.isEmpty else { return }
        for drawn in places {
            let peer = peers[Int(drawn) >= skipped ? Int(drawn) + 1 : Int(drawn)]
            guard peer.hasIPv6, let endpoint = ipv6Endpoint(of: peer, in: slot),
                endpoint != announce.entry.endpoint
            else { continue }
            endpoint.appendCompact(to: &chosen.ipv6)
        }
    }

    func ipv6Endpoint(of peer: SwarmPeer, in slot: Int) -> Endpoint? {
        ipv6[IPv6Key(slot: UInt32(slot), identity: peer.identity)]
    }

    // MARK: Removal

    /// Removes the user's peers from all swarms; with a port, those listening there only.
    package mutating func removePeers(of user: UserIndex, port: UInt16?) {
        guard let candidates = slotsByUser.removeValue(forKey: user) else { return }
        var remaining: Set<UInt32> = []
        for slot in candidates where removePeers(of: user, port: port, in: Int(slot)) > 0 {
            remaining.insert(slot)
        }
        if !remaining.isEmpty { slotsByUser[user] = remaining }
    }

    /// Removes the user's peers from these swarms.
    package mutating func removePeers(of user: UserIndex, from infoHashes: [InfoHash]) {
        for infoHash in infoHashes {
            guard let slot = table.slot(of: infoHash) else { continue }
            _ = removePeers(of: user, port: nil, in: slot)
        }
    }

    /// Forgets the swarm with all its peers.
    package mutating func removeSwarm(_ infoHash: InfoHash) {
        guard let slot = table.slot(of: infoHash) else { return }
        while !table[slot].isEmpty { remove(at: table[slot].peerCount - 1, in: slot) }
        table.remove(slot)
    }

    /// Removes peers whose time has passed. Each call looks at `budget` peers and goes on where
    /// the last one stopped, so that no single call takes long.
    /// - Parameter isKept: whether a swarm without peers stays for its count of downloads.
    package mutating func removeExpired(
        at now: Instant, budget: Int, keeping isKept: (InfoHash) -> Bool
    ) {
        var budget = budget
        // One that the last call left in its middle is seen twice.
        var slotsLeft = table.slotCount + (sweep.place > 0 ? 1 : 0)
        while budget > 0, slotsLeft > 0 {
            if sweep.slot >= table.slotCount { sweep = (0, 0) }
            let slot = sweep.slot
            budget -= 1
            if table.contains(slot) {
                while budget > 0, sweep.place < table[slot].peerCount {
                    budget -= 1
                    removeIfExpired(at: now, in: slot)
                }
                if sweep.place < table[slot].peerCount { return }
                if table[slot].isEmpty, !isKept(table[slot].infoHash) { table.remove(slot) }
            }
            sweep = (slot + 1, 0)
            slotsLeft -= 1
        }
    }

    /// Looks at the peer at the sweep's place. What takes a removed one's place comes from behind
    /// and is looked at next.
    private mutating func removeIfExpired(at now: Instant, in slot: Int) {
        if table[slot].peers[sweep.place].deadline.isPast(at: now.nanoseconds) {
            remove(at: sweep.place, in: slot)
        } else {
            sweep.place += 1
        }
    }

    /// - Returns: how many other peers the user has in the swarm.
    private mutating func removePeers(of user: UserIndex, port: UInt16?, in slot: Int) -> Int {
        guard table.contains(slot) else { return 0 }
        var kept = 0
        var place = table[slot].peerCount - 1
        // Backwards: what takes a removed peer's place was looked at before.
        while place >= 0 {
            let peer = table[slot].peers[place]
            if peer.owner == user + 1 {
                if port == nil || listens(peer, on: port!, in: slot) {
                    remove(at: place, in: slot)
                } else {
                    kept += 1
                }
            }
            place -= 1
        }
        releaseIfUnused(slot)
        return kept
    }

    private func listens(_ peer: SwarmPeer, on port: UInt16, in slot: Int) -> Bool {
        peer.ipv4 != 0 && peer.port == port
            || peer.hasIPv6 && ipv6Endpoint(of: peer, in: slot)?.port == port
    }

    private mutating func remove(at place: Int, in slot: Int) {
        let removed = table[slot].remove(at: place)
        peerCount -= 1
        if removed.owner == 0 { openPeerCount -= 1 }
        if removed.hasIPv6 {
            ipv6[IPv6Key(slot: UInt32(slot), identity: removed.identity)] = nil
        }
    }

    /// An empty swarm with a count of downloads waits for the sweep, which knows who keeps it.
    private mutating func releaseIfUnused(_ slot: Int) {
        guard table.contains(slot), table[slot].isEmpty, table[slot].completed == 0 else { return }
        table.remove(slot)
    }
}
