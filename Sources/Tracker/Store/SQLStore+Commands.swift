import TrackerCore
import Wire

// Each command within its transaction. What is checked here is checked against the tables, not
// against the projection, which may be behind another tracker's commands.
extension SQLStore {
    package func perform(
        _ command: DirectoryCommand, at time: Int64
    ) throws(StoreError) -> DirectoryAnswer {
        try writing { _ in try self.performWithin(command, at: time) }
    }

    func performWithin(
        _ command: DirectoryCommand, at time: Int64
    ) throws -> DirectoryAnswer {
        switch command {
        case .createUser(let user, let password, let passkey):
            try createUser(user, password, passkey, at: time)
        case .resetPasskey(let passkey, let user):
            try resetPasskey(passkey, user, at: time)
        case .disableUser(let user):
            try disableUser(user, at: time)
        case .enableUser(let user):
            try change("UPDATE users SET disabled = 0 WHERE user_id = ?", of: user)
        case .setPassword(let password, let user):
            try change("UPDATE users SET password = ? WHERE user_id = ?", password, of: user)
            try endSessions(of: user, at: time)
        case .openSession(let session, let user, let port, let peerID):
            try openSession(session, user, port, peerID, at: time)
        case .endSession(let session):
            try endSession(session.bytes, at: time)
        case .createGroup(let group, let kind, let owner, let authority):
            try createGroup(group, kind, owner, authority, at: time)
        case .requestToJoin(let group, let user):
            try requestToJoin(group, user, at: time)
        case .acceptRequest(let group, let user, let owner):
            try acceptRequest(group, user, by: owner, at: time)
        case .rejectRequest(let group, let user, let caller):
            try rejectRequest(group, user, by: caller, at: time)
        case .removeMember(let group, let user, let caller):
            return try removeMember(group, user, by: caller, at: time)
        case .addFile(let group, let file, let info):
            return try addFile(group, file, info, at: time)
        case .share(let group, let name, let user):
            try share(group, name, user, at: time)
        case .stopSharing(let group, let name, let user):
            try stopSharing(group, name, user, at: time)
        case .registerHash(let infoHash, let user):
            try registerHash(infoHash, user, at: time)
        case .withdrawHash(let infoHash, let user):
            try withdrawHash(infoHash, user, at: time)
        }
        return .done
    }

    // MARK: Accounts

    private func createUser(
        _ user: String, _ password: String, _ passkey: Passkey, at time: Int64
    ) throws {
        try checkLimit(limits.users, of: "users", "SELECT count(*) FROM users")
        let changed = try database.execute(
            """
            INSERT INTO users (user_id, password, passkey, created_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (user_id) DO NOTHING
            """, user, password, passkey.hex, time)
        guard changed == 1 else { throw DirectoryRefusal.userExists(user) }
        try append(.userCreated(user: user, passkey: passkey), at: time)
    }

    private func resetPasskey(_ passkey: Passkey, _ user: String, at time: Int64) throws {
        let changed = try database.execute(
            "UPDATE users SET passkey = ? WHERE user_id = ?", passkey.hex, user)
        guard changed == 1 else { throw DirectoryRefusal.noSuchUser(user) }
        try append(.passkeyReset(user: user, passkey: passkey), at: time)
    }

    private func openSession(
        _ session: SessionID, _ user: String, _ port: UInt16, _ peerID: PeerID, at time: Int64
    ) throws {
        let isDisabled = try database.queryOne(
            "SELECT disabled FROM users WHERE user_id = ?", user
        ) { $0.int64(0) == 1 }
        guard isDisabled != true else { throw DirectoryRefusal.userDisabled(user) }
        let oldest = try database.query(
            "SELECT token_hash FROM sessions WHERE user_id = ? ORDER BY used_at, id", user
        ) { $0.blob(0) }
        for hash in oldest.dropLast(limits.sessionsPerUser - 1) {
            try endSession(hash, at: time)
        }
        let changed = try database.execute(
            """
            INSERT INTO sessions (token_hash, user_id, port, peer_id, opened_at, used_at)
            SELECT ?, user_id, ?, ?, ?, ? FROM users WHERE user_id = ?
            """, session.bytes, Int64(port), peerID.bytes, time, time, user)
        guard changed == 1 else { throw DirectoryRefusal.noSuchUser(user) }
        try append(.sessionOpened(session: session, user: user, port: port), at: time)
    }

