extension Array where Element == UInt8 {
    /// Appends the number in network byte order.
    @inlinable package mutating func appendBigEndian(_ number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.bigEndian) { append(contentsOf: $0) }
    }

    /// Appends the ASCII decimal digits of the number, without going through a `String`.
    package mutating func appendDecimal(_ number: some BinaryInteger) {
        if number < 0 { append(UInt8(ascii: "-")) }
        var magnitude = UInt64(number.magnitude)
        let start = count
        repeat {
            append(UInt8(ascii: "0") + UInt8(magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        self[start...].reverse()
    }
}

extension UnsafeRawBufferPointer {
    /// The number in network byte order at `offset`; its bytes must be within the buffer.
    @inlinable package func loadBigEndian<T: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: T.Type
    ) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }
}

extension Array where Element == UInt8 {
    /// Calls `body` with the array's bytes, valid during the call only; errors keep their type.
    @inlinable package func withRawBytes<R, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withUnsafeBufferPointer { (buffer) throws(E) -> R in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }
}
