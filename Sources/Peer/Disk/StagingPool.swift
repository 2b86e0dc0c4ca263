/// The memory in which a node gathers pieces that arrive, until a worker has stored and hashed
/// them; on the loop's thread. Memory is used again while it is warm.
final class StagingPool {
    /// Beyond so many bytes in use, what is gathered ought to be stored before it is whole.
    let limit: Int
    /// Bytes in use.
    private(set) var usedBytes = 0

    private var free: [Int: [UnsafeMutableRawBufferPointer]] = [:]
    private var freeBytes = 0

    private static let maxFreeBytes = 16 << 20

    init(limit: Int) {
        self.limit = limit
    }

    deinit {
        for buffers in free.values {
            for buffer in buffers { buffer.deallocate() }
        }
    }

    var isOverLimit: Bool { usedBytes > limit }

    /// Memory of exactly `count` bytes, with anything in it.
    func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
        usedBytes += count
        if let buffer = free[count]?.popLast() {
            freeBytes -= count
            return buffer
        }
        return .allocate(byteCount: count, alignment: 64)
    }

    func give(_ buffer: UnsafeMutableRawBufferPointer) {
        usedBytes -= buffer.count
        guard freeBytes + buffer.count <= Self.maxFreeBytes else { return buffer.deallocate() }
        freeBytes += buffer.count
        free[buffer.count, default: []].append(buffer)
    }
}