    func endSession(_ hash: [UInt8], at time: Int64) throws {
        let changed = try database.execute("DELETE FROM sessions WHERE token_hash = ?", hash)
        guard changed == 1, let session = SessionID(hash) else {
            throw DirectoryRefusal.sessionExpired
        }
        try append(.sessionEnded(session: session), at: time)
    }

    // MARK: Groups

    private func createGroup(
        _ group: String, _ kind: GroupKind, _ owner: String, _ authority: GroupAuthority?,
        at time: Int64
    ) throws {
        try checkLimit(
            limits.groupsPerOwner, of: "groups of one owner",
            "SELECT count(*) FROM groups WHERE owner = ?", owner)
        let changed = try database.execute(
            """
            INSERT INTO groups (group_id, kind, owner, created_at, certificate, sealed_key)
            VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (group_id) DO NOTHING
            """, group, kind.rawValue, owner, time, authority?.certificate, authority?.sealedKey)
        guard changed == 1 else { throw DirectoryRefusal.groupExists(group) }
        try addMember(owner, to: group, at: time)
        try append(.groupCreated(group: group, kind: kind, owner: owner), at: time)
    }

    private func addMember(_ user: String, to group: String, at time: Int64) throws {
        try database.execute(
            "INSERT INTO members (group_id, user_id, joined_at) VALUES (?, ?, ?)", group, user,
            time)
    }

    private func requestToJoin(_ group: String, _ user: String, at time: Int64) throws {
        _ = try owner(of: group)
        guard try !isMember(user, of: group) else {
            throw DirectoryRefusal.alreadyMember(group: group, user: user)
        }
        try checkLimit(
            limits.requestsPerGroup, of: "pending requests of one group",
            "SELECT count(*) FROM requests WHERE group_id = ?", group)
        let changed = try database.execute(
            """
            INSERT INTO requests (group_id, user_id, requested_at) VALUES (?, ?, ?)
            ON CONFLICT (group_id, user_id) DO NOTHING
            """, group, user, time)
        guard changed == 1 else {
            throw DirectoryRefusal.alreadyRequested(group: group, user: user)
        }
        try append(.joinRequested(group: group, user: user), at: time)
    }

    private func acceptRequest(
        _ group: String, _ user: String, by caller: String, at time: Int64
    ) throws {
        try requireOwner(caller, of: group)
        try deleteRequest(of: user, in: group)
        try addMember(user, to: group, at: time)
        try append(.memberAccepted(group: group, user: user), at: time)
    }

    private func rejectRequest(
        _ group: String, _ user: String, by caller: String, at time: Int64
    ) throws {
        if caller == user {
            _ = try owner(of: group)
        } else {
            try requireOwner(caller, of: group)
        }
        try deleteRequest(of: user, in: group)
        try append(.requestRejected(group: group, user: user), at: time)
    }

    private func deleteRequest(of user: String, in group: String) throws {
        let changed = try database.execute(
            "DELETE FROM requests WHERE group_id = ? AND user_id = ?", group, user)
        guard changed == 1 else {
            throw DirectoryRefusal.noSuchRequest(group: group, user: user)
        }
    }

    private func removeMember(
        _ group: String, _ user: String, by caller: String, at time: Int64
    ) throws -> DirectoryAnswer {
        let owner = try owner(of: group)
        if caller != user { try requireOwner(caller, of: group) }
        guard try isMember(user, of: group) else {
            throw caller == user
                ? DirectoryRefusal.notMember(group: group)
                : DirectoryRefusal.noSuchMember(group: group, user: user)
        }
        try append(
            .memberLeft(group: group, user: user, removed: caller != user), at: time)
        let successor = try database.queryOne(
            "SELECT user_id FROM members WHERE group_id = ? AND user_id <> ? ORDER BY id LIMIT 1",
            group, user
        ) { $0.text(0) }
        guard let successor else {
            try database.execute("DELETE FROM groups WHERE group_id = ?", group)
            try append(.groupDeleted(group: group), at: time)
            return .memberRemoved(newOwner: nil, groupDeleted: true)
        }
        // The member's shares go with the row, by the schema.
        try database.execute(
            "DELETE FROM members WHERE group_id = ? AND user_id = ?", group, user)
        if owner == user {
            try database.execute(
                "UPDATE groups SET owner = ? WHERE group_id = ?", successor, group)
            try append(.ownerChanged(group: group, owner: successor), at: time)
        }
        try removeFilesWithoutShares(group, at: time)
        return .memberRemoved(newOwner: owner == user ? successor : nil, groupDeleted: false)
    }

    // MARK: Files

