import Wire

/// Dense number of a user within one projection: cheap to look up on the announce path. Another
/// tracker, or the next start, numbers users otherwise; it never leaves the process.
package typealias UserIndex = UInt32

/// The projection in memory of the directory's log: accounts, sessions, groups, catalogues.
///
/// Fed with events in the order of the log, by ``apply(_:into:)`` only; everything hot is
/// answered from here without touching the store. Never copied: each announce asks it, and would
/// count references of all its tables.
package struct Directory: ~Copyable, Sendable {
    package struct User: Hashable, Sendable {
        package let id: String
        package fileprivate(set) var passkey: Passkey
        /// Open sessions in order of opening.
        package fileprivate(set) var sessions: [SessionID] = []
        /// Groups of which the user is a member, in no particular order.
        package fileprivate(set) var groups: [String] = []
    }

    package struct Session: Hashable, Sendable {
        package let user: UserIndex
        /// Where the session's peer listens.
        package let port: UInt16
    }

    package struct JoinRequest: Hashable, Sendable {
        package let user: UserIndex
        /// Seconds since 1970.
        package let requestedAt: Int64
    }

    package struct File: Hashable, Sendable {
        package let record: FileRecord
        /// Seconds since 1970.
        package let addedAt: Int64
        /// Who shares it, online or not, in order of starting.
        package fileprivate(set) var sharers: [UserIndex] = []
    }

    package struct Group: Hashable, Sendable {
        package let id: String
        package let kind: GroupKind
        package fileprivate(set) var owner: UserIndex
        /// Longest-standing member first.
        package fileprivate(set) var members: [UserIndex] = []
        package fileprivate(set) var memberSet: Set<UserIndex> = []
        /// Oldest first.
        package fileprivate(set) var requests: [JoinRequest] = []
        package fileprivate(set) var files: [ByteName: File] = [:]
    }

    struct FileLocation: Hashable, Sendable {
        let group: String
        let name: String
        /// The group's members, kept beside so that an announce needs one look-up.
        let groupIndex: Int
    }

    /// The log has been applied up to this sequence number, inclusive.
    package private(set) var appliedThrough: Int64 = 0
    package private(set) var users: [User] = []
    private(set) var userIndices: [String: UserIndex] = [:]
    private(set) var passkeys: [Passkey: UserIndex] = [:]
    private(set) var sessions: [SessionID: Session] = [:]
    /// Slots; a deleted group's is empty until another group takes it.
    private(set) var groupSlots: [Group?] = []
    private var freeGroupSlots: [Int] = []
    private(set) var groupIndices: [String: Int] = [:]
    private(set) var locations: [InfoHash: FileLocation] = [:]
    /// Who has registered an open swarm.
    package private(set) var registrations: [InfoHash: Set<UserIndex>] = [:]

    package init() {}

    /// A directory of its own with the same content, for another thread: users have the same
    /// indices in both, as long as both are fed with the same events.
    package init(copying other: borrowing Directory) {
        appliedThrough = other.appliedThrough
        users = other.users
        userIndices = other.userIndices
        passkeys = other.passkeys
        sessions = other.sessions
        groupSlots = other.groupSlots
        freeGroupSlots = other.freeGroupSlots
        groupIndices = other.groupIndices
        locations = other.locations
        registrations = other.registrations
    }

    /// - Parameters:
    ///   - snapshot: the shortest list of events that makes the present state.
    ///   - sequence: the place in the log that the snapshot stands for.
    package init(
        snapshot: [RecordedEvent], through sequence: Int64
    ) throws(DirectoryInconsistency) {
        var notices: [DirectoryNotice] = []
        for event in snapshot {
            try perform(event, into: &notices)
            notices.removeAll(keepingCapacity: true)
        }
        appliedThrough = sequence
    }

    /// Applies the next event of the log and says who is to be told what. An event that was
    /// applied before is ignored.
    /// - Throws: where the event doesn't fit the state: the log is damaged, or from a newer
    ///   version. The state may then be half changed; the directory must be loaded anew.
    package mutating func apply(
        _ event: RecordedEvent, into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        guard event.sequence > appliedThrough else { return }
        try perform(event, into: &notices)
        appliedThrough = event.sequence
    }

    private mutating func perform(
        _ recorded: RecordedEvent, into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        switch recorded.event {
        case .userCreated(let user, let passkey):
            try createUser(user, passkey)
        case .passkeyReset(let user, let passkey):
            let index = try index(ofUser: user)
            passkeys[users[Int(index)].passkey] = nil
            users[Int(index)].passkey = passkey
            passkeys[passkey] = index
            notices.append(.passkeyReset(index, passkey))
        case .sessionOpened(let session, let user, let port):
            let index = try index(ofUser: user)
            sessions[session] = Session(user: index, port: port)
            users[Int(index)].sessions.append(session)
        case .sessionEnded(let id):
            guard let session = sessions.removeValue(forKey: id) else { throw .unknown("session") }
            users[Int(session.user)].sessions.removeAll { $0 == id }
            notices.append(.sessionEnded(id, session))
        case .groupCreated(let group, let kind, let owner):
            try createGroup(group, kind, owner)
        case .groupDeleted(let group):
            try deleteGroup(group, into: &notices)
        case .joinRequested, .requestRejected, .memberAccepted, .memberLeft, .ownerChanged:
            try performMembership(recorded, into: &notices)
        case .fileAdded, .fileRemoved, .shareAdded, .shareRemoved:
            try performCatalogue(recorded, into: &notices)
        case .hashRegistered(let infoHash, let user):
            let index = try index(ofUser: user)
            registrations[infoHash, default: []].insert(index)
        case .hashWithdrawn(let infoHash, let user):
            let index = try index(ofUser: user)
            registrations[infoHash]?.remove(index)
            guard registrations[infoHash]?.isEmpty == true else { return }
            registrations[infoHash] = nil
            notices.append(.hashWithdrawn(infoHash))
        }
    }

    private mutating func createUser(
        _ user: String, _ passkey: Passkey
    ) throws(DirectoryInconsistency) {
        guard userIndices[user] == nil else { throw .existsAlready("user \(user)") }
        let index = UserIndex(users.count)
        users.append(User(id: user, passkey: passkey))
        userIndices[user] = index
        passkeys[passkey] = index
    }

    private mutating func createGroup(
        _ group: String, _ kind: GroupKind, _ owner: String
    ) throws(DirectoryInconsistency) {
        guard groupIndices[group] == nil else { throw .existsAlready("group \(group)") }
        let ownerIndex = try index(ofUser: owner)
        let created = Group(
            id: group, kind: kind, owner: ownerIndex, members: [ownerIndex],
            memberSet: [ownerIndex])
        if let slot = freeGroupSlots.popLast() {
            groupSlots[slot] = created
            groupIndices[group] = slot
        } else {
            groupIndices[group] = groupSlots.count
            groupSlots.append(created)
        }
        users[Int(ownerIndex)].groups.append(group)
    }

    private mutating func deleteGroup(
        _ id: String, into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        guard let slot = groupIndices.removeValue(forKey: id), let group = groupSlots[slot] else {
            throw .unknown("group \(id)")
        }
        groupSlots[slot] = nil
        freeGroupSlots.append(slot)
        for member in group.members {
            users[Int(member)].groups.removeAll { $0 == id }
        }
        for infoHash in group.files.values.map(\.record.infoHash).sorted() {
            locations[infoHash] = nil
            notices.append(.swarmEnded(infoHash))
        }
    }

    // MARK: Membership

    private mutating func performMembership(
        _ recorded: RecordedEvent, into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        switch recorded.event {
        case .joinRequested(let group, let user):
            let index = try index(ofUser: user)
            try changeGroup(group) { group in
                group.requests.append(JoinRequest(user: index, requestedAt: recorded.time))
                let change = MembershipEvent(groupID: group.id, userID: user, change: .requested)
                notices.append(.membership(change, to: [group.owner, index]))
            }
        case .requestRejected(let group, let user):
            let index = try index(ofUser: user)
            try changeGroup(group) { group in
                group.requests.removeAll { $0.user == index }
                let change = MembershipEvent(groupID: group.id, userID: user, change: .rejected)
                notices.append(.membership(change, to: [group.owner, index]))
            }
        case .memberAccepted(let group, let user):
            let index = try index(ofUser: user)
            var isNew = false
            try changeGroup(group) { group in
                group.requests.removeAll { $0.user == index }
                isNew = group.memberSet.insert(index).inserted
                guard isNew else { return }
                group.members.append(index)
                let change = MembershipEvent(groupID: group.id, userID: user, change: .accepted)
                notices.append(.membership(change, to: group.members))
            }
            if isNew { users[Int(index)].groups.append(group) }
        case .memberLeft(let group, let user, let removed):
            try removeMember(user, of: group, removed: removed, into: &notices)
        case .ownerChanged(let group, let owner):
            let index = try index(ofUser: owner)
            try changeGroup(group) { group in
                group.owner = index
                let change = MembershipEvent(groupID: group.id, userID: owner, change: .owner)
                notices.append(.membership(change, to: group.members))
            }
        case .userCreated, .passkeyReset, .sessionOpened, .sessionEnded, .groupCreated,
            .groupDeleted, .fileAdded, .fileRemoved, .shareAdded, .shareRemoved, .hashRegistered,
            .hashWithdrawn:
            preconditionFailure("not a change of membership")
        }
    }

    private mutating func removeMember(
        _ user: String, of group: String, removed: Bool, into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        let index = try index(ofUser: user)
        try changeGroup(group) { group in
            let change = MembershipEvent(
                groupID: group.id, userID: user, change: removed ? .removed : .left)
            notices.append(.membership(change, to: group.members))
            group.members.removeAll { $0 == index }
            group.memberSet.remove(index)
            var excludedFrom: [InfoHash] = []
            for name in Array(group.files.keys) {
                group.files[name]?.sharers.removeAll { $0 == index }
                if let record = group.files[name]?.record { excludedFrom.append(record.infoHash) }
            }
            excludedFrom.sort()
            notices.append(.memberExcluded(index, from: excludedFrom))
        }
        users[Int(index)].groups.removeAll { $0 == group }
    }

    // MARK: Catalogue

    private mutating func performCatalogue(
        _ recorded: RecordedEvent, into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        switch recorded.event {
        case .fileAdded(let id, let record):
            guard let slot = groupIndices[id] else { throw .unknown("group \(id)") }
            locations[record.infoHash] = FileLocation(
                group: id, name: record.name, groupIndex: slot)
            try changeGroup(id) { group in
                group.files[ByteName(record.name)] = File(record: record, addedAt: recorded.time)
                let change = CatalogueEvent(groupID: id, name: record.name, change: .added)
                notices.append(.catalogue(change, to: group.members))
            }
        case .fileRemoved(let id, let name):
            var removed: File?
            try changeGroup(id) { group in
                removed = group.files.removeValue(forKey: ByteName(name))
                let change = CatalogueEvent(groupID: id, name: name, change: .removed)
                notices.append(.catalogue(change, to: group.members))
            }
            guard let infoHash = removed?.record.infoHash else { throw .unknown("file \(name)") }
            locations[infoHash] = nil
            notices.append(.swarmEnded(infoHash))
        case .shareAdded(let group, let name, let user):
            try changeShare(group, name, user, isSharing: true, into: &notices)
        case .shareRemoved(let group, let name, let user):
            try changeShare(group, name, user, isSharing: false, into: &notices)
        case .userCreated, .passkeyReset, .sessionOpened, .sessionEnded, .groupCreated,
            .groupDeleted, .joinRequested, .requestRejected, .memberAccepted, .memberLeft,
            .ownerChanged, .hashRegistered, .hashWithdrawn:
            preconditionFailure("not a change of a catalogue")
        }
    }

    private mutating func changeShare(
        _ id: String, _ name: String, _ user: String, isSharing: Bool,
        into notices: inout [DirectoryNotice]
    ) throws(DirectoryInconsistency) {
        let index = try index(ofUser: user)
        var isKnown = false
        try changeGroup(id) { group in
            let key = ByteName(name)
            guard let file = group.files[key] else { return }
            isKnown = true
            group.files[key]?.sharers.removeAll { $0 == index }
            if isSharing { group.files[key]?.sharers.append(index) }
            let change = DirectoryNotice.Share(
                group: id, name: name, infoHash: file.record.infoHash, user: index)
            notices.append(.share(change, isSharing: isSharing, to: group.members))
        }
        if !isKnown { throw .unknown("file \(name)") }
    }

    // MARK: Look-ups that must succeed

    private func index(ofUser user: String) throws(DirectoryInconsistency) -> UserIndex {
        guard let index = userIndices[user] else { throw .unknown("user \(user)") }
        return index
    }

    private mutating func changeGroup(
        _ group: String, _ change: (inout Group) -> Void
    ) throws(DirectoryInconsistency) {
        guard let slot = groupIndices[group], groupSlots[slot] != nil else {
            throw .unknown("group \(group)")
        }
        change(&groupSlots[slot]!)
    }
}

/// An event that doesn't fit the state it is applied to.
package enum DirectoryInconsistency: Error, Hashable, Sendable, CustomStringConvertible {
    case unknown(String)
    case existsAlready(String)

    package var description: String {
        switch self {
        case .unknown(let thing): "an event names an unknown \(thing)"
        case .existsAlready(let thing): "an event creates \(thing) again"
        }
    }
}
