import Wire

extension Directory {
    package var groupCount: Int { groupIndices.count }

    package func user(named id: String) -> UserIndex? { userIndices[id] }

    package func user(_ passkey: Passkey) -> UserIndex? { passkeys[passkey] }

    package func session(_ id: SessionID) -> Session? { sessions[id] }

    package func group(_ id: String) -> Group? {
        groupIndices[id].flatMap { groupSlots[$0] }
    }

    /// Every group of the network, by id.
    package var groups: [Group] {
        groupSlots.compactMap { $0 }.sorted { $0.id < $1.id }
    }

    package func file(_ name: String, of group: String) -> File? {
        self.group(group)?.files[ByteName(name)]
    }

    /// The group's catalogue, by name.
    package func files(of group: Group) -> [File] {
        group.files.values.sorted { $0.record.name < $1.record.name }
    }

    /// The group file that has the info-hash, with its group.
    package func file(_ infoHash: InfoHash) -> (group: Group, file: File)? {
        guard let location = locations[infoHash],
            let group = groupSlots[location.groupIndex],
            let file = group.files[ByteName(location.name)]
        else { return nil }
        return (group, file)
    }

    /// Whether the info-hash belongs to a group's file.
    package func isGroupFile(_ infoHash: InfoHash) -> Bool {
        locations.index(forKey: infoHash) != nil
    }

    /// Whether a user has registered the info-hash as an open swarm.
    package func isRegistered(_ infoHash: InfoHash) -> Bool {
        registrations.index(forKey: infoHash) != nil
    }

    /// Whether the user is a member of the group whose file the info-hash is. Costs two look-ups
    /// by number: it is asked at every announce.
    package func isMember(_ user: UserIndex, ofGroupOwning infoHash: InfoHash) -> Bool {
        guard let index = locations.index(forKey: infoHash) else { return false }
        return groupSlots[locations.values[index].groupIndex]?.memberSet.contains(user) ?? false
    }

    /// What the user shares, over all groups, by group and name; stops at `limit` files.
    package func shares(of user: UserIndex, limit: Int) -> [(group: Group, file: File)] {
        var found: [(group: Group, file: File)] = []
        for id in users[Int(user)].groups {
            guard let group = group(id) else { continue }
            for file in group.files.values where file.sharers.contains(user) {
                found.append((group, file))
            }
        }
        found.sort { ($0.group.id, $0.file.record.name) < ($1.group.id, $1.file.record.name) }
        return Array(found.prefix(limit))
    }
}

extension Directory.Group {
    package func isMember(_ user: UserIndex) -> Bool { memberSet.contains(user) }

    package func hasRequest(of user: UserIndex) -> Bool {
        requests.contains { $0.user == user }
    }
}
