import PeerCore
import Wire

/// A file in memory, verified with real SHA-1.
package struct SimulatedStorage {
    private let info: Info
    package private(set) var bytes: [UInt8]

    /// A file as full as it should be, or of zeros.
    package init(info: Info, content: [UInt8]?) {
        self.info = info
        bytes = content ?? [UInt8](repeating: 0, count: Int(info.length))
    }

    package mutating func store(
        _ source: UnsafeRawBufferPointer, piece: Int, begin: Int
    ) {
        let offset = Int(info.offset(ofPiece: piece)) + begin
        bytes.withUnsafeMutableBytes { file in
            file.baseAddress!.advanced(by: offset)
                .copyMemory(from: source.baseAddress!, byteCount: source.count)
        }
    }

    package func block(_ request: BlockRequest) -> ArraySlice<UInt8> {
        let offset = Int(info.offset(ofPiece: Int(request.piece))) + Int(request.begin)
        return bytes[offset..<offset + Int(request.length)]
    }

    package func isGood(piece: Int) -> Bool {
        let offset = Int(info.offset(ofPiece: piece))
        return digest(offset..<offset + info.length(ofPiece: piece)) == info.pieceHash(piece)
    }

    /// The beginning of the hash of each block.
    package func fingerprints(piece: Int, blockLength: Int) -> [UInt64] {
        let offset = Int(info.offset(ofPiece: piece))
        let end = offset + info.length(ofPiece: piece)
        return stride(from: offset, to: end, by: blockLength).map { begin in
            digest(begin..<min(begin + blockLength, end)).bytes.prefix(8)
                .reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private func digest(_ range: Range<Int>) -> SHA1Digest {
        bytes.withUnsafeBytes { SHA1Hasher.hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}
