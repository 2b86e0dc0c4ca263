import Wire

/// An entry of a group's catalogue, a file or a directory, without its piece hashes.
package struct FileRecord: Codable, Hashable, Sendable {
    /// A single path component.
    package var name: String
    package var infoHash: InfoHash
    /// Bytes; of a directory all its files together, pads left out.
    package var size: Int64
    /// Of the whole file; nil of a directory.
    package var sha1: SHA1Digest?
    /// How many files a directory has; nil of a file.
    package var fileCount: Int?
    /// Bytes.
    package var pieceLength: Int
    package var pieceCount: Int
    /// The member who added it, who may have left since.
    package var addedBy: String

    package init(
        name: String, infoHash: InfoHash, size: Int64, sha1: SHA1Digest?, fileCount: Int? = nil,
        pieceLength: Int, pieceCount: Int, addedBy: String
    ) {
        self.name = name
        self.infoHash = infoHash
        self.size = size
        self.sha1 = sha1
        self.fileCount = fileCount
        self.pieceLength = pieceLength
        self.pieceCount = pieceCount
        self.addedBy = addedBy
    }

    private enum CodingKeys: String, CodingKey {
        case name, size, sha1
        case infoHash = "info_hash"
        case fileCount = "file_count"
        case pieceLength = "piece_length"
        case pieceCount = "piece_count"
        case addedBy = "added_by"
    }
}
