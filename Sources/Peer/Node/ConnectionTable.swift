import PeerCore

/// The connections of a torrent by slot; a generation tells an old id from a new one.
struct ConnectionTable {
    private var connections: [PeerConnection?] = []
    private var generations: [UInt32] = []
    private var freeSlots: [UInt32] = []

    subscript(id: ConnectionID) -> PeerConnection? {
        generations[Int(id.slot)] == id.generation ? connections[Int(id.slot)] : nil
    }

    /// An id for a connection that is about to be made.
    mutating func reserve() -> ConnectionID {
        if let slot = freeSlots.popLast() {
            return ConnectionID(slot: slot, generation: generations[Int(slot)])
        }
        connections.append(nil)
        generations.append(0)
        return ConnectionID(slot: UInt32(connections.count - 1), generation: 0)
    }

    mutating func fill(_ id: ConnectionID, with connection: PeerConnection) {
        connections[Int(id.slot)] = connection
    }

    /// Takes a connection out; nil where it is gone already.
    @discardableResult
    mutating func remove(_ id: ConnectionID) -> PeerConnection? {
        guard let connection = self[id] else { return nil }
        connections[Int(id.slot)] = nil
        generations[Int(id.slot)] &+= 1
        freeSlots.append(id.slot)
        return connection
    }

    var all: [PeerConnection] { connections.compactMap { $0 } }

    mutating func removeAll() -> [PeerConnection] {
        let all = all
        for connection in all { remove(connection.id) }
        return all
    }
}
