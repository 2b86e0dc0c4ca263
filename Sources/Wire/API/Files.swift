/// One entry of a group's catalogue: a file or a directory.
package struct FileSummary: Codable, Hashable, Sendable {
    /// The name of the file or directory, a single path component.
    package var name: String
    /// In bytes; of a directory all its files together, pads left out.
    package var size: Int64
    package var infoHash: InfoHash
    /// SHA-1 of the whole file; nil of a directory, whose files have theirs in its info.
    package var sha1: SHA1Digest?
    /// How many files a directory has; nil of a file.
    package var fileCount: Int?
    /// How many sharers are online.
    package var sharersOnline: Int
    /// How many users share it, online or not.
    package var sharers: Int

    package init(
        name: String, size: Int64, infoHash: InfoHash, sha1: SHA1Digest?, fileCount: Int? = nil,
        sharersOnline: Int, sharers: Int
    ) {
        self.name = name
        self.size = size
        self.infoHash = infoHash
        self.sha1 = sha1
        self.fileCount = fileCount
        self.sharersOnline = sharersOnline
        self.sharers = sharers
    }

    private enum CodingKeys: String, CodingKey {
        case name
        case size
        case infoHash = "info_hash"
        case sha1
        case fileCount = "file_count"
        case sharersOnline = "sharers_online"
        case sharers
    }
}

/// A group's catalogue: `GET /api/v1/groups/{g}/files`.
package struct FileList: Codable, Hashable, Sendable {
    package var files: [FileSummary]

    package init(files: [FileSummary]) {
        self.files = files
    }

    private enum CodingKeys: String, CodingKey {
        case files
    }
}

/// `POST /api/v1/groups/{g}/files`.
package struct AddFileRequest: Codable, Hashable, Sendable {
    /// The most bytes of an info dictionary that fit a body the tracker takes.
    package static let maxInfoLength = 16 << 20

    /// The bencoded info dictionary.
    package var info: Base64Bytes

    package init(info: Base64Bytes) {
        self.info = info
    }

    private enum CodingKeys: String, CodingKey {
        case info
    }
}

/// The answer to sharing a file.
package struct AddFileResponse: Codable, Hashable, Sendable {
    package var infoHash: InfoHash
    /// False if the same file was there and the caller became another sharer.
    package var created: Bool

    package init(infoHash: InfoHash, created: Bool) {
        self.infoHash = infoHash
        self.created = created
    }

    private enum CodingKeys: String, CodingKey {
        case infoHash = "info_hash"
        case created
    }
}

/// A file with what `GET /api/v1/groups/{g}/files/{name}` adds to its summary.
package struct FileDescription: Codable, Hashable, Sendable {
    /// The name of the file or directory, a single path component.
    package var name: String
    /// In bytes; of a directory all its files together, pads left out.
    package var size: Int64
    package var infoHash: InfoHash
    /// SHA-1 of the whole file; nil of a directory, whose files have theirs in its info.
    package var sha1: SHA1Digest?
    /// How many files a directory has; nil of a file.
    package var fileCount: Int?
    /// How many sharers are online.
    package var sharersOnline: Int
    /// How many users share it, online or not.
    package var sharers: Int
    /// In bytes.
    package var pieceLength: Int
    package var pieceCount: Int
    /// The user id of who shared it first.
    package var addedBy: String
    /// Seconds since 1970-01-01 UTC.
    package var addedAt: Int64

    package init(
        name: String, size: Int64, infoHash: InfoHash, sha1: SHA1Digest?, fileCount: Int? = nil,
        sharersOnline: Int, sharers: Int, pieceLength: Int, pieceCount: Int, addedBy: String,
        addedAt: Int64
    ) {
        self.name = name
        self.size = size
        self.infoHash = infoHash
        self.sha1 = sha1
        self.fileCount = fileCount
        self.sharersOnline = sharersOnline
        self.sharers = sharers
        self.pieceLength = pieceLength
        self.pieceCount = pieceCount
        self.addedBy = addedBy
        self.addedAt = addedAt
    }

    private enum CodingKeys: String, CodingKey {
        case name
        case size
        case infoHash = "info_hash"
        case sha1
        case fileCount = "file_count"
        case sharersOnline = "sharers_online"
        case sharers
        case pieceLength = "piece_length"
        case pieceCount = "piece_count"
        case addedBy = "added_by"
        case addedAt = "added_at"
    }
}

/// One sharer of a file.
package struct SharerInfo: Codable, Hashable, Sendable {
    package var userID: String
    package var online: Bool
    /// How many pieces this sharer holds, as far as it has reported.
    package var pieces: Int

    package init(userID: String, online: Bool, pieces: Int) {
        self.userID = userID
        self.online = online
        self.pieces = pieces
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case online
        case pieces
    }
}

/// All about one file: `GET /api/v1/groups/{g}/files/{name}`.
package struct FileDetails: Codable, Hashable, Sendable {
    package var file: FileDescription
    /// The bencoded info dictionary.
    package var info: Base64Bytes
    package var sharers: [SharerInfo]

    package init(file: FileDescription, info: Base64Bytes, sharers: [SharerInfo]) {
        self.file = file
        self.info = info
        self.sharers = sharers
    }

    private enum CodingKeys: String, CodingKey {
        case file
        case info
        case sharers
    }
}

/// Which pieces of one torrent the session holds.
package struct Holding: Codable, Hashable, Sendable {
    package var infoHash: InfoHash
    /// As in a `bitfield` message: the high bit of the first byte is piece 0.
    package var bitfield: Base64Bytes

    package init(infoHash: InfoHash, bitfield: Base64Bytes) {
        self.infoHash = infoHash
        self.bitfield = bitfield
    }

    private enum CodingKeys: String, CodingKey {
        case infoHash = "info_hash"
        case bitfield
    }
}

/// `PUT /api/v1/holdings`: torrents that aren't named stay as they were.
package struct HoldingsReport: Codable, Hashable, Sendable {
    package var holdings: [Holding]

    package init(holdings: [Holding]) {
        self.holdings = holdings
    }

    private enum CodingKeys: String, CodingKey {
        case holdings
    }
}
