import PeerCore
import Wire

/// A file of a peer, its disk, and what is recorded of it.
///
/// Blocks are in memory until their piece has its hash; then it is written and noted in the
/// record, and now and then all is synced. A program that is killed loses what is in memory; a
/// machine that loses power also what wasn't synced, which may be there in part.
package final class SimulatedStorage {
    private let content: SimulatedContent
    /// Empty where blocks are stamps.
    package private(set) var bytes: [UInt8] = []
    private var stamps: [UInt64] = []
    /// The pieces that the record has, and those of them that would survive a loss of power.
    package private(set) var recorded: Bitfield
    package private(set) var synced: Bitfield
    /// Bytes that the disk still takes.
    package var room = Int.max

    /// A file as full as it should be, or of zeros.
    init(content: SimulatedContent, isFull: Bool) {
        self.content = content
        let count = content.geometry.pieceCount
        recorded = isFull ? Bitfield(fullOf: count) : Bitfield(bitCount: count)
        synced = recorded
        switch content.detail {
        case .bytes:
            bytes = isFull ? content.bytes : [UInt8](repeating: 0, count: content.bytes.count)
        case .messages:
            let blocks = content.geometry.blocksPerPiece
            stamps = (0..<count * blocks).map {
                isFull ? content.stamp(piece: $0 / blocks, block: $0 % blocks) : 0
            }
        }
    }

    private func offset(_ piece: Int) -> Int { Int(content.info.offset(ofPiece: piece)) }

    func store(_ source: UnsafeRawBufferPointer, piece: Int, begin: Int) {
        switch content.detail {
        case .bytes:
            let offset = offset(piece) + begin
            bytes.withUnsafeMutableBytes { file in
                file.baseAddress!.advanced(by: offset)
                    .copyMemory(from: source.baseAddress!, byteCount: source.count)
            }
        case .messages:
            let length = content.geometry.blockLength
            let first = piece * content.geometry.blocksPerPiece + begin / length
            for block in 0..<(source.count + length - 1) / length {
                stamps[first + block] = source.loadUnaligned(
                    fromByteOffset: block * length, as: UInt64.self)
            }
        }
    }

    func block(_ request: BlockRequest) -> ArraySlice<UInt8> {
        let begin = offset(Int(request.piece)) + Int(request.begin)
        return bytes[begin..<begin + Int(request.length)]
    }

    /// A bit for each block of a request that isn't as it should be, from the lowest.
    func wrongBlocks(of request: BlockRequest) -> UInt64 {
        let piece = Int(request.piece)
        let first = Int(request.begin) / content.geometry.blockLength
        let end = Int(request.begin + request.length - 1) / content.geometry.blockLength
        var mask: UInt64 = 0
        for block in first...end
        where stamps[piece * content.geometry.blocksPerPiece + block]
            != content.stamp(piece: piece, block: block)
        {
            mask |= 1 << UInt64(block - first)
        }
        return mask
    }

    func isGood(piece: Int) -> Bool {
        switch content.detail {
        case .bytes:
            let begin = offset(piece)
            let length = content.geometry.length(ofPiece: piece)
            return digest(begin..<begin + length) == content.info.pieceHash(piece)
        case .messages:
            let first = piece * content.geometry.blocksPerPiece
            return (0..<content.geometry.blockCount(ofPiece: piece)).allSatisfy {
                stamps[first + $0] == content.stamp(piece: piece, block: $0)
            }
        }
    }

    /// The beginning of the hash of each block.
    func fingerprints(piece: Int) -> [UInt64] {
        let count = content.geometry.blockCount(ofPiece: piece)
        guard content.detail == .bytes else {
            let first = piece * content.geometry.blocksPerPiece
            return [UInt64](stamps[first..<first + count])
        }
        return (0..<count).map { block in
            let begin = offset(piece) + block * content.geometry.blockLength
            let length = content.geometry.length(ofBlock: block, inPiece: piece)
            return digest(begin..<begin + length).bytes.prefix(8)
                .reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private func digest(_ range: Range<Int>) -> SHA1Digest {
        bytes.withUnsafeBytes { SHA1Hasher.hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    // MARK: The disk

    /// Writes a verified piece and notes it. False where there is no room for it.
    func record(_ piece: Int) -> Bool {
        let length = content.geometry.length(ofPiece: piece)
        guard room >= length else { return false }
        if room != .max { room -= length }
        recorded.insert(piece)
        return true
    }

    func sync() { synced = recorded }

    /// The program is killed: what wasn't recorded is gone, or was being written. Returns what
    /// the record has.
    func loseMemory(_ random: inout SeededRandom) -> Bitfield {
        for piece in 0..<content.geometry.pieceCount where !recorded.contains(piece) {
            tear(piece, &random)
        }
        return recorded
    }

    /// The machine stops: of what wasn't synced, some is there, some in part, and some is not.
    /// Returns the pieces that have their hash still, as a program finds them that looks at those
    /// in the record.
    func losePower(_ random: inout SeededRandom) -> Bitfield {
        _ = loseMemory(&random)
        for piece in recorded.subtracting(synced).members {
            switch random.below(3) {
            case 0: tear(piece, &random)
            case 1: recorded.remove(piece)
            default: break
            }
        }
        for piece in recorded.subtracting(synced).members where !isGood(piece: piece) {
            recorded.remove(piece)
        }
        synced = recorded
        return recorded
    }

    /// Only the beginning of a piece reached the disk.
    private func tear(_ piece: Int, _ random: inout SeededRandom) {
        let length = content.geometry.length(ofPiece: piece)
        switch content.detail {
        case .bytes:
            for index in random.below(length)..<length { bytes[offset(piece) + index] = 0 }
        case .messages:
            let first = piece * content.geometry.blocksPerPiece
            let count = content.geometry.blockCount(ofPiece: piece)
            for block in random.below(count)..<count { stamps[first + block] = 0 }
        }
    }
}
