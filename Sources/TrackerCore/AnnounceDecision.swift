import Wire

/// Whether an announce or a scrape is allowed, decided from the projection alone.
package enum AnnounceDecision: Hashable, Sendable {
    /// `user` is nil in an open swarm.
    case allowed(user: UserIndex?)
    case refused(Refusal)

    package enum Refusal: Hashable, Sendable {
        case unknownPasskey
        /// Not a group's file, or of a group whose member the caller isn't: the same words for
        /// both, so that nobody learns which hashes a foreign group has.
        case notRegistered
        case openSwarmsOff
        /// The info-hash belongs to a group.
        case passkeyMissing

        /// For the `failure reason` of BEP 3.
        package var reason: String {
            switch self {
            case .unknownPasskey:
                "unknown passkey; export the .torrent again"
            case .notRegistered:
                "this torrent is not registered with a group of yours"
            case .openSwarmsOff:
                "this tracker takes announces of its groups' members only"
            case .passkeyMissing:
                "this torrent belongs to a group; announce with your passkey"
            }
        }
    }
}

extension Directory {
    /// - Parameter passkey: nil for an announce without one.
    package func decide(
        passkey: Passkey?, infoHash: InfoHash, allowsOpenSwarms: Bool
    ) -> AnnounceDecision {
        guard let passkey else {
            if isGroupFile(infoHash) { return .refused(.passkeyMissing) }
            return allowsOpenSwarms ? .allowed(user: nil) : .refused(.openSwarmsOff)
        }
        guard let user = user(passkey) else { return .refused(.unknownPasskey) }
        return isMember(user, ofGroupOwning: infoHash)
            ? .allowed(user: user) : .refused(.notRegistered)
    }
}
