import PostgreSQL
import SQLite
import TrackerCore
import Wire

/// The directory in an SQL database: what was answered survives `kill -9` and power loss, as far as
/// the database keeps what it has committed.
package final class SQLStore: DirectoryStore {
    package let networkID: String
    package let secret: [UInt8]
    let database: any SQLDatabase
    let limits: DirectoryLimits

    /// Sessions that nobody used for so long end.
    static let sessionLifetime: Int64 = 30 * 86_400
    /// Session events older than that are of no use to anybody who tails the log.
    static let sessionEventLifetime: Int64 = 7 * 86_400

    /// - Parameter database: with the present schema.
    package init(
        _ database: any SQLDatabase, limits: DirectoryLimits = DirectoryLimits()
    ) throws(StoreError) {
        self.database = database
        self.limits = limits
        do {
            networkID = try database.queryOne("SELECT id FROM network") { $0.text(0) } ?? ""
            secret = try Self.secret(database)
        } catch {
            throw StoreError(error)
        }
    }

    /// That of the network; a network that has none gets one.
    private static func secret(_ database: any SQLDatabase) throws -> [UInt8] {
        func known() throws -> [UInt8]? {
            try database.queryOne("SELECT secret FROM network") { $0.optionalBlob(0) } ?? nil
        }
        if let secret = try known() { return secret }
        try database.transaction(.appending(.directory)) {
            _ = try database.execute(
                "UPDATE network SET secret = ? WHERE secret IS NULL", Randomness.bytes(16))
        }
        return try known() ?? []
    }

    package var connectionNumber: Int { database.connectionNumber }

    package func events(
        after sequence: Int64, limit: Int
    ) throws(StoreError) -> [RecordedEvent] {
        try reading { database in
            try database.query(
                "SELECT seq, at, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
                sequence, limit, row: Self.event)
        }
    }

    /// Of a row of number, time and body.
    static func event(_ row: SQLRow) throws -> RecordedEvent {
        do {
            let event = try WireJSON.decode(DirectoryEvent.self, from: row.text(2).utf8)
            return RecordedEvent(sequence: row.int64(0), time: row.int64(1), event: event)
        } catch {
            throw StoreError.failed("event \(row.int64(0)) can't be read: \(error)")
        }
    }

    package func password(of user: String) throws(StoreError) -> String? {
        try reading { database in
            try database.queryOne("SELECT password FROM users WHERE user_id = ?", user) {
                $0.text(0)
            }
        }
    }

    package func info(of name: String, in group: String) throws(StoreError) -> [UInt8]? {
        try reading { database in
            try database.queryOne(
                "SELECT info FROM files WHERE group_id = ? AND name = ?", group, name
            ) { $0.blob(0) }
        }
    }

    package func authority(ofGroup group: String) throws(StoreError) -> GroupAuthority? {
        try reading { database in
            try database.queryOne(
                """
                SELECT certificate, sealed_key FROM groups
                WHERE group_id = ? AND sealed_key IS NOT NULL
                """, group
            ) { GroupAuthority(certificate: $0.blob(0), sealedKey: $0.blob(1)) }
        }
    }

    package func leavers(ofGroup group: String, since time: Int64) throws(StoreError) -> [String] {
        try reading { database in
            let events = try database.query(
                """
                SELECT seq, at, body FROM events
                WHERE group_id = ? AND kind = 'member_left' AND at >= ? ORDER BY seq
                """, group, time, row: Self.event)
            let members = try database.query(
                "SELECT user_id FROM members WHERE group_id = ?", group
            ) { $0.text(0) }
            var leavers = Set<String>()
            for case .memberLeft(_, let user, _) in events.map(\.event) { leavers.insert(user) }
            return leavers.subtracting(members).sorted()
        }
    }

    package func downloads() throws(StoreError) -> [InfoHash: UInt32] {
        let rows = try reading { database in
            try database.query(
                "SELECT info_hash, downloads FROM files WHERE downloads > 0"
            ) { row in
                guard let infoHash = InfoHash(row.blob(0)) else {
                    throw StoreError.failed("an info-hash of a file is damaged")
                }
                return (infoHash, UInt32(clamping: row.int64(1)))
            }
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    package func record(downloads: [InfoHash: UInt32]) throws(StoreError) {
        try writing { database in
            for (infoHash, count) in downloads {
                // Another tracker may have written a larger one.
                try database.execute(
                    "UPDATE files SET downloads = ? WHERE info_hash = ? AND downloads < ?",
                    Int64(count), infoHash.bytes, Int64(count))
            }
        }
    }

    package func tryWriting() throws(StoreError) { try writing { _ in } }

    package func maintain(online: [SessionID], at time: Int64) throws(StoreError) {
        try writing { database in
            for session in online {
                try database.execute(
                    "UPDATE sessions SET used_at = ? WHERE token_hash = ?", time, session.bytes)
            }
            let unused = try database.query(
                "SELECT token_hash FROM sessions WHERE used_at < ? ORDER BY id",
                time - Self.sessionLifetime
            ) { $0.blob(0) }
            for hash in unused { try self.endSession(hash, at: time) }
            // By the last one a tracker sees that the log is still the one it has read.
            try database.execute(
                """
                DELETE FROM events WHERE at < ? AND kind IN ('session_opened', 'session_ended')
                    AND seq < (SELECT max(seq) FROM events)
                """, time - Self.sessionEventLifetime)
        }
    }

    // MARK: Transactions

    func reading<T>(_ body: (any SQLDatabase) throws -> T) throws(StoreError) -> T {
        do {
            return try body(database)
        } catch {
            throw StoreError(error)
        }
    }

    func writing<T>(_ body: (any SQLDatabase) throws -> T) throws(StoreError) -> T {
        do {
            return try database.transaction(.appending(.directory)) { try body(database) }
        } catch {
            throw StoreError(error)
        }
    }

    /// Adds the event to the log, within the transaction of what it tells.
    func append(_ event: DirectoryEvent, at time: Int64) throws {
        try database.execute(
            "INSERT INTO events (at, kind, group_id, body) VALUES (?, ?, ?, ?)", time, event.kind,
            event.group, String(decoding: WireJSON.encode(event), as: UTF8.self))
    }
}

extension StoreError {
    init(_ error: any Error) {
        switch error {
        case let error as StoreError: self = error
        case let refusal as DirectoryRefusal: self = .refused(refusal)
        case let error as SQLiteError where error.isBusy: self = .busy
        case let error as SQLiteError where error.isFull: self = .full
        case let error as PostgreSQLError where error.isBusy: self = .busy
        case let error as PostgreSQLError where error.isFull: self = .full
        case let error as PostgreSQLError where error.isUnavailable:
            self = .unavailable(reason: error.description)
        default: self = .failed("\(error)")
        }
    }
}
