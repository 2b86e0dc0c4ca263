import Wire

// An announce follows four references, each to memory that in a large store is in no cache: a hash
// table's entry, the swarm, its index, the peer. For one announce each is a wait; for many together
// the processor waits for all of a kind at once.
extension Swarms {
    /// Has what these peers' announces will look at brought into the caches. Changes nothing that
    /// an announce sees.
    package mutating func lookAhead(to keys: [Key]) {
        ahead.removeAll(keepingCapacity: true)
        for key in keys { ahead.append(Ahead(slot: table.likelySlot(of: key.infoHash))) }
        for index in ahead.indices {
            guard let slot = ahead[index].slot else { continue }
            ahead[index].peers = table[slot].peers
        }
        for index in ahead.indices {
            ahead[index].place = ahead[index].peers.likelyPlace(
                of: SwarmPeer.folded(keys[index].identity))
        }
        for entry in ahead {
            if let place = entry.place { lookedAt ^= entry.peers[place].identity }
        }
    }

    /// How far an announce's references have been followed.
    struct Ahead {
        var slot: Int?
        var peers = PeerList()
        var place: Int?
    }
}
