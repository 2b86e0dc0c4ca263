/// Which clients can take part in a group.
package enum GroupKind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Plain peer protocol and passkeys: any BitTorrent client.
    case open
    /// Mutual TLS between the peers (SSL torrents).
    case sealed
}

/// One group as `GET /api/v1/groups` lists it.
package struct GroupSummary: Codable, Hashable, Sendable {
    package var groupID: String
    /// The owner's user id.
    package var owner: String
    package var kind: GroupKind
    /// How many members it has.
    package var members: Int
    /// Whether the caller is a member.
    package var isMember: Bool
    /// Whether the caller has asked to join and wasn't answered yet.
    package var isPending: Bool

    package init(
        groupID: String, owner: String, kind: GroupKind, members: Int, isMember: Bool,
        isPending: Bool
    ) {
        self.groupID = groupID
        self.owner = owner
        self.kind = kind
        self.members = members
        self.isMember = isMember
        self.isPending = isPending
    }

    private enum CodingKeys: String, CodingKey {
        case groupID = "group_id"
        case owner
        case kind
        case members
        case isMember = "is_member"
        case isPending = "is_pending"
    }
}

/// All groups of the network: `GET /api/v1/groups`.
package struct GroupList: Codable, Hashable, Sendable {
    package var groups: [GroupSummary]

    package init(groups: [GroupSummary]) {
        self.groups = groups
    }

    private enum CodingKeys: String, CodingKey {
        case groups
    }
}

/// `POST /api/v1/groups`.
package struct CreateGroupRequest: Codable, Hashable, Sendable {
    package var groupID: String
    package var kind: GroupKind

    package init(groupID: String, kind: GroupKind) {
        self.groupID = groupID
        self.kind = kind
    }

    private enum CodingKeys: String, CodingKey {
        case groupID = "group_id"
        case kind
    }
}

/// A user's wish to join a group.
package struct MembershipRequest: Codable, Hashable, Sendable {
    package var userID: String
    /// Seconds since 1970-01-01 UTC.
    package var requestedAt: Int64

    package init(userID: String, requestedAt: Int64) {
        self.userID = userID
        self.requestedAt = requestedAt
    }

    private enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case requestedAt = "requested_at"
    }
}

/// What a group's owner has to decide: `GET /api/v1/groups/{g}/requests`.
package struct RequestList: Codable, Hashable, Sendable {
    /// Oldest first.
    package var requests: [MembershipRequest]

    package init(requests: [MembershipRequest]) {
        self.requests = requests
    }

    private enum CodingKeys: String, CodingKey {
        case requests
    }
}

/// What a member's leaving led to: `DELETE /api/v1/groups/{g}/members/{u}`.
package struct MembershipRemovedResponse: Codable, Hashable, Sendable {
    /// The user id of the new owner, if the owner left.
    package var newOwner: String?
    /// Whether the last member left, which deletes the group.
    package var groupDeleted: Bool

    package init(newOwner: String? = nil, groupDeleted: Bool) {
        self.newOwner = newOwner
        self.groupDeleted = groupDeleted
    }

    private enum CodingKeys: String, CodingKey {
        case newOwner = "new_owner"
        case groupDeleted = "group_deleted"
    }
}
