import Foundation
import Wire

/// A file that scripted peers share or want: what describes it, and all of its bytes.
struct Content: Sendable {
    static let blockLength = 16_384

    let info: Info
    let bytes: [UInt8]

    var size: Int { bytes.count }

    /// One bit a piece, all set but the spare ones (BEP 3).
    var fullBitfield: [UInt8] { bitfield { _ in true } }

    func bitfield(of isThere: (Int) -> Bool) -> [UInt8] {
        var bits = [UInt8](repeating: 0, count: (info.pieceCount + 7) / 8)
        for piece in 0..<info.pieceCount where isThere(piece) {
            bits[piece / 8] |= 0x80 >> (piece % 8)
        }
        return bits
    }

    /// The requests for a piece, in order.
    func requests(forPiece piece: Int) -> [BlockRequest] {
        let length = info.length(ofPiece: piece)
        return stride(from: 0, to: length, by: Content.blockLength).map { begin in
            BlockRequest(
                piece: UInt32(piece), begin: UInt32(begin),
                length: UInt32(min(Content.blockLength, length - begin)))
        }
    }

    /// The requests for everything, in order.
    var requests: [BlockRequest] { (0..<info.pieceCount).flatMap(requests(forPiece:)) }

    /// What a request is for; the caller knows that it is inside the file.
    func block(_ request: BlockRequest) -> ArraySlice<UInt8> {
        let start = Int(request.piece) * info.pieceLength + Int(request.begin)
        return bytes[start..<start + Int(request.length)]
    }

    /// The `piece` message that answers a request rightly.
    func answer(to request: BlockRequest) -> [UInt8] {
        PeerMessage.pieceHeader(for: request) + block(request)
    }
}

extension Network {
    /// A file, and the `.mtorrent` that describes it; nobody shares it yet.
    struct OpenFile: Sendable {
        let content: Content
        let original: String
        let description: String
    }

    /// - Parameter pieceLength: bytes; any that a `.mtorrent` may have.
    func openFile(
        _ name: String = "book.bin", size: Int, pieceLength: Int, seed: UInt64 = 1
    ) throws -> OpenFile {
        let original = try scratch.file("originals/\(name)", size: size, seed: seed)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: original)))
        let hashes = stride(from: 0, to: size, by: pieceLength).map { start in
            SHA1Hasher.hash(Array(bytes[start..<min(start + pieceLength, size)]))
        }
        let file = try MTorrentFile(
            trackers: [tracker.address], path: original, size: Int64(size),
            pieceLength: pieceLength, pieceHashes: hashes)
        let description = try scratch.text("\(name).mtorrent", file.text)
        return OpenFile(
            content: Content(info: file.info, bytes: bytes), original: original,
            description: description)
    }

    /// Tells the tracker of a peer of an open swarm, or, with a passkey, of a group's.
    func announce(_ sharer: ScriptedSharer, passkey: String? = nil, left: UInt64 = 0) async throws {
        let request = AnnounceRequest(
            infoHash: sharer.infoHash, peerID: sharer.peerID, port: sharer.port,
            uploaded: 0, downloaded: 0, left: left, event: .started)
        let path = passkey.map { "/announce/\($0)" } ?? "/announce"
        let answer = try await bytes(of: "\(path)?\(request.query())")
        do throws(AnnounceResponseError) {
            _ = try AnnounceResponse(decoding: answer.body)
        } catch {
            throw CommandFailure(description: "the tracker refuses the sharer: \(error)")
        }
    }
}
