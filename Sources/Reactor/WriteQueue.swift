import CEpollShim

/// What a stream has yet to send: bytes and ranges of files, in order.
///
/// The bytes of all segments lie in one buffer one after the other, so that adjacent writes become
/// one segment, and the headers of ranges cost no allocation.
final class WriteQueue {
    struct Segment {
        /// Nil: the bytes come from the queue's buffer.
        var file: SharedFile?
        /// Of a file: where the first range begins that isn't sent whole.
        var offset: Int64 = 0
        /// Of a file: the bytes of the queue's buffer that go before each range.
        var headerLength = 0
        /// Of a file: the bytes of each range.
        var rangeLength = 0
        /// Of a file: how much of the first header and range is sent.
        var position = 0
        /// What is to be sent, headers included; never 0.
        var length: Int

        var frameLength: Int { headerLength + rangeLength }
    }

    private var segments: ContiguousArray<Segment> = []
    private var firstSegment = 0
    private var storage: UnsafeMutableRawBufferPointer
    /// The part of `storage` that is queued.
    private var filled = 0..<0
    /// Bytes yet to be sent, those of files included.
    private(set) var byteCount = 0
    /// Ranges of files that aren't sent whole.
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
        store(bytes)
        byteCount += bytes.count
        let last = segments.count - 1
        if last >= firstSegment, segments[last].file == nil {
            segments[last].length += bytes.count
        } else {
            segments.append(Segment(file: nil, length: bytes.count))
        }
    }

    func append(file: SharedFile, offset: Int64, length: Int) {
        if length == 0 { return }
        append(
            UnsafeRawBufferPointer(start: nil, count: 0), headerLength: 0, count: 1, file: file,
            offset: offset, rangeLength: length)
    }

    /// Appends ranges of a file that follow each other, each after a header of its own; none of
    /// them is empty.
    func append(
        _ headers: UnsafeRawBufferPointer, headerLength: Int, count: Int, file: SharedFile,
        offset: Int64, rangeLength: Int
    ) {
        precondition(offset >= 0 && rangeLength > 0 && count > 0, "not ranges of a file")
        precondition(headers.count == count * headerLength, "a header for each range")
        if !headers.isEmpty { store(headers) }
        let length = headers.count + count * rangeLength
        segments.append(
            Segment(
                file: file, offset: offset, headerLength: headerLength, rangeLength: rangeLength,
                length: length))
        byteCount += length
        fileRangeCount += count
    }

    private func store(_ bytes: UnsafeRawBufferPointer) {
        makeRoom(for: bytes.count)
        (storage.baseAddress! + filled.upperBound).copyMemory(
            from: bytes.baseAddress!, byteCount: bytes.count)
        filled = filled.lowerBound..<filled.upperBound + bytes.count
    }

    /// The next segment to send.
    var first: Segment? { firstSegment < segments.count ? segments[firstSegment] : nil }

    /// Whether a range of a file comes right after the first segment.
    var fileFollowsFirst: Bool {
        firstSegment + 1 < segments.count && segments[firstSegment + 1].file != nil
    }

    /// All bytes and headers; valid until the queue changes.
    var queuedBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[filled]) }

    /// The bytes of the first segment, which isn't a file's; valid until the queue changes.
    func firstBytes(_ segment: Segment) -> UnsafeRawBufferPointer {
        let end = filled.lowerBound + segment.length
        return UnsafeRawBufferPointer(rebasing: storage[filled.lowerBound..<end])
    }

    /// The first segment, which is a file's, as the kernel's calls want it; valid until the queue
    /// changes.
    func firstFrames(_ segment: Segment, _ file: SharedFile) -> shim_frames {
        // Of a header that is sent in part, the buffer begins with the rest.
        let sent = min(segment.position, segment.headerLength)
        return shim_frames(
            headers: storage.baseAddress! + (filled.lowerBound - sent),
            header_length: segment.headerLength, file: file.descriptor, offset: segment.offset,
            range_length: segment.rangeLength, position: segment.position)
    }

    /// Drops `count` bytes from the first segment, which have been sent.
    func removeFirst(_ count: Int) {
        byteCount -= count
        var segment = segments[firstSegment]
        segment.length -= count
        if segment.file == nil {
            filled = filled.lowerBound + count..<filled.upperBound
        } else {
            let sent = segment.position + count
            let frames = sent / segment.frameLength
            let headerBytes = min(segment.position, segment.headerLength)
            segment.position = sent - frames * segment.frameLength
            segment.offset += Int64(frames * segment.rangeLength)
            let removed =
                frames * segment.headerLength + min(segment.position, segment.headerLength)
                - headerBytes
            filled = filled.lowerBound + removed..<filled.upperBound
            fileRangeCount -= frames
        }
        if segment.length > 0 {
            segments[firstSegment] = segment
        } else {
            segments[firstSegment].file = nil
            removeFirstSegment()
        }
    }

    private func removeFirstSegment() {
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
        if !queue.isEmpty { queue.removeAll() }
        guard queues.count < WriteQueuePool.maximumCount,
            queue.capacity <= WriteQueuePool.maximumCapacity
        else { return }
        queues.append(queue)
    }
}
