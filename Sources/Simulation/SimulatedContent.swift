import PeerCore
import Wire

/// How closely the network is simulated.
package enum SimulatedDetail: Sendable {
    /// Every byte goes over the streams, cut anywhere; pieces are hashed by SHA-1.
    case bytes
    /// Whole messages: of a block's bytes only the first eight come, which tell whose they are. The
    /// cores get and give the same bytes, but for those of blocks, which they never read.
    case messages
}

/// What the torrent of a simulation holds.
final class SimulatedContent {
    let info: Info
    let geometry: TorrentGeometry
    let detail: SimulatedDetail
    /// Empty where messages alone are carried.
    let bytes: [UInt8]

    init(
        length: Int, pieceLength: Int, detail: SimulatedDetail, random: inout SeededRandom
    ) throws(MetainfoError) {
        self.detail = detail
        bytes = detail == .bytes ? Self.randomBytes(length, &random) : []
        var pieces: [UInt8] = []
        for begin in stride(from: 0, to: length, by: pieceLength) {
            guard detail == .bytes else {
                pieces += Self.randomBytes(20, &random)
                continue
            }
            let piece = [UInt8](bytes[begin..<min(begin + pieceLength, length)])
            pieces += SHA1Hasher.hash(piece).bytes
        }
        info = try Info(
            name: "simulated", length: Int64(length), pieceLength: pieceLength, pieces: pieces,
            isPrivate: true, sha1: nil, source: nil)
        geometry = TorrentGeometry(info)
    }

    private static func randomBytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        var bytes = [UInt8](unsafeUninitializedCapacity: count + 7) { buffer, initializedCount in
            var offset = 0
            while offset < count {
                UnsafeMutableRawBufferPointer(buffer).storeBytes(
                    of: random.next(), toByteOffset: offset, as: UInt64.self)
                offset += 8
            }
            initializedCount = count
        }
        bytes.reserveCapacity(count)
        return bytes
    }

    /// What stands for the bytes of a block where they aren't carried.
    func stamp(piece: Int, block: Int) -> UInt64 {
        var random = SeededRandom(seed: UInt64(piece) << 20 | UInt64(block))
        return random.next()
    }
}
