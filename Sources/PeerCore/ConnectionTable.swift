/// The connections of a swarm: dense for loops in a fixed order, hashed by the driver's slot
/// for events. Indices stay valid while the connection is in the table.
struct ConnectionTable {
    /// Nil where nothing is; visit in ascending order.
    private(set) var entries: [PeerConnection?] = []
    private(set) var count = 0
    private var freeIndices: [Int] = []

    /// Where a slot's connection is.
    private struct Cell {
        var slot: UInt32 = 0
        /// −1 in an empty cell.
        var index: Int32 = -1
    }

    /// Open addressing with linear probing; at most half full.
    private var cells = [Cell](repeating: Cell(), count: 8)

    subscript(id: ConnectionID) -> PeerConnection? {
        guard let index = index(of: id.slot), let peer = entries[index],
            peer.id.generation == id.generation
        else { return nil }
        return peer
    }

    private func index(of slot: UInt32) -> Int? {
        var cell = home(slot)
        while cells[cell].index >= 0 {
            if cells[cell].slot == slot { return Int(cells[cell].index) }
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
        while cells[hole].index != Int32(peer.index) {
            precondition(cells[hole].index >= 0, "not in the table")
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
        while cells[cell].index >= 0 {
            let distance = (cell - home(cells[cell].slot)) & mask
            if distance >= (cell - hole) & mask {
                cells[hole] = cells[cell]
                hole = cell
            }
            cell = (cell + 1) & mask
        }
        cells[hole] = Cell()
    }

    private func home(_ slot: UInt32) -> Int {
        Int((slot &* 0x9E37_79B1) >> 7) & (cells.count - 1)
    }

    private mutating func place(_ index: Int, slot: UInt32) {
        var cell = home(slot)
        while cells[cell].index >= 0 { cell = (cell + 1) & (cells.count - 1) }
        cells[cell] = Cell(slot: slot, index: Int32(index))
    }

    private mutating func grow() {
        cells = [Cell](repeating: Cell(), count: cells.count * 2)
        for index in entries.indices {
            if let peer = entries[index] { place(index, slot: peer.id.slot) }
        }
    }
}
