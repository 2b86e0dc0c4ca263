import Wire

/// One change of the directory. The log of these is what every tracker's ``Directory`` is made
/// of; the names are stored, so that renaming one is a change of the store's format.
package enum DirectoryEvent: Codable, Hashable, Sendable {
    case userCreated(user: String, passkey: Passkey)
    case passkeyReset(user: String, passkey: Passkey)
    /// `port` is where the session's peer listens.
    case sessionOpened(session: SessionID, user: String, port: UInt16)
    case sessionEnded(session: SessionID)
    /// The owner is its first member.
    case groupCreated(group: String, kind: GroupKind, owner: String)
    /// With its requests, members and catalogue.
    case groupDeleted(group: String)
    case joinRequested(group: String, user: String)
    /// Rejected by the owner, or withdrawn by the one who asked.
    case requestRejected(group: String, user: String)
    case memberAccepted(group: String, user: String)
    /// Takes the member's shares along. `removed`: by the owner, not by their own wish.
    case memberLeft(group: String, user: String, removed: Bool)
    case ownerChanged(group: String, owner: String)
    case fileAdded(group: String, file: FileRecord)
    /// With its shares.
    case fileRemoved(group: String, name: String)
    case shareAdded(group: String, name: String, user: String)
    case shareRemoved(group: String, name: String, user: String)
    /// The user wants the info-hash's swarm open to anybody.
    case hashRegistered(infoHash: InfoHash, user: String)
    case hashWithdrawn(infoHash: InfoHash, user: String)

    /// Short name for the log's `kind` column.
    package var kind: String {
        switch self {
        case .userCreated: "user_created"
        case .passkeyReset: "passkey_reset"
        case .sessionOpened: "session_opened"
        case .sessionEnded: "session_ended"
        case .groupCreated: "group_created"
        case .groupDeleted: "group_deleted"
        case .joinRequested: "join_requested"
        case .requestRejected: "request_rejected"
        case .memberAccepted: "member_accepted"
        case .memberLeft: "member_left"
        case .ownerChanged: "owner_changed"
        case .fileAdded: "file_added"
        case .fileRemoved: "file_removed"
        case .shareAdded: "share_added"
        case .shareRemoved: "share_removed"
        case .hashRegistered: "hash_registered"
        case .hashWithdrawn: "hash_withdrawn"
        }
    }

    /// The group it is about; nil for users, sessions and open swarms.
    package var group: String? {
        switch self {
        case .userCreated, .passkeyReset, .sessionOpened, .sessionEnded, .hashRegistered,
            .hashWithdrawn:
            nil
        case .groupCreated(let group, _, _), .groupDeleted(let group),
            .joinRequested(let group, _), .requestRejected(let group, _),
            .memberAccepted(let group, _), .memberLeft(let group, _, _),
            .ownerChanged(let group, _), .fileAdded(let group, _), .fileRemoved(let group, _),
            .shareAdded(let group, _, _), .shareRemoved(let group, _, _):
            group
        }
    }
}

extension DirectoryEvent {
    /// What it tells beside its kind and its group, a word each; no secrets.
    package var subject: [String] {
        switch self {
        case .userCreated(let user, _), .passkeyReset(let user, _), .sessionOpened(_, let user, _),
            .joinRequested(_, let user), .requestRejected(_, let user),
            .memberAccepted(_, let user):
            [user]
        case .sessionEnded, .groupDeleted: []
        case .groupCreated(_, let kind, let owner): [owner, kind.rawValue]
        case .memberLeft(_, let user, let removed): [user] + (removed ? ["removed"] : [])
        case .ownerChanged(_, let owner): [owner]
        case .fileAdded(_, let file): [file.addedBy, file.name, "\(file.infoHash)"]
        case .fileRemoved(_, let name): [name]
        case .shareAdded(_, let name, let user), .shareRemoved(_, let name, let user):
            [user, name]
        case .hashRegistered(let infoHash, let user), .hashWithdrawn(let infoHash, let user):
            [user, "\(infoHash)"]
        }
    }
}

/// An event as the log holds it.
package struct RecordedEvent: Hashable, Sendable {
    /// Place in the log: larger is later, gaps are possible.
    package var sequence: Int64
    /// Seconds since 1970, by the clock of the tracker that wrote it.
    package var time: Int64
    package var event: DirectoryEvent

    package init(sequence: Int64, time: Int64, event: DirectoryEvent) {
        self.sequence = sequence
        self.time = time
        self.event = event
    }
}
