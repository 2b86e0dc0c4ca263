import TrackerCore
import Wire

// What operators ask.
extension SQLStore {
    func disableUser(_ user: String, at time: Int64) throws {
        try change("UPDATE users SET disabled = 1 WHERE user_id = ?", of: user)
        try endSessions(of: user, at: time)
        // Nobody knows the new one.
        var generator = SystemRandomness()
        _ = try performWithin(
            .resetPasskey(Passkey(random: &generator), user: user), at: time)
    }

    func endSessions(of user: String, at time: Int64) throws {
        let sessions = try database.query(
            "SELECT token_hash FROM sessions WHERE user_id = ? ORDER BY id", user
        ) { $0.blob(0) }
        for session in sessions { try endSession(session, at: time) }
    }

    func change(_ sql: String, _ values: (any SQLBindable)..., of user: String) throws {
        let all = values.map(\.sqlValue) + [.text(user)]
        guard try database.run(sql, all).changedRowCount == 1 else {
            throw DirectoryRefusal.noSuchUser(user)
        }
    }

    package func events(ofGroup group: String) throws(StoreError) -> [RecordedEvent] {
        try reading { database in
            try database.query(
                "SELECT seq, at, body FROM events WHERE group_id = ? ORDER BY seq", group,
                row: Self.event)
        }
    }
}
