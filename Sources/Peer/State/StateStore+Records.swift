import PeerCore
import SQLite
import Wire

extension StateStore {
    // MARK: Shares

    private static let shareColumns = """
        user, group_id, info_hash, name, path, mtorrent_path, info, is_active
        """

    /// Stores a share; one of the same user and info-hash is replaced.
    package func save(_ share: Share) throws(CommandError) {
        try withDatabase { database in
            try database.transaction { try Self.write(share, to: database) }
        }
    }

    /// Within a transaction.
    private static func write(_ share: Share, to database: Database) throws(SQLiteError) {
        try database.execute(
            """
            INSERT INTO shares(\(shareColumns)) VALUES(?,?,?,?,?,?,?,?)
            ON CONFLICT(user, info_hash) DO UPDATE SET group_id = excluded.group_id,
                name = excluded.name, path = excluded.path,
                mtorrent_path = excluded.mtorrent_path, info = excluded.info,
                is_active = excluded.is_active
            """,
            share.user, share.group, share.infoHash.bytes, share.name, share.path,
            share.mtorrentPath, share.info, share.isActive)
        let key = "(SELECT id FROM shares WHERE user = ? AND info_hash = ?)"
        try database.execute(
            "DELETE FROM share_files WHERE share = \(key)", share.user, share.infoHash.bytes)
        for (file, identity) in share.identities {
            try database.execute(
                "INSERT INTO share_files VALUES(\(key),?,?,?,?,?)", share.user,
                share.infoHash.bytes, file, Int64(bitPattern: identity.device),
                Int64(bitPattern: identity.inode), identity.size, identity.modifiedNanoseconds)
        }
    }

    /// What this user shares or shared, oldest first.
    package func shares(user: String) throws(CommandError) -> [Share] {
        try withDatabase { database in
            try database.transaction(.deferred) {
                let identities = try Self.identities(user: user, in: database)
                return try database.query(
                    "SELECT \(Self.shareColumns), id FROM shares WHERE user = ? ORDER BY id", user
                ) { (row) throws(SQLiteError) in
                    try Self.share(row, identities[row.int64(8)] ?? [:])
                }
            }
        }
    }

    /// Of the files of a user's shares, by the row of the share.
    private static func identities(
        user: String, in database: Database
    ) throws(SQLiteError) -> [Int64: [Int: FileIdentity]] {
        let rows = try database.query(
            """
            SELECT share, file, device, inode, size, modified_ns FROM share_files
            WHERE share IN (SELECT id FROM shares WHERE user = ?)
            """, user
        ) { row in
            let identity = FileIdentity(
                device: UInt64(bitPattern: row.int64(2)),
                inode: UInt64(bitPattern: row.int64(3)), size: row.int64(4),
                modifiedNanoseconds: row.int64(5))
            return (share: row.int64(0), file: row.int(1), identity)
        }
        var identities: [Int64: [Int: FileIdentity]] = [:]
        for (share, file, identity) in rows { identities[share, default: [:]][file] = identity }
        return identities
    }

    /// Marks a share as wanted or stopped; one that isn't stored is left so.
    package func setShareActive(
        _ isActive: Bool, user: String, infoHash: InfoHash
    ) throws(CommandError) {
        try withDatabase { database in
            try database.execute(
                "UPDATE shares SET is_active = ? WHERE user = ? AND info_hash = ?", isActive,
                user, infoHash.bytes)
        }
    }

    package func removeShare(user: String, infoHash: InfoHash) throws(CommandError) {
        try withDatabase { database in
            try database.execute(
                "DELETE FROM shares WHERE user = ? AND info_hash = ?", user, infoHash.bytes)
        }
    }

    private static func share(
        _ row: Row, _ identities: [Int: FileIdentity]
    ) throws(SQLiteError) -> Share {
        Share(
            user: row.text(0), group: row.text(1), infoHash: try infoHash(row, 2),
            name: row.text(3), path: row.text(4), mtorrentPath: row.optionalText(5),
            info: row.blob(6), identities: identities, isActive: row.bool(7))
    }

    // MARK: Downloads

    private static let downloadColumns = """
        user, group_id, info_hash, name, destination, mtorrent_path, info, state, reason,
        started_at_ms, file_count, wanted_files, is_sequential
        """

