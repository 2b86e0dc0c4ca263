import TrackerCore

/// Carries a directory from one database to another, whichever they are, as it was at one moment.
/// Trackers may go on using the one that is read.
enum StoreCopy {
    private struct Table {
        let name: String
        /// The first one numbers the rows.
        let columns: [String]
    }

    /// In an order in which each row's references are there, or are looked at in the end.
    private static let tables = [
        Table(
            name: "users",
            columns: ["id", "user_id", "password", "passkey", "created_at", "disabled"]),
        Table(
            name: "sessions",
            columns: [
                "id", "token_hash", "user_id", "port", "peer_id", "opened_at", "used_at",
            ]),
        Table(
            name: "groups",
            columns: [
                "id", "group_id", "kind", "owner", "created_at", "certificate", "sealed_key",
            ]),
        Table(name: "members", columns: ["id", "group_id", "user_id", "joined_at"]),
        Table(name: "requests", columns: ["id", "group_id", "user_id", "requested_at"]),
        Table(
            name: "files",
            columns: [
                "id", "group_id", "name", "info_hash", "size", "piece_length", "piece_count",
                "added_by", "added_at", "info", "sha1", "file_count", "downloads",
            ]),
        Table(name: "shares", columns: ["id", "group_id", "name", "user_id", "since"]),
        Table(name: "registered_hashes", columns: ["id", "info_hash", "user_id", "since"]),
        Table(name: "events", columns: ["seq", "at", "kind", "group_id", "body"]),
    ]

    private static let rowsAtOnce = 500

    /// Whether nobody has an account there.
    static func isEmpty(_ database: any SQLDatabase) throws -> Bool {
        try database.queryOne("SELECT 1 FROM users") { _ in true } == nil
    }

    /// Replaces all that is in `target`.
    static func copy(from source: any SQLDatabase, to target: any SQLDatabase) throws {
        try source.transaction(.reading) {
            try target.transaction(.appending(.directory)) {
                for table in tables.reversed() { try target.execute("DELETE FROM \(table.name)") }
                try copyNetwork(from: source, to: target)
                for table in tables { try copy(table, from: source, to: target) }
                try target.continueNumbers(of: tables.map { ($0.name, $0.columns[0]) })
            }
        }
    }

    private static func copyNetwork(
        from source: any SQLDatabase, to target: any SQLDatabase
    ) throws {
        let rows = try source.run("SELECT id, secret FROM network", []).rows
        guard let network = rows.first else { throw StoreError.failed("there is no network in it") }
        try target.execute("DELETE FROM network")
        _ = try target.run("INSERT INTO network (id, secret) VALUES (?, ?)", network.values)
    }

    private static func copy(
        _ table: Table, from source: any SQLDatabase, to target: any SQLDatabase
    ) throws {
        let columns = table.columns.joined(separator: ", ")
        let (key, places) = (table.columns[0], table.columns.map { _ in "?" })
        var last: Int64 = -1
        while true {
            let rows = try source.run(
                """
                SELECT \(columns) FROM \(table.name) WHERE \(key) > ? ORDER BY \(key)
                LIMIT \(rowsAtOnce)
                """, [.integer(last)]
            ).rows
            for row in rows {
                _ = try target.run(
                    """
                    INSERT INTO \(table.name) (\(columns))
                    VALUES (\(places.joined(separator: ", ")))
                    """, row.values)
            }
            guard rows.count == rowsAtOnce, let end = rows.last else { return }
            last = end.int64(0)
        }
    }
}
