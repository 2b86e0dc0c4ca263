/// Walks over the `name=value` pairs of a query's bytes without copying them.
struct QueryReader {
    let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next pair as ranges; a pair without `=` has an empty value. Empty pairs are skipped.
    mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
        while position < bytes.count {
            let start = position
            let end = HTTPLine.find(UInt8(ascii: "&"), bytes, start..<bytes.count)
            position = end + 1
            if end > start {
                // Names are short: a call would take longer.
                var nameEnd = start
                while nameEnd < end, bytes[nameEnd] != UInt8(ascii: "=") { nameEnd += 1 }
                return (start..<nameEnd, min(nameEnd + 1, end)..<end)
            }
        }
        return nil
    }

    /// Whether the bytes are this text, letter case included.
    @inline(__always) func matches(_ range: Range<Int>, _ text: StaticString) -> Bool {
        HTTPLine.equals(bytes, range, text)
    }

    /// The twenty bytes that the value stands for, percent-decoded; nil for any other number.
    func twentyBytes(_ range: Range<Int>) -> Bytes20? {
        var decoded: (UInt64, UInt64, UInt32) = (0, 0, 0)
        return withUnsafeMutableBytes(of: &decoded) { output in
            var count = 0
            var index = range.lowerBound
            while index < range.upperBound {
                guard count < Bytes20.count else { return nil }
                if bytes[index] == UInt8(ascii: "%") {
                    guard index + 2 < range.upperBound,
                        let high = Hex.value(of: bytes[index + 1]),
                        let low = Hex.value(of: bytes[index + 2])
                    else { return nil }
                    output[count] = high << 4 | low
                    index += 3
                } else {
                    output[count] = bytes[index]
                    index += 1
                }
                count += 1
            }
            guard count == Bytes20.count else { return nil }
            return Bytes20(loading: UnsafeRawBufferPointer(output))
        }
    }

    /// The number of one or more decimal digits; nil for anything else and for overflow.
    func decimal(_ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let byte = bytes[index]
            guard (0x30...0x39).contains(byte) else { return nil }
            let (product, wide) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 0x30))
            guard !wide, !carry else { return nil }
            value = sum
        }
        return value
    }
}
