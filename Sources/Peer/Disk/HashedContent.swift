import Dispatch
import Glibc
import Synchronization
import Wire

/// A file or a directory that was read from end to end, hashed, and found unchanged meanwhile.
struct HashedContent: Sendable {
    /// Absolute.
    let path: String
    let isDirectory: Bool
    /// In the order of the piece space, pads included, each file with its hash.
    let files: [Info.File]
    /// What each file was, by its index in `files`.
    let identities: [Int: FileIdentity]
    /// Bytes, pads left out.
    let length: Int64
    let pieceLength: Int
    /// 20 bytes a piece, in order (BEP 3, `pieces`).
    let pieces: [UInt8]

    /// `pieces` one by one.
    var pieceDigests: [SHA1Digest] {
        pieces.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 20).map { SHA1Digest(loading: bytes, at: $0) }
        }
    }

    /// Reads what a path names; of a directory every file below it. The same bytes under the same
    /// names give the same hashes.
    ///
    /// Hashes twice at the same time, on two threads: by piece and by file. SHA-1 is serial, so two
    /// hashes of the same bytes cost two passes; side by side they take the time of one where two
    /// cores are free.
    /// - Parameter pieceLength: nil for one that fits the size.
    /// - Parameter onProgress: called from a hashing thread, several times a second.
    init(
        path: String, pieceLength: Int? = nil, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) {
        let source = try ContentSource(
            path: path, pieceLength: pieceLength, cancellation: cancellation)
        let meter = HashMeter(total: source.length, report: onProgress)
        // A pass that fails ends the other, which may have long to go.
        let end = Cancellation()
        cancellation.onCancel { end.cancel() }
        let results = Mutex<(pieces: [UInt8], files: [SHA1Digest?], failure: CommandError?)>(
            ([], [], nil))
        DispatchQueue.concurrentPerform(iterations: 2) { pass in
            do throws(CommandError) {
                if pass == 0 {
                    let digests = try source.fileHashes(end, meter)
                    results.withLock { $0.files = digests }
                } else {
                    let pieces = try source.pieceHashes(end)
                    results.withLock { $0.pieces = pieces }
                }
            } catch {
                results.withLock { $0.failure = $0.failure ?? error }
                end.cancel()
            }
        }
        let (pieces, digests, failure) = results.withLock { $0 }
        if let failure { throw failure }
        try source.requireUnchanged()
        self.path = source.path
        isDirectory = source.isDirectory
        files = zip(source.files, digests).map { file, digest in
            Info.File(
                path: file.path, length: file.length, offset: file.offset, isPad: file.isPad,
                sha1: digest)
        }
        identities = source.identities
        length = source.length
        self.pieceLength = source.pieceLength
        self.pieces = pieces
    }
}

extension ContentSource {
    /// The SHA-1 of each file; nil for pads.
    fileprivate func fileHashes(
        _ cancellation: Cancellation, _ meter: HashMeter
    ) throws(CommandError) -> [SHA1Digest?] {
        var digests: [SHA1Digest?] = []
        digests.reserveCapacity(files.count)
        var done: Int64 = 0
        for (index, file) in files.enumerated() {
            guard !file.isPad else {
                digests.append(nil)
                continue
            }
            digests.append(
                try FileHasher.digest(
                    of: try open(index), path: path(of: index), range: 0..<file.length,
                    cancellation: cancellation, onProgress: { meter.advance(to: done + $0) }))
            done += file.length
        }
        return digests
    }

    /// The SHA-1 of each piece of the piece space, pads being zeros, 20 bytes each.
    fileprivate func pieceHashes(_ cancellation: Cancellation) throws(CommandError) -> [UInt8] {
        var pieces: [UInt8] = []
        var hasher = SHA1Hasher()
        var room = Int64(pieceLength)
        for (index, file) in files.enumerated() {
            let opened = file.isPad || file.length == 0 ? nil : try open(index)
            var offset: Int64 = 0
            while offset < file.length {
                let end = min(offset + room, file.length)
                if let opened {
                    try FileHasher.update(
                        &hasher, from: opened, path: path(of: index), range: offset..<end,
                        cancellation: cancellation)
                } else {
                    FileHasher.updateWithZeros(&hasher, count: Int(end - offset))
                }
                room -= end - offset
                offset = end
                if room == 0 {
                    pieces += hasher.finalize().bytes
                    room = Int64(pieceLength)
                }
            }
        }
        if room < Int64(pieceLength) { pieces += hasher.finalize().bytes }
        return pieces
    }
}
