import TrackerCore
import Wire

// Open swarms that users have registered.
extension SQLStore {
    func registerHash(_ infoHash: InfoHash, _ user: String, at time: Int64) throws {
        let changed = try database.execute(
            """
            INSERT INTO registered_hashes (info_hash, user_id, since) VALUES (?, ?, ?)
            ON CONFLICT (info_hash, user_id) DO NOTHING
            """, infoHash.bytes, user, time)
        guard changed == 1 else { return }
        // With the new one; where they are too many, all of this is undone.
        try checkLimit(
            limits.registeredHashesPerUser + 1, of: "registered info-hashes of one user",
            "SELECT count(*) FROM registered_hashes WHERE user_id = ?", user)
        try append(.hashRegistered(infoHash: infoHash, user: user), at: time)
    }

    func withdrawHash(_ infoHash: InfoHash, _ user: String, at time: Int64) throws {
        let changed = try database.execute(
            "DELETE FROM registered_hashes WHERE info_hash = ? AND user_id = ?", infoHash.bytes,
            user)
        guard changed == 1 else {
            throw DirectoryRefusal.notRegistered(infoHash, user: user)
        }
        try append(.hashWithdrawn(infoHash: infoHash, user: user), at: time)
    }

    /// For the snapshot.
    func registeredHashes() throws -> [RecordedEvent] {
        try database.query(
            "SELECT since, info_hash, user_id FROM registered_hashes ORDER BY id"
        ) { row in
            guard let infoHash = InfoHash(row.blob(1)) else {
                throw StoreError.failed(
                    "an info-hash that user \(row.text(2)) registered is damaged")
            }
            return Self.past(row, .hashRegistered(infoHash: infoHash, user: row.text(2)))
        }
    }
}
