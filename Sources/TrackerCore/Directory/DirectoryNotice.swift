import Wire

/// What follows of a change for those who are online: whom to tell, and which swarm entries and
/// streams to drop.
package enum DirectoryNotice: Hashable, Sendable {
    package struct Share: Hashable, Sendable {
        package let group: String
        package let name: String
        package let infoHash: InfoHash
        package let user: UserIndex

        package init(group: String, name: String, infoHash: InfoHash, user: UserIndex) {
            self.group = group
            self.name = name
            self.infoHash = infoHash
            self.user = user
        }
    }

    /// Entries made with the user's old passkey are to go; the user's peers are told the new one.
    case passkeyReset(UserIndex, Passkey)
    case membership(MembershipEvent, to: [UserIndex])
    case catalogue(CatalogueEvent, to: [UserIndex])
    /// Whether the sharer is online isn't the directory's to know.
    case share(Share, isSharing: Bool, to: [UserIndex])
    /// The session's event stream is to be closed, and the entries of its peer in swarms to go.
    case sessionEnded(SessionID, Directory.Session)
    /// The user's entries in these swarms, and what is known of the pieces held, are to go.
    case memberExcluded(UserIndex, from: [InfoHash])
    /// The file left the catalogue: its swarm and holdings are to go.
    case swarmEnded(InfoHash)
    /// Nobody has the info-hash registered any more.
    case hashWithdrawn(InfoHash)
}
