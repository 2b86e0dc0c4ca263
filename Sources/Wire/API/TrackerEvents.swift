/// The first event of a stream.
package struct HelloEvent: Codable, Hashable, Sendable {
    /// Differs for each run of a tracker: when it changes, the peer announces and reports
    /// anew.
    package var instance: String

    package init(instance: String) {
        self.instance = instance
    }

    private enum CodingKeys: String, CodingKey {
        case instance
    }
}

/// The user's passkey: after `hello`, and when it was replaced, by whichever of the user's peers.
package struct PasskeyEvent: Codable, Hashable, Sendable {
    /// A secret. Announces with an older one are refused.
    package var passkey: String

    package init(passkey: String) {
        self.passkey = passkey
    }

    private enum CodingKeys: String, CodingKey {
        case passkey
    }
}

/// A change of a group's members or requests.
package struct MembershipEvent: Codable, Hashable, Sendable {
    package var groupID: String
    /// Whom the change is about.
    package var userID: String
    package var change: Change

    package init(groupID: String, userID: String, change: Change) {
        self.groupID = groupID
        self.userID = userID
        self.change = change
    }

    /// What happened to the user.
    package enum Change: String, Codable, Hashable, Sendable, CaseIterable {
        case requested
        case accepted
        case rejected
        case removed
        case left
        /// The user is the group's owner from now on.
        case owner
    }

    private enum CodingKeys: String, CodingKey {
        case groupID = "group_id"
        case userID = "user_id"
        case change
    }
}

/// A change of a group's catalogue.
package struct CatalogueEvent: Codable, Hashable, Sendable {
    package var groupID: String
    /// The file's name.
    package var name: String
    package var change: Change

    package init(groupID: String, name: String, change: Change) {
        self.groupID = groupID
        self.name = name
        self.change = change
    }

    /// What happened to the file.
    package enum Change: String, Codable, Hashable, Sendable, CaseIterable {
        case added
        case removed
    }

    private enum CodingKeys: String, CodingKey {
        case groupID = "group_id"
        case name
        case change
    }
}

/// A sharer of a file came or went.
package struct ShareEvent: Codable, Hashable, Sendable {
    package var groupID: String
    /// The file's name.
    package var name: String
    package var infoHash: InfoHash
    package var userID: String
    package var online: Bool

    package init(groupID: String, name: String, infoHash: InfoHash, userID: String, online: Bool) {
        self.groupID = groupID
        self.name = name
        self.infoHash = infoHash
        self.userID = userID
        self.online = online
    }

    private enum CodingKeys: String, CodingKey {
        case groupID = "group_id"
        case name
        case infoHash = "info_hash"
        case userID = "user_id"
        case online
    }
}
