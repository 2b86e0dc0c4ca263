/// A uniform choice of places out of a range, without repetition, in time that depends on the
/// number chosen only. Its memory is used again for the next choice.
struct PeerChoice: ~Copyable {
    private var places: UnsafeMutableBufferPointer<UInt32>
    /// An open-addressing table of what is chosen, twice as long as that at least: places plus
    /// one; 0: empty.
    private var seen: UnsafeMutableBufferPointer<UInt32>

    /// More than most answers have room for.
    private static let initialRoom = 256

    init() {
        places = .allocate(capacity: Self.initialRoom)
        seen = .allocate(capacity: 2 * Self.initialRoom)
    }

    deinit {
        places.deallocate()
        seen.deallocate()
    }

    /// Chooses `min(count, range.count)` places, every set of so many equally likely.
    /// - Returns: the places, valid until the next choice.
    mutating func choose(
        _ count: Int, from range: Range<Int>, random: inout SmallGenerator
    ) -> UnsafeBufferPointer<UInt32> {
        let count = max(0, min(count, range.count))
        makeRoom(for: count)
        if count == range.count {
            for index in 0..<count { places[index] = UInt32(range.lowerBound + index) }
        } else {
            draw(count, from: range, random: &random)
        }
        return UnsafeBufferPointer(rebasing: places[..<count])
    }

    private mutating func makeRoom(for count: Int) {
        guard count > places.count else { return }
        places.deallocate()
        seen.deallocate()
        places = .allocate(capacity: count)
        seen = .allocate(capacity: Self.tableSize(count))
    }

    /// A power of two.
    private static func tableSize(_ count: Int) -> Int {
        1 << (Int.bitWidth - (2 * count - 1).leadingZeroBitCount)
    }

    /// Floyd's algorithm: a repeated draw stands for the newest place, which can't be in yet.
    private func draw(_ count: Int, from range: Range<Int>, random: inout SmallGenerator) {
        guard count > 0 else { return }
        let seen = UnsafeMutableBufferPointer(rebasing: seen[..<Self.tableSize(count)])
        seen.update(repeating: 0)
        for index in 0..<count {
            let newest = range.upperBound - count + index
            let drawn = UInt32(Int.random(in: range.lowerBound...newest, using: &random))
            places[index] = Self.insert(drawn, into: seen) ? drawn : UInt32(newest)
            if places[index] != drawn { _ = Self.insert(UInt32(newest), into: seen) }
        }
    }

    /// - Returns: false where it is in already.
    private static func insert(
        _ place: UInt32, into seen: UnsafeMutableBufferPointer<UInt32>
    ) -> Bool {
        let mask = seen.count - 1
        // Neighbours in the range are no neighbours in the table.
        var position = Int((place &* 0x9e37_79b1) >> 16) & mask
        while seen[position] != 0 {
            if seen[position] == place + 1 { return false }
            position = (position + 1) & mask
        }
        seen[position] = place + 1
        return true
    }
}
