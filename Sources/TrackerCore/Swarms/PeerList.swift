import Wire

/// The peers of one swarm in one block of memory, seeders before leechers so that either kind is a
/// range, with an index by identity behind them once they are too many to be searched through.
///
/// Its owner frees it by `deallocate`; copies are the same list.
struct PeerList: BitwiseCopyable {
    private var base: UnsafeMutableRawPointer?
    private(set) var count: UInt32 = 0
    private var capacity: UInt32 = 0

    /// Lists of up to so many peers have no index.
    private static let searchLimit: UInt32 = 32
    /// Places of longer ones don't fit 16 bits.
    private static let narrowLimit: UInt32 = 65_534

    private var peers: UnsafeMutablePointer<SwarmPeer> {
        base!.assumingMemoryBound(to: SwarmPeer.self)
    }

    subscript(place: Int) -> SwarmPeer {
        get {
            precondition(place >= 0 && place < count)
            return peers[place]
        }
        nonmutating set {
            precondition(place >= 0 && place < count)
            peers[place] = newValue
        }
    }

    func deallocate() { base?.deallocate() }

    func place(of identity: PeerIdentity) -> Int? {
        if capacity > Self.searchLimit { return index.find(identity, in: peers) }
        for place in 0..<Int(count) where peers[place].identity == identity { return place }
        return nil
    }

    /// The place that the first look at the index gives, perhaps another peer's; of a list without
    /// one, the first.
    func likelyPlace(of identity: PeerIdentity) -> Int? {
        capacity > Self.searchLimit ? index.first(identity) : count > 0 ? 0 : nil
    }

    /// Adds a peer that isn't there, at place `count`.
    mutating func append(_ peer: SwarmPeer) {
        if count == capacity { resize(to: count < 8 ? count * 2 + 1 : count + count / 4) }
        peers[Int(count)] = peer
        if capacity > Self.searchLimit { index.insert(peer.identity, place: count) }
        count += 1
    }

    /// Removes the last peer.
    mutating func removeLast() {
        count -= 1
        if capacity > Self.searchLimit {
            index.remove(peers[Int(count)].identity, place: count, in: peers)
        }
        if count == 0 {
            deallocate()
            self = PeerList()
        } else if count < capacity / 2 && capacity > 8 {
            resize(to: count + count / 8)
        }
    }

    func swap(_ a: Int, _ b: Int) {
        guard a != b else { return }
        precondition(a >= 0 && b >= 0 && a < count && b < count)
        if capacity > Self.searchLimit {
            index.exchange(
                (peers[a].identity, UInt32(a)), (peers[b].identity, UInt32(b)), in: peers)
        }
        (peers[a], peers[b]) = (peers[b], peers[a])
    }

    /// Writes the compact IPv4 addresses (BEP 23) of the peers that have one. In a large swarm each
    /// is somewhere else in memory: nothing here waits for one before it asks for the next.
    /// - Parameters:
    ///   - skipped: this place and those behind it are meant one further on.
    ///   - own: left out.
    /// - Returns: the number of bytes.
    func writeIPv4(
        _ places: UnsafeBufferPointer<UInt32>, skipping skipped: Int, unless own: Endpoint,
        to bytes: UnsafeMutableRawBufferPointer
    ) -> Int {
        // No address and no port are these.
        let ownAddress = own.address.ipv4 ?? 0
        let ownPort = own.address.isIPv4 ? own.port : 0
        var end = 0
        for drawn in places {
            let place = Int(drawn) + (Int(drawn) >= skipped ? 1 : 0)
            let peer = self[place]
            guard peer.ipv4 != 0, peer.ipv4 != ownAddress || peer.port != ownPort else { continue }
            bytes.storeBytes(of: peer.ipv4.bigEndian, toByteOffset: end, as: UInt32.self)
            bytes.storeBytes(of: peer.port.bigEndian, toByteOffset: end + 4, as: UInt16.self)
            end += 6
        }
        return end
    }

