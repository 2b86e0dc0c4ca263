import Glibc
import Reactor

/// Gathers fragments that are neighbours in the file, though message headers part them in the
/// receive buffer, so that one pwritev(2) stores them all.
struct BlockWriter {
    private static let maxVectors = 64

    private var vectors: [iovec] = []
    private var start: Int64 = 0
    private var length = 0

    var isEmpty: Bool { vectors.isEmpty }

    /// Adds a fragment where it continues the batch; the memory must stay until `flush`.
    /// - Returns: false where it doesn't fit: flush first.
    mutating func append(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Bool {
        if vectors.isEmpty {
            start = offset
            length = 0
        } else if offset != start + Int64(length) || vectors.count == Self.maxVectors {
            return false
        }
        vectors.append(
            iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                iov_len: bytes.count))
        length += bytes.count
        return true
    }

    /// Writes the batch.
    /// - Returns: nil, or the errno of the failed write.
    mutating func flush(to file: SharedFile) -> Int32? {
        defer { vectors.removeAll(keepingCapacity: true) }
        var first = 0
        var offset = start
        return vectors.withUnsafeMutableBufferPointer { vectors in
            while first < vectors.count {
                let written = pwritev(
                    file.descriptor, vectors.baseAddress! + first, Int32(vectors.count - first),
                    off_t(offset))
                if written < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                offset += Int64(written)
                var rest = written
                while first < vectors.count, rest >= vectors[first].iov_len {
                    rest -= vectors[first].iov_len
                    first += 1
                }
                if rest > 0 {
                    vectors[first].iov_base += rest
                    vectors[first].iov_len -= rest
                }
            }
            return nil
        }
    }
}
