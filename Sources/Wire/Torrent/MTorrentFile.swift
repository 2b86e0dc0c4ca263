/// The content of a `.mtorrent` file, which describes a file shared without a group.
///
/// Its lines are: tracker 1 `ip:port`, tracker 2 `ip:port` or nothing, absolute path, size, one
/// SHA-1 in hex for each piece, SHA-1 over these hex digits; then `key value` lines, of which
/// `piece_length` and `info_hash` are known. Without `piece_length` pieces are of 1,500 bytes.
package struct MTorrentFile: Hashable, Sendable {
    /// One or two trackers as `ip:port`.
    package let trackers: [String]
    /// Where the file was when it was shared: an absolute path.
    package let path: String
    /// What the lines amount to: the last path component as name, not private, no source. Both
    /// sides derive it alike, and so have the same info-hash.
    package let info: Info
    /// Whether the text named the info-hash; it is then the info's.
    package let hasInfoHash: Bool

    /// The piece length of files that don't name one.
    package static let defaultPieceLength = 1_500

    /// A description of the file at `path`, whose pieces have the given digests.
    package init(
        trackers: [String], path: String, size: Int64, pieceLength: Int, pieceHashes: [SHA1Digest]
    ) throws(MTorrentError) {
        guard (1...2).contains(trackers.count), trackers.allSatisfy({ Endpoint($0) != nil }) else {
            throw .invalidTrackers
        }
        guard let name = Self.name(inPath: path) else { throw .invalidPath(path) }
        self.trackers = trackers
        self.path = path
        self.info = try Self.info(name, size, pieceLength, pieceHashes.flatMap(\.bytes))
        hasInfoHash = true
    }

    init(
        trackers: [String], path: String, info: Info, hasInfoHash: Bool
    ) {
        self.trackers = trackers
        self.path = path
        self.info = info
        self.hasInfoHash = hasInfoHash
    }

    /// The file's size in bytes.
    package var size: Int64 { info.length }

    /// The size in bytes of every piece but the last.
    package var pieceLength: Int { info.pieceLength }

    /// The info-hash, if the text named it.
    package var infoHash: InfoHash? { hasInfoHash ? info.infoHash : nil }

    /// The digests of the pieces.
    package var pieceHashes: [SHA1Digest] { (0..<info.pieceCount).map(info.pieceHash) }

    /// The file's content, always with the lines `piece_length` and `info_hash`.
    package var text: String {
        var lines = [trackers[0], trackers.count > 1 ? trackers[1] : "", path, String(size)]
        lines.reserveCapacity(info.pieceCount + 7)
        var combined = SHA1Hasher()
        for index in 0..<info.pieceCount {
            let hex = info.pieceHash(index).hex
            combined.update([UInt8](hex.utf8))
            lines.append(hex)
        }
        lines.append(combined.finalize().hex)
        lines.append("piece_length \(pieceLength)")
        lines.append("info_hash \(info.infoHash.hex)")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The last component of an absolute path that fits a line; nil for anything else.
    static func name(inPath path: String) -> String? {
        let breaksLines = path.utf8.contains { $0 == 0 || $0 == 0x0a || $0 == 0x0d }
        guard !breaksLines, path.utf8.first == UInt8(ascii: "/"),
            let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        else { return nil }
        let name = String(path[path.utf8.index(after: slash)...])
        return FileName.isValid(name) ? name : nil
    }

    static func info(
        _ name: String, _ size: Int64, _ pieceLength: Int, _ pieces: [UInt8]
    ) throws(MTorrentError) -> Info {
        do {
            return try Info(
                name: name, length: size, pieceLength: pieceLength, pieces: pieces,
                isPrivate: false, sha1: nil, source: nil)
        } catch {
            throw .metainfo(error)
        }
    }
}