    private mutating func resize(to newCapacity: UInt32) {
        let peerBytes = Int(newCapacity) * MemoryLayout<SwarmPeer>.stride
        let indexBytes = newCapacity > Self.searchLimit ? Self.indexByteCount(newCapacity) : 0
        let block = UnsafeMutableRawPointer.allocate(
            byteCount: peerBytes + indexBytes, alignment: 8)
        if let base {
            block.copyMemory(
                from: base, byteCount: Int(count) * MemoryLayout<SwarmPeer>.stride)
            base.deallocate()
        }
        base = block
        capacity = newCapacity
        guard indexBytes > 0 else { return }
        (block + peerBytes).initializeMemory(as: UInt8.self, repeating: 0, count: indexBytes)
        for place in 0..<count { index.insert(peers[Int(place)].identity, place: place) }
    }

    // MARK: The index

    /// Slots of the index: a power of two that is a seventh more than the capacity at least.
    private static func slotCount(_ capacity: UInt32) -> Int {
        let least = Int(capacity) + Int(capacity) / 7
        return 1 << (Int.bitWidth - (least - 1).leadingZeroBitCount)
    }

    private static func indexByteCount(_ capacity: UInt32) -> Int {
        slotCount(capacity) * (capacity > narrowLimit ? 4 : 2)
    }

    private var index: PlaceIndex {
        PlaceIndex(
            slots: base! + Int(capacity) * MemoryLayout<SwarmPeer>.stride,
            mask: Self.slotCount(capacity) - 1, isWide: capacity > Self.narrowLimit)
    }
}

/// An open-addressing table (linear probing) from identity to place; it keeps places only, and
/// looks identities up in the list. 0 is an empty slot, else the place plus one.
private struct PlaceIndex {
    let slots: UnsafeMutableRawPointer
    let mask: Int
    let isWide: Bool

    private func entry(_ slot: Int) -> UInt32 {
        isWide
            ? slots.load(fromByteOffset: slot * 4, as: UInt32.self)
            : UInt32(slots.load(fromByteOffset: slot * 2, as: UInt16.self))
    }

    private func setEntry(_ slot: Int, _ entry: UInt32) {
        if isWide {
            slots.storeBytes(of: entry, toByteOffset: slot * 4, as: UInt32.self)
        } else {
            slots.storeBytes(of: UInt16(entry), toByteOffset: slot * 2, as: UInt16.self)
        }
    }

    private func home(_ identity: PeerIdentity) -> Int {
        Int(truncatingIfNeeded: (identity &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
    }

    func find(_ identity: PeerIdentity, in peers: UnsafeMutablePointer<SwarmPeer>) -> Int? {
        var slot = home(identity)
        while true {
            let entry = entry(slot)
            if entry == 0 { return nil }
            if peers[Int(entry) - 1].identity == identity { return Int(entry) - 1 }
            slot = (slot + 1) & mask
        }
    }

    /// What is at the identity's home.
    func first(_ identity: PeerIdentity) -> Int? {
        let entry = entry(home(identity))
        return entry == 0 ? nil : Int(entry) - 1
    }

    func insert(_ identity: PeerIdentity, place: UInt32) {
        var slot = home(identity)
        while entry(slot) != 0 { slot = (slot + 1) & mask }
        setEntry(slot, place + 1)
    }

    /// The slot that holds this place.
    private func slot(of identity: PeerIdentity, place: UInt32) -> Int {
        var slot = home(identity)
        while entry(slot) != place + 1 {
            precondition(entry(slot) != 0, "every place is in the index")
            slot = (slot + 1) & mask
        }
        return slot
    }

    func exchange(
        _ a: (identity: PeerIdentity, place: UInt32), _ b: (identity: PeerIdentity, place: UInt32),
        in peers: UnsafeMutablePointer<SwarmPeer>
    ) {
        let (first, second) = (
            slot(of: a.identity, place: a.place), slot(of: b.identity, place: b.place)
        )
        setEntry(first, b.place + 1)
        setEntry(second, a.place + 1)
    }

    /// Takes the place out and closes the gap, so that no probe ends too early.
    func remove(
        _ identity: PeerIdentity, place: UInt32, in peers: UnsafeMutablePointer<SwarmPeer>
    ) {
        var gap = slot(of: identity, place: place)
        var next = (gap + 1) & mask
        while entry(next) != 0 {
            let home = home(peers[Int(entry(next)) - 1].identity)
            // Whether `home` is outside of the ring from behind the gap up to `next`.
            if (next - home) & mask >= (next - gap) & mask {
                setEntry(gap, entry(next))
                gap = next
            }
            next = (next + 1) & mask
        }
        setEntry(gap, 0)
    }
}
