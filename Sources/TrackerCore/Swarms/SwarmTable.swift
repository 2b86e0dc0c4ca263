import Wire

/// Swarms by info-hash: 4 bytes of an open-addressing table (linear probing) for each slot of
/// `swarms`. Slots stay where they are while their swarm is known, and are used again after.
struct SwarmTable: ~Copyable {
    private(set) var swarms: [Swarm] = []
    /// Whether the slot has a swarm.
    private var isUsed: [Bool] = []
    private var freeSlots: [UInt32] = []
    /// 0: empty; else the slot plus one.
    private var entries = [UInt32](repeating: 0, count: 64)
    private(set) var count = 0

    deinit {
        for slot in swarms.indices where isUsed[slot] { swarms[slot].peers.deallocate() }
    }

    var slotCount: Int { swarms.count }

    func contains(_ slot: Int) -> Bool { isUsed[slot] }

    subscript(slot: Int) -> Swarm {
        _read { yield swarms[slot] }
        _modify { yield &swarms[slot] }
    }

    private func home(_ infoHash: InfoHash) -> Int {
        infoHash._rawHashValue(seed: 0) & (entries.count - 1)
    }

    func slot(of infoHash: InfoHash) -> Int? {
        var position = home(infoHash)
        while entries[position] != 0 {
            let slot = Int(entries[position]) - 1
            if swarms[slot].infoHash == infoHash { return slot }
            position = (position + 1) & (entries.count - 1)
        }
        return nil
    }

    /// The slot that the first look at the table gives; another swarm's, where two share a place.
    func likelySlot(of infoHash: InfoHash) -> Int? {
        let entry = entries[home(infoHash)]
        return entry == 0 ? nil : Int(entry) - 1
    }

    /// The slots of many swarms. In a large table each look-up is a wait for memory or two: here
    /// none has to wait for another.
    func find(_ infoHashes: [InfoHash], into slots: inout [Int?]) {
        slots.removeAll(keepingCapacity: true)
        for infoHash in infoHashes { slots.append(likelySlot(of: infoHash)) }
        for (index, infoHash) in infoHashes.enumerated() {
            guard let likely = slots[index], swarms[likely].infoHash != infoHash else { continue }
            slots[index] = slot(of: infoHash)
        }
    }

    /// Adds a swarm that isn't there.
    mutating func insert(_ infoHash: InfoHash) -> Int {
        if count * 5 >= entries.count * 4 { grow() }
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = Int(free)
            swarms[slot] = Swarm(infoHash: infoHash)
            isUsed[slot] = true
        } else {
            slot = swarms.count
            if swarms.capacity == swarms.count {
                // Doubling would leave a third of a large store unused.
                swarms.reserveCapacity(swarms.count + max(64, swarms.count / 4))
            }
            swarms.append(Swarm(infoHash: infoHash))
            isUsed.append(true)
        }
        enter(slot)
        count += 1
        return slot
    }

    private mutating func enter(_ slot: Int) {
        var position = home(swarms[slot].infoHash)
        while entries[position] != 0 { position = (position + 1) & (entries.count - 1) }
        entries[position] = UInt32(slot + 1)
    }

    private mutating func grow() {
        entries = [UInt32](repeating: 0, count: entries.count * 2)
        for slot in swarms.indices where isUsed[slot] { enter(slot) }
    }

    /// Forgets a swarm that has no peers.
    mutating func remove(_ slot: Int) {
        precondition(isUsed[slot] && swarms[slot].isEmpty, "its list would be lost")
        let mask = entries.count - 1
        var gap = home(swarms[slot].infoHash)
        while Int(entries[gap]) != slot + 1 { gap = (gap + 1) & mask }
        var next = (gap + 1) & mask
        while entries[next] != 0 {
            let home = home(swarms[Int(entries[next]) - 1].infoHash)
            if (next - home) & mask >= (next - gap) & mask {
                entries[gap] = entries[next]
                gap = next
            }
            next = (next + 1) & mask
        }
        entries[gap] = 0
        isUsed[slot] = false
        freeSlots.append(UInt32(slot))
        count -= 1
    }
}
