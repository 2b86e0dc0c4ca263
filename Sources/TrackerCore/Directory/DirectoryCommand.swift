import Wire

/// A change that is asked of the store, which checks and performs it in one transaction.
/// Ids, names and passwords have the right form already.
package enum DirectoryCommand: Sendable {
    /// `password` is the salted hash's text.
    case createUser(user: String, password: String, passkey: Passkey)
    /// The old passkey is nobody's from then on.
    case resetPasskey(Passkey, user: String)
    /// Shuts the user out: sessions end, and the passkey is nobody's any more.
    case disableUser(String)
    /// The user may log in again.
    case enableUser(String)
    /// `password` is the salted hash's text; the user's sessions end.
    case setPassword(String, user: String)
    case openSession(SessionID, user: String, port: UInt16, peerID: PeerID)
    case endSession(SessionID)
    /// `authority` is a sealed group's.
    case createGroup(
        group: String, kind: GroupKind, owner: String, authority: GroupAuthority? = nil)
    case requestToJoin(group: String, user: String)
    case acceptRequest(group: String, user: String, by: String)
    /// By the owner, or by the one who asked.
    case rejectRequest(group: String, user: String, by: String)
    /// By the member itself, who leaves, or by the owner.
    case removeMember(group: String, user: String, by: String)
    /// `info` is the bencoded info dictionary that `file` was made of.
    case addFile(group: String, file: FileRecord, info: [UInt8])
    case share(group: String, name: String, user: String)
    case stopSharing(group: String, name: String, user: String)
    case registerHash(InfoHash, user: String)
    case withdrawHash(InfoHash, user: String)
}

/// What a command that was performed answers.
package enum DirectoryAnswer: Hashable, Sendable {
    case done
    /// `newOwner`: who has the group now, where its owner left it.
    case memberRemoved(newOwner: String?, groupDeleted: Bool)
    /// `created` is false where the same file was there and the caller became another sharer.
    case fileAdded(created: Bool)
}

/// Why a command was refused. The store is unchanged.
package enum DirectoryRefusal: Error, Hashable, Sendable {
    case userExists(String)
    case noSuchUser(String)
    case userDisabled(String)
    case groupExists(String)
    case noSuchGroup(String)
    case alreadyMember(group: String, user: String)
    case alreadyRequested(group: String, user: String)
    case noSuchRequest(group: String, user: String)
    case noSuchMember(group: String, user: String)
    case notMember(group: String)
    case notOwner(group: String, owner: String)
    case nameTaken(group: String, name: String)
    case noSuchFile(group: String, name: String)
    case notRegistered(InfoHash, user: String)
    case sessionExpired
    /// `limit` of `what`, such as 10,000 of "pending requests of a group".
    case limitReached(what: String, limit: Int)
}

/// Bounds on what users can make the store hold.
package struct DirectoryLimits: Sendable {
    package var users = 1_000_000
    /// The oldest session ends when a user opens one more.
    package var sessionsPerUser = 32
    package var groupsPerOwner = 1_000
    package var requestsPerGroup = 10_000
    package var filesPerGroup = 100_000
    package var registeredHashesPerUser = 10_000

    package init() {}
}
