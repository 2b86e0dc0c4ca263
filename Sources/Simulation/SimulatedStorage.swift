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
        let digest = bytes.withUnsafeBytes { file in
            SHA1Hasher.hash(
                UnsafeRawBufferPointer(
                    rebasing: file[offset..<offset + info.length(ofPiece: piece)]))
        }
        return digest == info.pieceHash(piece)
    }
}