    private func addFile(
        _ group: String, _ file: FileRecord, _ info: [UInt8], at time: Int64
    ) throws -> DirectoryAnswer {
        try requireMember(file.addedBy, of: group)
        let known = try database.queryOne(
            "SELECT info_hash FROM files WHERE group_id = ? AND name = ?", group, file.name
        ) { $0.blob(0) }
        if let known {
            guard known == file.infoHash.bytes else {
                throw DirectoryRefusal.nameTaken(group: group, name: file.name)
            }
            try share(group, file.name, file.addedBy, at: time)
            return .fileAdded(created: false)
        }
        try checkLimit(
            limits.filesPerGroup, of: "files of one group",
            "SELECT count(*) FROM files WHERE group_id = ?", group)
        try database.execute(
            """
            INSERT INTO files (group_id, name, info_hash, size, sha1, file_count, piece_length,
                piece_count, added_by, added_at, info)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, group, file.name, file.infoHash.bytes, file.size, file.sha1?.bytes,
            file.fileCount, file.pieceLength, file.pieceCount, file.addedBy, time, info)
        try append(.fileAdded(group: group, file: file), at: time)
        try share(group, file.name, file.addedBy, at: time)
        return .fileAdded(created: true)
    }

    private func share(_ group: String, _ name: String, _ user: String, at time: Int64) throws {
        try requireMember(user, of: group)
        try requireFile(name, of: group)
        let changed = try database.execute(
            """
            INSERT INTO shares (group_id, name, user_id, since) VALUES (?, ?, ?, ?)
            ON CONFLICT (group_id, name, user_id) DO NOTHING
            """, group, name, user, time)
        guard changed == 1 else { return }
        try append(.shareAdded(group: group, name: name, user: user), at: time)
    }

    private func stopSharing(
        _ group: String, _ name: String, _ user: String, at time: Int64
    ) throws {
        try requireMember(user, of: group)
        try requireFile(name, of: group)
        let changed = try database.execute(
            "DELETE FROM shares WHERE group_id = ? AND name = ? AND user_id = ?", group, name,
            user)
        guard changed == 1 else { return }
        try append(.shareRemoved(group: group, name: name, user: user), at: time)
        try removeFilesWithoutShares(group, at: time)
    }

    /// A file stays in the catalogue as long as somebody, online or not, shares it.
    private func removeFilesWithoutShares(_ group: String, at time: Int64) throws {
        let names = try database.query(
            """
            SELECT name FROM files f WHERE group_id = ? AND NOT EXISTS (
                SELECT 1 FROM shares s WHERE s.group_id = f.group_id AND s.name = f.name)
            ORDER BY name
            """, group
        ) { $0.text(0) }
        for name in names {
            try database.execute(
                "DELETE FROM files WHERE group_id = ? AND name = ?", group, name)
            try append(.fileRemoved(group: group, name: name), at: time)
        }
    }

    // MARK: Checks

    private func owner(of group: String) throws -> String {
        let owner = try database.queryOne(
            "SELECT owner FROM groups WHERE group_id = ?", group
        ) { $0.text(0) }
        guard let owner else { throw DirectoryRefusal.noSuchGroup(group) }
        return owner
    }

    private func requireOwner(_ user: String, of group: String) throws {
        let owner = try owner(of: group)
        guard owner == user else { throw DirectoryRefusal.notOwner(group: group, owner: owner) }
    }

    private func isMember(_ user: String, of group: String) throws -> Bool {
        try database.queryOne(
            "SELECT 1 FROM members WHERE group_id = ? AND user_id = ?", group, user
        ) { _ in true } ?? false
    }

    private func requireMember(_ user: String, of group: String) throws {
        _ = try owner(of: group)
        guard try isMember(user, of: group) else {
            throw DirectoryRefusal.notMember(group: group)
        }
    }

    private func requireFile(_ name: String, of group: String) throws {
        let exists = try database.queryOne(
            "SELECT 1 FROM files WHERE group_id = ? AND name = ?", group, name
        ) { _ in true }
        guard exists == true else {
            throw DirectoryRefusal.noSuchFile(group: group, name: name)
        }
    }

    func checkLimit(
        _ limit: Int, of what: String, _ sql: String, _ value: String? = nil
    ) throws {
        let values = value.map { [SQLValue.text($0)] } ?? []
        let count = try database.run(sql, values).rows.first?.int(0) ?? 0
        guard count < limit else {
            throw DirectoryRefusal.limitReached(what: what, limit: limit)
        }
    }
}
