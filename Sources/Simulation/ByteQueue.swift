/// Bytes in the order in which they came, in one piece of memory that holds what it grew to.
struct ByteQueue: ~Copyable {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var head = 0
    private var end = 0

    deinit { memory.deallocate() }

    var count: Int { end - head }

    mutating func append(_ source: UnsafeRawBufferPointer) {
        guard let first = source.baseAddress, source.count > 0 else { return }
        if memory.count - end < source.count { makeRoom(for: source.count) }
        memory.baseAddress!.advanced(by: end).copyMemory(from: first, byteCount: source.count)
        end += source.count
    }

    /// Takes the first so many of them out.
    mutating func take(_ taken: Int, into target: UnsafeMutableRawBufferPointer) {
        guard taken > 0 else { return }
        precondition(taken <= count && taken <= target.count, "more than there is")
        target.baseAddress!.copyMemory(
            from: memory.baseAddress!.advanced(by: head), byteCount: taken)
        head += taken
        if head == end {
            head = 0
            end = 0
        }
    }

    /// Moves them to the front, of larger memory where they take more than half of this.
    private mutating func makeRoom(for more: Int) {
        let waiting = count
        var target = memory
        if 2 * (waiting + more) > memory.count {
            target = .allocate(byteCount: max(64, 4 * (waiting + more)), alignment: 16)
        }
        if waiting > 0 {
            target.baseAddress!.copyMemory(
                from: memory.baseAddress!.advanced(by: head), byteCount: waiting)
        }
        if target.baseAddress != memory.baseAddress {
            memory.deallocate()
            memory = target
        }
        head = 0
        end = waiting
    }
}
