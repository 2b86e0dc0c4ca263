import Wire

// Counts of downloads, which outlive the peers: their owner keeps them over restarts.
extension Swarms {
    /// The counts of groups' swarms in which a download has ended since the last call.
    package mutating func takeCompleted() -> [InfoHash: UInt32] {
        var counts: [InfoHash: UInt32] = [:]
        for slot in completing where table.contains(Int(slot)) {
            let swarm = table[Int(slot)]
            if swarm.completed > 0 { counts[swarm.infoHash] = swarm.completed }
        }
        completing.removeAll()
        return counts
    }

    /// Sets the count of downloads of a swarm that nobody has announced to yet.
    package mutating func restore(completed: UInt32, of infoHash: InfoHash) {
        let slot = table.slot(of: infoHash) ?? table.insert(infoHash)
        table[slot].completed = max(table[slot].completed, completed)
    }
}
