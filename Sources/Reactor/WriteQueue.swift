/// What a stream has yet to send: bytes and ranges of files, in order.
///
/// The bytes of all segments lie in one buffer one after the other, so that adjacent writes become
/// one segment, and the 13 bytes before each block cost no allocation.
final class WriteQueue {
    struct Segment {
        /// Nil: the bytes come from the queue's buffer.
        var file: SharedFile?
        /// Within the file.
        var offset: Int64
        /// Never 0.
        var length: Int
    }

    private var segments: ContiguousArray<Segment> = []
    private var firstSegment = 0
    private var storage: UnsafeMutableRawBufferPointer
    /// The part of `storage` that is queued.
    private var filled = 0..<0
    /// Bytes yet to be sent, those of files included.
    private(set) var byteCount = 0
    /// Segments that are ranges of files.
    private(set) var fileRangeCount = 0

    private static let initialCapacity = 1 << 10

    init() {
        storage = .allocate(byteCount: WriteQueue.initialCapacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    /// The memory its buffer takes, in bytes.
    var capacity: Int { storage.count }

    var isEmpty: Bool { byteCount == 0 }

    func append(_ bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty { return }
        makeRoom(for: bytes.count)
        (storage.baseAddress! + filled.upperBound).copyMemory(
            from: bytes.baseAddress!, byteCount: bytes.count)
        filled = filled.lowerBound..<filled.upperBound + bytes.count
        byteCount += bytes.count
        let last = segments.count - 1
        if last >= firstSegment, segments[last].file == nil {
            segments[last].length += bytes.count
        } else {
            segments.append(Segment(file: nil, offset: 0, length: bytes.count))
        }
    }

    func append(file: SharedFile, offset: Int64, length: Int) {
        precondition(offset >= 0 && length >= 0, "not a range of a file")
        if length == 0 { return }
        segments.append(Segment(file: file, offset: offset, length: length))
        byteCount += length
        fileRangeCount += 1
    }

    /// The next segment to send.
    var first: Segment? { firstSegment < segments.count ? segments[firstSegment] : nil }

    /// Whether a range of a file comes right after the first segment.
    var fileFollowsFirst: Bool {
        firstSegment + 1 < segments.count && segments[firstSegment + 1].file != nil
    }

    /// The bytes of the first segment, which isn't a file's; valid until the queue changes.
    func firstBytes(_ segment: Segment) -> UnsafeRawBufferPointer {
        let end = filled.lowerBound + segment.length
        return UnsafeRawBufferPointer(rebasing: storage[filled.lowerBound..<end])
    }

    /// Drops `count` bytes from the first segment, which have been sent.
    func removeFirst(_ count: Int) {
        byteCount -= count
        let isFile = segments[firstSegment].file != nil
        if !isFile { filled = filled.lowerBound + count..<filled.upperBound }
        if count < segments[firstSegment].length {
            segments[firstSegment].length -= count
            segments[firstSegment].offset += Int64(count)
            return
        }
        if isFile {
            fileRangeCount -= 1
            segments[firstSegment].file = nil
        }
        firstSegment += 1
        if firstSegment == segments.count {
            segments.removeAll(keepingCapacity: true)
            firstSegment = 0
            filled = 0..<0
        } else if firstSegment >= 64, firstSegment * 2 >= segments.count {
            segments.removeSubrange(0..<firstSegment)
            firstSegment = 0
        }
    }

    func removeAll() {
        segments.removeAll(keepingCapacity: true)
        firstSegment = 0
        filled = 0..<0
        byteCount = 0
        fileRangeCount = 0
    }

    /// Makes room at the end of the buffer: by moving what is queued to the front if that frees
    /// half of it, else by growing, so that every byte is moved a bounded number of times.
    private func makeRoom(for count: Int) {
        if filled.upperBound + count <= storage.count { return }
        let queued = UnsafeRawBufferPointer(rebasing: storage[filled])
        if filled.count + count <= storage.count / 2 {
            storage.copyMemory(from: queued)
        } else {
            var capacity = storage.count * 2
            while capacity < filled.count + count { capacity *= 2 }
            let larger = UnsafeMutableRawBufferPointer.allocate(
                byteCount: capacity, alignment: 16)
            larger.copyMemory(from: queued)
            storage.deallocate()
            storage = larger
        }
        filled = 0..<queued.count
    }
}

/// Queues that no stream is using: a stream takes one when it is written to and gives it back when
/// all is sent, so that an idle stream has none and a busy one allocates nothing.
struct WriteQueuePool {
    private var queues: ContiguousArray<WriteQueue> = []

    private static let maximumCount = 256
    private static let maximumCapacity = 16 << 10

    mutating func take() -> WriteQueue { queues.popLast() ?? WriteQueue() }

    /// Keeps an emptied queue, unless there are enough or it has grown large.
    mutating func give(_ queue: WriteQueue) {
        queue.removeAll()
        guard queues.count < WriteQueuePool.maximumCount,
            queue.capacity <= WriteQueuePool.maximumCapacity
        else { return }
        queues.append(queue)
    }
}
