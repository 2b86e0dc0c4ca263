import Glibc
import PeerCore
import Reactor
import Wire

/// Hashes the pieces of what is to be shared: as many at once as the processor has lanes, each read
/// a little at a time. Blocking.
struct PieceHashing {
    /// Of each piece at a time: so that the parts of all pieces stay in a core's cache between the
    /// read and the hash.
    private static let partLength = 64 << 10
    private static let maxOpenFiles = 64

    private let source: ContentSource
    private let cancellation: Cancellation
    /// Of the piece space.
    private let length: Int64
    /// By their index in `source.files`.
    private var opened: [Int: SharedFile] = [:]

    init(_ source: ContentSource, cancellation: Cancellation) {
        self.source = source
        self.cancellation = cancellation
        length = source.files.last.map { $0.offset + $0.length } ?? 0
    }

    /// The SHA-1 of each piece of the piece space, pads being zeros, 20 bytes each.
    mutating func digests() throws(CommandError) -> [UInt8] {
        let pieceLength = Int64(source.pieceLength)
        let wholeCount = Int(length / pieceLength)
        var digests: [UInt8] = []
        digests.reserveCapacity((wholeCount + 1) * 20)
        var piece = 0
        while piece < wholeCount {
            let count = min(wholeCount - piece, SHA1Lanes.count)
            if count >= SHA1Lanes.worthwhileCount {
                for digest in try together(piece..<piece + count) { digests += digest.bytes }
                piece += count
            } else {
                digests += try alone(piece).bytes
                piece += 1
            }
        }
        if length % pieceLength > 0 { digests += try alone(wholeCount).bytes }
        return digests
    }

    private func range(of piece: Int) -> Range<Int64> {
        let start = Int64(piece) * Int64(source.pieceLength)
        return start..<min(start + Int64(source.pieceLength), length)
    }

    private mutating func alone(_ piece: Int) throws(CommandError) -> SHA1Digest {
        let range = range(of: piece)
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(Self.partLength, range.count), alignment: 64)
        defer { buffer.deallocate() }
        var hasher = SHA1Hasher()
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(buffer.count, Int(range.upperBound - position))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            try read(part, at: position)
            hasher.update(UnsafeRawBufferPointer(part))
            position += Int64(count)
        }
        return hasher.finalize()
    }

    /// Pieces of full length.
    private mutating func together(_ pieces: Range<Int>) throws(CommandError) -> [SHA1Digest] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: pieces.count * Self.partLength, alignment: 64)
        defer { buffer.deallocate() }
        let parts = pieces.indices.map { index in
            let start = (index - pieces.lowerBound) * Self.partLength
            return UnsafeMutableRawBufferPointer(
                rebasing: buffer[start..<start + Self.partLength])
        }
        var lanes = SHA1Lanes(messageCount: pieces.count)
        var done = 0
        while true {
            let count = min(Self.partLength, source.pieceLength - done)
            for (piece, part) in zip(pieces, parts) {
                let part = UnsafeMutableRawBufferPointer(rebasing: part[..<count])
                try read(part, at: range(of: piece).lowerBound + Int64(done))
            }
            done += count
            let whole = count / 64 * 64
            lanes.update(parts.map { UnsafeRawPointer($0.baseAddress!) }, count: whole)
            if done == source.pieceLength {
                return lanes.finalize(
                    parts.map { UnsafeRawBufferPointer(rebasing: $0[whole..<count]) })
            }
        }
    }

    /// Fills a buffer from the piece space.
    private mutating func read(
        _ buffer: UnsafeMutableRawBufferPointer, at position: Int64
    ) throws(CommandError) {
        if cancellation.isCancelled { throw CommandError("interrupted", .interrupted) }
        var index = firstFile(endingAfter: position)
        var done = 0
        while done < buffer.count {
            let file = source.files[index]
            let offset = position + Int64(done) - file.offset
            let count = min(buffer.count - done, Int(file.length - offset))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
            if file.isPad {
                part.initializeMemory(as: UInt8.self, repeating: 0)
            } else if count > 0 {
                try FileHasher.read(part, of: try open(index), source.path(of: index), at: offset)
            }
            done += count
            index += 1
        }
    }

    private func firstFile(endingAfter position: Int64) -> Int {
        var (low, high) = (0, source.files.count - 1)
        while low < high {
            let middle = (low + high) / 2
            let file = source.files[middle]
            if file.offset + file.length > position { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private mutating func open(_ index: Int) throws(CommandError) -> SharedFile {
        if let file = opened[index] { return file }
        if opened.count >= Self.maxOpenFiles { opened.removeAll() }
        let file = try source.open(index)
        opened[index] = file
        return file
    }
}
