/// The memory in which a node gathers pieces that arrive, until a worker has stored and hashed
/// them; on the loop's thread. Memory is used again while it is warm.
final class StagingPool {
    /// Beyond so many bytes that are gathered, they ought to be stored before they are whole.
    let limit: Int
    /// Bytes of the memory in which something is gathered; what workers have isn't in it, since it
    /// comes back by itself.
    private(set) var gatheringBytes = 0

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

    var isOverLimit: Bool { gatheringBytes > limit }

    /// Memory of exactly `count` bytes to gather in, with anything in it.
    func take(_ count: Int) -> UnsafeMutableRawBufferPointer {
        gatheringBytes += count
        if let buffer = free[count]?.popLast() {
            freeBytes -= count
            return buffer
        }
        return .allocate(byteCount: count, alignment: 64)
    }

    /// Notes that a worker has the memory, or nobody, until it is given back.
    func endGathering(in buffer: UnsafeMutableRawBufferPointer) {
        gatheringBytes -= buffer.count
    }

    /// Takes memory back in which nothing is gathered any more.
    func give(_ buffer: UnsafeMutableRawBufferPointer) {
        guard freeBytes + buffer.count <= Self.maxFreeBytes else { return buffer.deallocate() }
        freeBytes += buffer.count
        free[buffer.count, default: []].append(buffer)
    }
}