    /// Stores a download at the end of the queue; one of the same user and info-hash is replaced.
    package func save(_ download: Download) throws(CommandError) {
        let (state, reason) = Self.columns(of: download.state)
        try withDatabase { database in
            try database.execute(
                """
                INSERT INTO downloads(\(Self.downloadColumns), place)
                VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?, \(Self.lastPlace))
                ON CONFLICT(user, info_hash) DO UPDATE SET group_id = excluded.group_id,
                    name = excluded.name, destination = excluded.destination,
                    mtorrent_path = excluded.mtorrent_path, info = excluded.info,
                    state = excluded.state, reason = excluded.reason,
                    started_at_ms = excluded.started_at_ms, place = excluded.place,
                    file_count = excluded.file_count, wanted_files = excluded.wanted_files,
                    is_sequential = excluded.is_sequential
                """,
                download.user, download.group, download.infoHash.bytes, download.name,
                download.destination, download.mtorrentPath, download.info, state, reason,
                download.startedAtMilliseconds, download.wantedFiles?.bitCount,
                download.wantedFiles?.wireBytes, download.isSequential)
        }
    }

    /// Behind all others.
    private static let lastPlace = "(SELECT COALESCE(MAX(place), 0) + 1 FROM downloads)"

    /// Changes the state of a download; one that isn't stored is left so.
    /// - Parameter isRequeued: whether it goes to the end of the queue.
    package func setState(
        _ state: Download.State, isRequeued: Bool = false, user: String, infoHash: InfoHash
    ) throws(CommandError) {
        let (state, reason) = Self.columns(of: state)
        try withDatabase { database in
            try database.execute(
                """
                UPDATE downloads SET state = ?, reason = ?,
                    place = CASE WHEN ? THEN \(Self.lastPlace) ELSE place END
                WHERE user = ? AND info_hash = ?
                """,
                state, reason, isRequeued, user, infoHash.bytes)
        }
    }

    /// This user's downloads, in the order of the queue.
    package func downloads(user: String) throws(CommandError) -> [Download] {
        try withDatabase { database in
            try database.query(
                "SELECT \(Self.downloadColumns) FROM downloads WHERE user = ? ORDER BY place",
                user, row: Self.download)
        }
    }

    package func removeDownload(user: String, infoHash: InfoHash) throws(CommandError) {
        try withDatabase { database in
            try database.execute(
                "DELETE FROM downloads WHERE user = ? AND info_hash = ?", user, infoHash.bytes)
        }
    }

    /// Turns a finished download into a share: the share is stored and the download marked
    /// complete, both or nothing. The share's user and info-hash say which download. What was
    /// recorded of its pieces goes.
    package func completeDownload(as share: Share) throws(CommandError) {
        let (state, reason) = Self.columns(of: .complete)
        try withDatabase { database in
            try database.transaction {
                try Self.write(share, to: database)
                try database.execute(
                    "UPDATE downloads SET state = ?, reason = ? WHERE user = ? AND info_hash = ?",
                    state, reason, share.user, share.infoHash.bytes)
            }
        }
        resumes.remove(share.infoHash)
    }

    private static func columns(of state: Download.State) -> (Int, String) {
        switch state {
        case .downloading: (0, "")
        case .complete: (1, "")
        case .failed(let reason): (2, reason)
        case .paused: (3, "")
        }
    }

    private static func download(_ row: Row) throws(SQLiteError) -> Download {
        let state: Download.State
        switch row.int(7) {
        case 0: state = .downloading
        case 1: state = .complete
        case 2: state = .failed(reason: row.text(8))
        case 3: state = .paused
        case let other: throw .malformed("a download has the unknown state \(other)")
        }
        var wanted: Bitfield?
        if let bytes = row.optionalBlob(11) {
            wanted = Bitfield(wireBytes: bytes, bitCount: row.int(10))
            guard wanted != nil else { throw .malformed("a download's selection is damaged") }
        }
        return Download(
            user: row.text(0), group: row.text(1), infoHash: try infoHash(row, 2),
            name: row.text(3), destination: row.text(4), mtorrentPath: row.optionalText(5),
            info: row.blob(6), wantedFiles: wanted, isSequential: row.bool(12), state: state,
            startedAtMilliseconds: row.int64(9))
    }

    private static func infoHash(_ row: Row, _ column: Int) throws(SQLiteError) -> InfoHash {
        guard let infoHash = InfoHash(row.blob(column)) else {
            throw .malformed("an info-hash has not 20 bytes")
        }
        return infoHash
    }
}
