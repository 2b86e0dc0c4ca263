/// A piece that arrives: its bytes gathered in memory, in segments of up to a mebibyte, which are
/// stored and hashed one after the other as they get whole. On the loop's thread.
///
/// One thing at a time is done with a piece by a worker, which meanwhile has the segments that it
/// was given for itself.
final class StagedPiece {
    /// Part of a piece.
    struct Segment {
        /// Nil before anything has come, while a worker has it, and once it is stored.
        var buffer: UnsafeMutableRawBufferPointer?
        /// Of `buffer`.
        var filled = FilledRanges()
        /// Of all that has come, in memory or stored.
        var arrived = FilledRanges()
    }

    /// A segment on its way to a worker and back.
    struct Parcel: @unchecked Sendable {
        /// Index of the segment.
        let segment: Int
        /// Where the segment begins in the piece.
        let begin: Int
        /// All of it, those parts included that the buffer doesn't have since they are stored.
        let length: Int
        /// The worker's own until it gives the parcel back.
        let buffer: UnsafeMutableRawBufferPointer?
        let filled: FilledRanges

        /// All of the segment is in the buffer.
        var isWhole: Bool { filled.isFull(length) }

        /// What the buffer has; of a whole segment.
        var bytes: UnsafeRawBufferPointer {
            precondition(isWhole, "bytes that are in memory")
            return UnsafeRawBufferPointer(buffer!)
        }
    }

    static let maxSegmentLength = 1 << 20

    let piece: Int
    let length: Int
    let hash = PieceHash()
    private let pool: StagingPool
    private var segments: [Segment]
    /// Segments before this one are hashed, or being hashed.
    private(set) var nextSegment = 0
    /// A worker is at it.
    var isBusy = false
    /// All has come, and somebody waits for the verdict.
    var awaitsVerdict = false

    init(piece: Int, length: Int, pool: StagingPool) {
        self.piece = piece
        self.length = length
        self.pool = pool
        let count = (length + Self.maxSegmentLength - 1) / Self.maxSegmentLength
        segments = [Segment](repeating: Segment(), count: count)
    }

    deinit {
        for segment in segments {
            guard let buffer = segment.buffer else { continue }
            pool.endGathering(in: buffer)
            pool.give(buffer)
        }
    }

    /// Whether every segment has been given to be hashed.
    var isHandedOver: Bool { nextSegment == segments.count }

    private func length(of segment: Int) -> Int {
        min(Self.maxSegmentLength, length - segment * Self.maxSegmentLength)
    }

    /// Copies bytes into their place, `begin` bytes after the piece's beginning.
    func store(_ bytes: UnsafeRawBufferPointer, at begin: Int) {
        var bytes = bytes
        var begin = begin
        while !bytes.isEmpty {
            let segment = begin / Self.maxSegmentLength
            let offset = begin % Self.maxSegmentLength
            let count = min(bytes.count, length(of: segment) - offset)
            // What was whole once is with the worker already and not taken twice.
            if segment >= nextSegment {
                store(UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: offset, in: segment)
            }
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            begin += count
        }
    }

    private func store(_ bytes: UnsafeRawBufferPointer, at offset: Int, in index: Int) {
        let buffer = segments[index].buffer ?? pool.take(length(of: index))
        segments[index].buffer = buffer
        (buffer.baseAddress! + offset).copyMemory(
            from: bytes.baseAddress!, byteCount: bytes.count)
        let range = offset..<offset + bytes.count
        segments[index].filled.insert(range)
        segments[index].arrived.insert(range)
    }

    /// The segments that are whole and next to be hashed, for a worker.
    func takeWhole() -> [Parcel] {
        var parcels: [Parcel] = []
        while nextSegment < segments.count,
            segments[nextSegment].arrived.isFull(length(of: nextSegment))
        {
            parcels.append(take(nextSegment))
            nextSegment += 1
        }
        return parcels
    }

    /// All that is in memory, for a worker that only stores it.
    func takeAll() -> [Parcel] {
        segments.indices.compactMap { segments[$0].buffer == nil ? nil : take($0) }
    }

    private func take(_ index: Int) -> Parcel {
        defer {
            segments[index].buffer = nil
            segments[index].filled = FilledRanges()
        }
        if let buffer = segments[index].buffer { pool.endGathering(in: buffer) }
        return Parcel(
            segment: index, begin: index * Self.maxSegmentLength, length: length(of: index),
            buffer: segments[index].buffer, filled: segments[index].filled)
    }

    /// A worker is done with these.
    func takeBack(_ parcels: [Parcel]) {
        for parcel in parcels {
            if let buffer = parcel.buffer { pool.give(buffer) }
        }
    }
}
