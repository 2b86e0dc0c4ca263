import Glibc
import Reactor
import Wire

/// Hashes files. Blocking: for the shell's thread and for workers.
enum FileHasher {
    /// Small enough to stay in a core's second-level cache between the read and the hash.
    private static let bufferSize = 128 << 10

    /// The SHA-1 of a range of bytes, read with pread(2) and so independent of other readers.
    static func digest(
        of file: SharedFile, path: String, range: Range<Int64>,
        cancellation: Cancellation? = nil, onProgress: (Int64) -> Void = { _ in }
    ) throws(CommandError) -> SHA1Digest {
        var hasher = SHA1Hasher()
        try update(
            &hasher, from: file, path: path, range: range, cancellation: cancellation,
            onProgress: onProgress)
        return hasher.finalize()
    }

    /// Goes on hashing with a range of bytes of a file.
    static func update(
        _ hasher: inout SHA1Hasher, from file: SharedFile, path: String, range: Range<Int64>,
        cancellation: Cancellation? = nil, onProgress: (Int64) -> Void = { _ in }
    ) throws(CommandError) {
        let size = min(bufferSize, max(range.count, 1))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { buffer.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            if let cancellation, cancellation.isCancelled {
                throw CommandError("interrupted", .interrupted)
            }
            let wanted = min(buffer.count, Int(range.upperBound - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            try read(part, of: file, path, at: offset)
            hasher.update(UnsafeRawBufferPointer(part))
            offset += Int64(wanted)
            onProgress(offset - range.lowerBound)
        }
    }

    /// Fills a buffer from a file.
    static func read(
        _ buffer: UnsafeMutableRawBufferPointer, of file: SharedFile, _ path: String,
        at offset: Int64
    ) throws(CommandError) {
        var done = 0
        while done < buffer.count {
            let got = pread(
                file.descriptor, buffer.baseAddress! + done, buffer.count - done,
                off_t(offset) + off_t(done))
            if got < 0 {
                if errno == EINTR { continue }
                throw DiskFile.failure("reading", path, errno)
            }
            guard got > 0 else {
                throw CommandError("\(path) became shorter while it was being read", .ioError)
            }
            done += got
        }
    }

    /// Goes on hashing with zeros.
    static func updateWithZeros(_ hasher: inout SHA1Hasher, count: Int) {
        var left = count
        Zeros.bytes.withUnsafeBytes { zeros in
            while left > 0 {
                let step = min(left, zeros.count)
                hasher.update(UnsafeRawBufferPointer(rebasing: zeros[..<step]))
                left -= step
            }
        }
    }
}

/// What pad files consist of (BEP 47).
enum Zeros {
    static let bytes = [UInt8](repeating: 0, count: 16 << 10)
}
