import TrackerCore
import Wire

// The state as the shortest list of events that makes it: starting up costs what there is, not
// what has happened.
extension SQLStore {
    package func snapshot() throws(StoreError) -> (events: [RecordedEvent], through: Int64) {
        do {
            return try database.transaction(.reading) {
                let through =
                    try database.queryOne(
                        "SELECT coalesce(max(seq), 0) FROM events"
                    ) { $0.int64(0) } ?? 0
                var events = try users()
                events += try groups()
                events += try files()
                events += try registeredHashes()
                return (events, through)
            }
        } catch {
            throw StoreError(error)
        }
    }

    private func users() throws -> [RecordedEvent] {
        var events = try database.query(
            "SELECT created_at, user_id, passkey FROM users ORDER BY id"
        ) { row in
            guard let passkey = Passkey(hex: row.text(2)) else {
                throw StoreError.failed("the passkey of user \(row.text(1)) is damaged")
            }
            return Self.past(row, .userCreated(user: row.text(1), passkey: passkey))
        }
        events += try database.query(
            "SELECT opened_at, token_hash, user_id, port FROM sessions ORDER BY id"
        ) { row in
            guard let session = SessionID(row.blob(1)), let port = UInt16(exactly: row.int(3))
            else { throw StoreError.failed("a session of user \(row.text(2)) is damaged") }
            return Self.past(
                row, .sessionOpened(session: session, user: row.text(2), port: port))
        }
        return events
    }

    private func groups() throws -> [RecordedEvent] {
        // A group is created with its longest-standing member as owner; the true owner follows.
        var events = try database.query(
            """
            SELECT g.created_at, g.group_id, g.kind, m.user_id
            FROM groups g
            JOIN (SELECT group_id, min(id) AS member FROM members GROUP BY group_id) f
                ON f.group_id = g.group_id
            JOIN members m ON m.id = f.member
            ORDER BY g.id
            """
        ) { row in
            guard let kind = GroupKind(rawValue: row.text(2)) else {
                throw StoreError.failed("group \(row.text(1)) is of unknown kind '\(row.text(2))'")
            }
            return Self.past(
                row, .groupCreated(group: row.text(1), kind: kind, owner: row.text(3)))
        }
        events += try database.query(
            "SELECT joined_at, group_id, user_id FROM members ORDER BY id"
        ) { Self.past($0, .memberAccepted(group: $0.text(1), user: $0.text(2))) }
        events += try database.query("SELECT created_at, group_id, owner FROM groups ORDER BY id") {
            Self.past($0, .ownerChanged(group: $0.text(1), owner: $0.text(2)))
        }
        events += try database.query(
            "SELECT requested_at, group_id, user_id FROM requests ORDER BY id"
        ) { Self.past($0, .joinRequested(group: $0.text(1), user: $0.text(2))) }
        return events
    }

    private func files() throws -> [RecordedEvent] {
        var events = try database.query(
            """
            SELECT added_at, group_id, name, info_hash, size, sha1, piece_length, piece_count,
                added_by, file_count
            FROM files ORDER BY id
            """
        ) { row in
            guard let infoHash = InfoHash(row.blob(3)) else {
                throw StoreError.failed("file \(row.text(2)) of group \(row.text(1)) is damaged")
            }
            let record = FileRecord(
                name: row.text(2), infoHash: infoHash, size: row.int64(4),
                sha1: row.optionalBlob(5).flatMap { SHA1Digest($0) },
                fileCount: row.optionalInt64(9).map { Int($0) }, pieceLength: row.int(6),
                pieceCount: row.int(7), addedBy: row.text(8))
            return Self.past(row, .fileAdded(group: row.text(1), file: record))
        }
        events += try database.query(
            "SELECT since, group_id, name, user_id FROM shares ORDER BY id"
        ) {
            Self.past(
                $0, .shareAdded(group: $0.text(1), name: $0.text(2), user: $0.text(3)))
        }
        return events
    }

    /// An event of the snapshot: the time is the row's first column, and it has no place in the
    /// log.
    static func past(_ row: SQLRow, _ event: DirectoryEvent) -> RecordedEvent {
        RecordedEvent(sequence: 0, time: row.int64(0), event: event)
    }
}
