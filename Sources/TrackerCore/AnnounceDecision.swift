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
        /// No group's file, and nobody has registered it.
        case notOpen
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
            case .notOpen:
                "this torrent is not registered here; who shares it logs in and does so by `share`"
            case .passkeyMissing:
                "this torrent belongs to a group; announce with your passkey"
            }
        }
    }
}

/// Which swarms are open to announces without a passkey, apart from groups' files, which never are.
package enum OpenSwarms: String, CaseIterable, Sendable {
    /// Any.
    case on
    /// Those that a user has registered.
    case registered
    /// None.
    case off
}

extension Directory {
    /// - Parameter passkey: nil for an announce without one.
    package func decide(
        passkey: Passkey?, infoHash: InfoHash, openSwarms: OpenSwarms
    ) -> AnnounceDecision {
        guard let passkey else { return decideOpen(infoHash, openSwarms) }
        guard let user = user(passkey) else { return .refused(.unknownPasskey) }
        return isMember(user, ofGroupOwning: infoHash)
            ? .allowed(user: user) : .refused(.notRegistered)
    }

    private func decideOpen(_ infoHash: InfoHash, _ openSwarms: OpenSwarms) -> AnnounceDecision {
        if isGroupFile(infoHash) { return .refused(.passkeyMissing) }
        return switch openSwarms {
        case .on: .allowed(user: nil)
        case .registered: isRegistered(infoHash) ? .allowed(user: nil) : .refused(.notOpen)
        case .off: .refused(.openSwarmsOff)
        }
    }
}
