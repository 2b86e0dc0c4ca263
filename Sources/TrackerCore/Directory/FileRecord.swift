import Wire

/// A file of a group's catalogue, without its piece hashes.
package struct FileRecord: Codable, Hashable, Sendable {
    /// A single path component.
    package var name: String
    package var infoHash: InfoHash
    /// Bytes.
    package var size: Int64
    /// Of the whole file.
    package var sha1: SHA1Digest
    /// Bytes.
    package var pieceLength: Int
    package var pieceCount: Int
    /// The member who added it, who may have left since.
    package var addedBy: String

    package init(
        name: String, infoHash: InfoHash, size: Int64, sha1: SHA1Digest, pieceLength: Int,
        pieceCount: Int, addedBy: String
    ) {
        self.name = name
        self.infoHash = infoHash
        self.size = size
        self.sha1 = sha1
        self.pieceLength = pieceLength
        self.pieceCount = pieceCount
        self.addedBy = addedBy
    }

    private enum CodingKeys: String, CodingKey {
        case name, size, sha1
        case infoHash = "info_hash"
        case pieceLength = "piece_length"
        case pieceCount = "piece_count"
        case addedBy = "added_by"
    }
}
