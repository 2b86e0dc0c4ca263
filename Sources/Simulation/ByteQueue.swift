/// Bytes in the order in which they came, over one array.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var head = 0

    var count: Int { bytes.count - head }

    mutating func append(_ source: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: source)
    }

    /// Takes the first so many of them out.
    mutating func take(_ count: Int, into target: UnsafeMutableRawBufferPointer) {
        guard count > 0 else { return }
        bytes.withUnsafeBytes { raw in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[head..<head + count]))
        }
        drop(count)
    }

    private mutating func drop(_ count: Int) {
        head += count
        if head == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 64 << 10 {
            bytes.removeFirst(head)
            head = 0
        }
    }
}
