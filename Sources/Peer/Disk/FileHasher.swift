import Dispatch
import Glibc
import Reactor
import Synchronization
import Wire

/// The SHA-1 hashes of a file: of each piece and of the whole.
struct FileHashes: Sendable {
    /// 20 bytes a piece, in order (BEP 3, `pieces`).
    let pieces: [UInt8]
    /// Of the whole file (BEP 47, `sha1`).
    let whole: SHA1Digest

    /// `pieces` one by one.
    var pieceDigests: [SHA1Digest] {
        pieces.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 20).map { SHA1Digest(loading: bytes, at: $0) }
        }
    }
}

/// Hashes files. Blocking: for the shell's thread and for workers.
enum FileHasher {
    /// Small enough to stay in a core's second-level cache between the read and the hash.
    private static let bufferSize = 128 << 10

    /// Hashes a file of `length` bytes twice at the same time, on two threads: by piece and whole.
    ///
    /// SHA-1 is serial, so two hashes of the same bytes cost two passes; side by side they take the
    /// time of one where two cores are free.
    /// - Parameter onProgress: called from the hashing thread with the bytes done so far, at most
    ///   once a buffer.
    static func hashes(
        of file: SharedFile, path: String, length: Int64, pieceLength: Int,
        cancellation: Cancellation? = nil, onProgress: @Sendable (Int64) -> Void = { _ in }
    ) throws(CommandError) -> FileHashes {
        let results = Mutex<(pieces: [UInt8], whole: SHA1Digest?, failure: CommandError?)>(
            ([], nil, nil))
        DispatchQueue.concurrentPerform(iterations: 2) { pass in
            do throws(CommandError) {
                if pass == 0 {
                    let digest = try digest(
                        of: file, path: path, range: 0..<length, cancellation: cancellation,
                        onProgress: onProgress)
                    results.withLock { $0.whole = digest }
                } else {
                    let pieces = try pieceHashes(
                        of: file, path: path, length: length, pieceLength: pieceLength,
                        cancellation: cancellation)
                    results.withLock { $0.pieces = pieces }
                }
            } catch {
                results.withLock { $0.failure = error }
            }
        }
        let (pieces, whole, failure) = results.withLock { $0 }
        if let failure { throw failure }
        guard let whole else { preconditionFailure("both passes end with a result or a failure") }
        return FileHashes(pieces: pieces, whole: whole)
    }

    /// The SHA-1 of each piece, 20 bytes each.
    static func pieceHashes(
        of file: SharedFile, path: String, length: Int64, pieceLength: Int,
        cancellation: Cancellation? = nil
    ) throws(CommandError) -> [UInt8] {
        var pieces: [UInt8] = []
        pieces.reserveCapacity(Int((length + Int64(pieceLength) - 1) / Int64(pieceLength)) * 20)
        var start: Int64 = 0
        while start < length {
            let end = min(start + Int64(pieceLength), length)
            let digest = try digest(
                of: file, path: path, range: start..<end, cancellation: cancellation)
            pieces.append(contentsOf: digest.bytes)
            start = end
        }
        return pieces
    }

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
            let got = pread(file.descriptor, buffer.baseAddress, wanted, off_t(offset))
            if got < 0 {
                if errno == EINTR { continue }
                throw DiskFile.failure("reading", path, errno)
            }
            guard got > 0 else {
                throw CommandError(
                    "\(path) became shorter while it was being read", .ioError)
            }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            offset += Int64(got)
            onProgress(offset - range.lowerBound)
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
