/// The connections of a swarm: dense for loops in a fixed order, hashed by the driver's slot
/// for events. Indices stay valid while the connection is in the table.
struct ConnectionTable {
    /// Nil where nothing is; visit in ascending order.
    private(set) var entries: [PeerConnection?] = []
    private(set) var count = 0
    private var freeIndices: [Int] = []

    /// Open addressing with linear probing; at most half full. −1 marks an empty cell.
    private var cells = [Int32](repeating: -1, count: 8)

    subscript(id: ConnectionID) -> PeerConnection? {
        var cell = home(id.slot)
        while cells[cell] >= 0 {
            if let peer = entries[Int(cells[cell])], peer.id.slot == id.slot {
                return peer.id.generation == id.generation ? peer : nil
            }
            cell = (cell + 1) & (cells.count - 1)
        }
        return nil
    }

    /// The slot must be free: the driver reuses one only after it was closed.
    mutating func insert(_ peer: PeerConnection) {
        if (count + 1) * 2 > cells.count { grow() }
        let index = freeIndices.popLast() ?? entries.count
        if index == entries.count { entries.append(peer) } else { entries[index] = peer }
        peer.index = index
        count += 1
        place(index, slot: peer.id.slot)
    }

    mutating func remove(_ peer: PeerConnection) {
        var hole = home(peer.id.slot)
        while cells[hole] != Int32(peer.index) {
            precondition(cells[hole] >= 0, "not in the table")
            hole = (hole + 1) & (cells.count - 1)
        }
        closeGap(at: hole)
        entries[peer.index] = nil
        freeIndices.append(peer.index)
        count -= 1
    }

    /// Moves later members of the probe sequence up, so that no tombstones are needed.
    private mutating func closeGap(at gap: Int) {
        let mask = cells.count - 1
        var hole = gap
        var cell = (gap + 1) & mask
        while cells[cell] >= 0, let peer = entries[Int(cells[cell])] {
            let distance = (cell - home(peer.id.slot)) & mask
            if distance >= (cell - hole) & mask {
                cells[hole] = cells[cell]
                hole = cell
            }
            cell = (cell + 1) & mask
        }
        cells[hole] = -1
    }

    private func home(_ slot: UInt32) -> Int {
        Int((slot &* 0x9E37_79B1) >> 7) & (cells.count - 1)
    }

    private mutating func place(_ index: Int, slot: UInt32) {
        var cell = home(slot)
        while cells[cell] >= 0 { cell = (cell + 1) & (cells.count - 1) }
        cells[cell] = Int32(index)
    }

    private mutating func grow() {
        cells = [Int32](repeating: -1, count: cells.count * 2)
        for index in entries.indices {
            if let peer = entries[index] { place(index, slot: peer.id.slot) }
        }
    }
}
