/// Writes bytes one after the other at the end of an array that has made room for them once: for
/// the answers that are many. More bytes than there is room for trap.
struct ByteWriter: ~Copyable {
    private let start: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0

    fileprivate init(_ memory: UnsafeMutableRawBufferPointer) {
        precondition(memory.baseAddress != nil, "nothing to write to")
        start = memory.baseAddress.unsafelyUnwrapped
        capacity = memory.count
    }

    /// Where the next `length` bytes go.
    @inline(__always) private mutating func place(_ length: Int) -> UnsafeMutableRawPointer {
        precondition(length <= capacity - count, "more bytes than there is room for")
        defer { count += length }
        return start + count
    }

    @inline(__always) mutating func put(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        place(length).copyMemory(from: text.utf8Start, byteCount: length)
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        place(bytes.count).copyMemory(from: source, byteCount: bytes.count)
    }

    mutating func put(_ bytes: [UInt8]) { bytes.withUnsafeBytes { put($0) } }

    /// The number in network byte order.
    @inline(__always) mutating func put(bigEndian number: some FixedWidthInteger & BitwiseCopyable)
    {
        place(MemoryLayout.size(ofValue: number))
            .storeBytes(of: number.bigEndian, as: type(of: number).self)
    }

    /// The decimal digits of a number that isn't negative.
    mutating func put(decimal number: Int) {
        var rest = UInt(number)
        var length = 1
        var bound: UInt = 10
        while length < 19, rest >= bound {
            length += 1
            bound &*= 10
        }
        let digits = place(length)
        for position in stride(from: length - 1, through: 0, by: -1) {
            digits.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10),
                toByteOffset: position, as: UInt8.self)
            rest /= 10
        }
    }
}

extension Array where Element == UInt8 {
    /// Appends what `body` writes, `limit` bytes at most.
    @inline(__always) mutating func append(
        upTo limit: Int, _ body: (inout ByteWriter) -> Void
    ) {
        append(addingCapacity: limit) { span in
            span.withUnsafeMutableBufferPointer { memory, count in
                var writer = ByteWriter(UnsafeMutableRawBufferPointer(memory))
                body(&writer)
                count = writer.count
            }
        }
    }
}
