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
    /// Hashes twice at the same time, on two threads: by piece and by file. The second takes the
    /// longer, since a file's SHA-1 is serial.
    /// - Parameter pieceLength: nil for one that fits the size.
    /// - Parameter onProgress: called from a hashing thread, several times a second.
    init(
        in root: ShareRoot, path: String, pieceLength: Int? = nil, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) {
        let source = try ContentSource(
            in: root, path: path, pieceLength: pieceLength, cancellation: cancellation)
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
                    var hashing = PieceHashing(source, cancellation: end)
                    let pieces = try hashing.digests()
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
}
