import Wire

/// Every swarm the tracker knows, kept in memory only: who announces which info-hash, and until
/// when they count. Who may announce was decided before.
package struct Swarms: Sendable {
    package struct Limits: Sendable {
        package var peers = 8_000_000
        /// Of these, what strangers may take up.
        package var openSwarms = 1_000_000
        package var openPeers = 4_000_000

        package init() {}
    }

    /// A peer's announce, decoded and allowed.
    package struct Announce: Sendable {
        package var infoHash: InfoHash
        package var identity: PeerIdentity
        /// Whose passkey it came with; nil in an open swarm.
        package var user: UserIndex?
        package var endpoint: Endpoint
        package var isSeeder: Bool
        /// The download ended just now.
        package var hasCompleted: Bool
        /// The most peers to choose.
        package var wanted: Int
        /// How long the peer counts without announcing again.
        package var lifetime: Duration

        package init(
            infoHash: InfoHash, identity: PeerIdentity, user: UserIndex?, endpoint: Endpoint,
            isSeeder: Bool, hasCompleted: Bool, wanted: Int, lifetime: Duration
        ) {
            self.infoHash = infoHash
            self.identity = identity
            self.user = user
            self.endpoint = endpoint
            self.isSeeder = isSeeder
            self.hasCompleted = hasCompleted
            self.wanted = wanted
            self.lifetime = lifetime
        }
    }

    package struct Counts: Hashable, Sendable {
        package var seeders = 0
        package var leechers = 0
        /// Downloads that ended while the swarm was known.
        package var completed = 0

        package init(seeders: Int = 0, leechers: Int = 0, completed: Int = 0) {
            self.seeders = seeders
            self.leechers = leechers
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

    private let limits: Limits
    private var slots: [Swarm?] = []
    private var freeSlots: [Int32] = []
    private var slotByHash: [InfoHash: Int32] = [:]
    /// Where a user may have entries; a slot may be named that has none any more.
    private var slotsByUser: [UserIndex: Set<Int32>] = [:]
    private var ipv6Rows: [Endpoint] = []
    private var freeIPv6Rows: [UInt32] = []
    private var places: [Int] = []
    private var sweepSlot = 0
    package private(set) var peerCount = 0
    private var openPeerCount = 0

    package init(limits: Limits = Limits()) { self.limits = limits }

    package var swarmCount: Int { slotByHash.count }

    /// Nil where nobody is or was in such a swarm.
    package func counts(of infoHash: InfoHash) -> Counts? {
        guard let slot = slotByHash[infoHash], let swarm = slots[Int(slot)] else { return nil }
        return counts(of: swarm)
    }

    private func counts(of swarm: Swarm) -> Counts {
        Counts(
            seeders: swarm.seederCount, leechers: swarm.leecherCount,
            completed: Int(swarm.completed))
    }

    // MARK: Announce

    /// Enters or refreshes the peer and chooses others for it, uniformly: any for a leecher,
    /// leechers for a seeder, never the peer itself.
    /// - Parameter chosen: what it held is replaced.
    /// - Returns: nil where the store is full and the peer is not in it.
    package mutating func announce(
        _ announce: Announce, at now: Instant, random: inout SmallGenerator,
        into chosen: inout Chosen
    ) -> Counts? {
        chosen.removeAll()
        guard let slot = slot(for: announce) else { return nil }
        let deadline = Self.seconds(now.advanced(by: announce.lifetime))
        guard let place = enter(announce, deadline: deadline, in: Int(slot)) else {
            releaseIfUnused(slot)
            return nil
        }
        let swarm = slots[Int(slot)]!
        choose(announce, at: place, of: swarm, random: &random, into: &chosen)
        return counts(of: swarm)
    }

    /// The peer left (`event=stopped`).
    package mutating func stop(_ identity: PeerIdentity, of infoHash: InfoHash) -> Counts {
        if let slot = slotByHash[infoHash], let place = slots[Int(slot)]?.place(of: identity) {
            remove(at: place, in: slot)
        }
        return counts(of: infoHash) ?? Counts()
    }

    private mutating func slot(for announce: Announce) -> Int32? {
        let infoHash = announce.infoHash
        if let known = slotByHash[infoHash] { return known }
        guard announce.user != nil || slotByHash.count < limits.openSwarms else { return nil }
        let slot: Int32
        if let free = freeSlots.popLast() {
            slot = free
            slots[Int(slot)] = Swarm(infoHash: infoHash)
        } else {
            slot = Int32(slots.count)
            slots.append(Swarm(infoHash: infoHash))
        }
        slotByHash[infoHash] = slot
        return slot
    }

    private mutating func enter(_ announce: Announce, deadline: UInt32, in slot: Int) -> Int? {
        if let known = slots[slot]!.place(of: announce.identity) {
            if announce.hasCompleted, !slots[slot]!.isSeeder(at: known) {
                slots[slot]!.completed &+= 1
            }
            let place = slots[slot]!.setSeeder(announce.isSeeder, at: known)
            setAddress(announce.endpoint, deadline: deadline, at: place, in: slot)
            return place
        }
        let isOpen = announce.user == nil
        guard peerCount < limits.peers, !isOpen || openPeerCount < limits.openPeers else {
            return nil
        }
        let owner = announce.user.map { $0 + 1 } ?? 0
        let peer = SwarmPeer(identity: announce.identity, owner: owner, deadline: deadline)
        let place = slots[slot]!.insert(peer, isSeeder: announce.isSeeder)
        peerCount += 1
        if isOpen { openPeerCount += 1 }
        if announce.hasCompleted { slots[slot]!.completed &+= 1 }
        if let user = announce.user { slotsByUser[user, default: []].insert(Int32(slot)) }
        setAddress(announce.endpoint, deadline: deadline, at: place, in: slot)
        return place
    }

    /// A peer may be known by an address of each family; this sets the one it announced from.
    private mutating func setAddress(
        _ endpoint: Endpoint, deadline: UInt32, at place: Int, in slot: Int
    ) {
        var row: UInt32 = 0
        if !endpoint.address.isIPv4 {
            row = slots[slot]!.peers[place].ipv6Row
            if row == 0 {
                row = addIPv6Row(endpoint)
            } else {
                ipv6Rows[Int(row - 1)] = endpoint
            }
        }
        slots[slot]!.update(at: place) { peer in
            peer.deadline = deadline
            if let ipv4 = endpoint.address.ipv4 {
                peer.ipv4 = ipv4
                peer.port = endpoint.port
            } else {
                peer.ipv6Row = row
            }
        }
    }

    private mutating func addIPv6Row(_ endpoint: Endpoint) -> UInt32 {
        if let free = freeIPv6Rows.popLast() {
            ipv6Rows[Int(free - 1)] = endpoint
            return free
        }
        ipv6Rows.append(endpoint)
        return UInt32(ipv6Rows.count)
    }

    private mutating func choose(
        _ announce: Announce, at own: Int, of swarm: Swarm, random: inout SmallGenerator,
        into chosen: inout Chosen
    ) {
        // The asker is skipped by drawing from a range that is one shorter.
        let first = announce.isSeeder ? swarm.seederCount : 0
        let end = announce.isSeeder ? swarm.peers.count : swarm.peers.count - 1
        PeerChoice.choose(announce.wanted, from: first..<end, random: &random, into: &places)
        for drawn in places {
            let place = !announce.isSeeder && drawn >= own ? drawn + 1 : drawn
            append(swarm.peers[place], unless: announce.endpoint, to: &chosen)
        }
    }

    private func append(
        _ peer: SwarmPeer, unless own: Endpoint, to chosen: inout Chosen
    ) {
        if peer.ipv4 != 0 {
            let endpoint = Endpoint(address: IPAddress(ipv4: peer.ipv4), port: peer.port)
            if endpoint != own { endpoint.appendCompact(to: &chosen.ipv4) }
        }
        if peer.ipv6Row != 0 {
            let endpoint = ipv6Rows[Int(peer.ipv6Row - 1)]
            if endpoint != own { endpoint.appendCompact(to: &chosen.ipv6) }
        }
    }

    // MARK: Removal

    /// Removes the user's peers from all swarms; with a port, those listening there only.
    package mutating func removePeers(of user: UserIndex, port: UInt16?) {
        guard let candidates = slotsByUser.removeValue(forKey: user) else { return }
        var remaining: Set<Int32> = []
        for slot in candidates {
            removePeers(of: user, port: port, in: slot)
            let peers = slots[Int(slot)]?.peers ?? []
            if peers.contains(where: { $0.owner == user + 1 }) { remaining.insert(slot) }
        }
        if !remaining.isEmpty { slotsByUser[user] = remaining }
    }

    /// Removes the user's peers from these swarms.
    package mutating func removePeers(of user: UserIndex, from infoHashes: [InfoHash]) {
        for infoHash in infoHashes {
            guard let slot = slotByHash[infoHash] else { continue }
            removePeers(of: user, port: nil, in: slot)
        }
    }

    /// Forgets the swarm with all its peers.
    package mutating func removeSwarm(_ infoHash: InfoHash) {
        guard let slot = slotByHash[infoHash] else { return }
        while let last = slots[Int(slot)]?.peers.indices.last {
            remove(at: last, in: slot, keepingSwarm: true)
        }
        release(slot)
    }

    /// Removes peers whose time has passed. Each call looks at about `budget` peers and goes on
    /// where the last one stopped, so that no single call takes long.
    /// - Parameter isKept: whether a swarm without peers stays for its count of downloads.
    package mutating func removeExpired(
        at now: Instant, budget: Int, keeping isKept: (InfoHash) -> Bool
    ) {
        let now = Self.seconds(now)
        var seen = 0
        var slotsLeft = slots.count
        while seen < budget, slotsLeft > 0 {
            slotsLeft -= 1
            if sweepSlot >= slots.count { sweepSlot = 0 }
            seen += 1 + (slots[sweepSlot]?.peers.count ?? 0)
            let slot = Int32(sweepSlot)
            removePeers(in: slot) { peer, _ in peer.deadline <= now }
            if let swarm = slots[sweepSlot], swarm.peers.isEmpty, !isKept(swarm.infoHash) {
                release(slot)
            }
            sweepSlot += 1
        }
    }

    private mutating func removePeers(of user: UserIndex, port: UInt16?, in slot: Int32) {
        removePeers(in: slot) { peer, ipv6Rows in
            guard peer.owner == user + 1 else { return false }
            guard let port else { return true }
            return peer.ipv4 != 0 && peer.port == port
                || peer.ipv6Row != 0 && ipv6Rows[Int(peer.ipv6Row - 1)].port == port
        }
        releaseIfUnused(slot)
    }

    private mutating func removePeers(
        in slot: Int32, where isRemoved: (SwarmPeer, [Endpoint]) -> Bool
    ) {
        var place = (slots[Int(slot)]?.peers.count ?? 0) - 1
        // Backwards: what takes a removed peer's place was looked at before.
        while place >= 0 {
            if let peer = slots[Int(slot)]?.peers[place], isRemoved(peer, ipv6Rows) {
                remove(at: place, in: slot, keepingSwarm: true)
            }
            place -= 1
        }
    }

    private mutating func remove(at place: Int, in slot: Int32, keepingSwarm: Bool = false) {
        let removed = slots[Int(slot)]!.remove(at: place)
        peerCount -= 1
        if removed.owner == 0 { openPeerCount -= 1 }
        if removed.ipv6Row != 0 { freeIPv6Rows.append(removed.ipv6Row) }
        if !keepingSwarm { releaseIfUnused(slot) }
    }

    /// An empty swarm with a count of downloads waits for the sweep, which knows who keeps it.
    private mutating func releaseIfUnused(_ slot: Int32) {
        guard let swarm = slots[Int(slot)], swarm.peers.isEmpty, swarm.completed == 0 else {
            return
        }
        release(slot)
    }

    private mutating func release(_ slot: Int32) {
        guard let swarm = slots[Int(slot)] else { return }
        slotByHash[swarm.infoHash] = nil
        slots[Int(slot)] = nil
        freeSlots.append(slot)
    }

    private static func seconds(_ instant: Instant) -> UInt32 {
        UInt32(clamping: instant.nanoseconds / 1_000_000_000)
    }
}
