import Wire

/// Who is the same peer when it announces again, whatever its address: the same for everybody who
/// has the key, and without it nobody can take another's place.
package struct PeerIdentities: Sendable {
    private let key: (UInt64, UInt64)

    /// - Parameter generator: a cryptographic one.
    package init(random generator: inout some RandomNumberGenerator) {
        key = (generator.next(), generator.next())
    }

    /// - Parameter key: secret, and the same for all who keep the same swarms.
    package init(key: (UInt64, UInt64)) { self.key = key }

    /// What an entry belongs to: each is hashed apart from the others.
    private enum Owner: UInt64 {
        case passkey
        case key
        case address
    }

    /// Of a user's client: a user's clients are told apart by their peer ids.
    package func identity(of peer: PeerID, passkey: Passkey) -> PeerIdentity {
        var hash = start(peer)
        hash.combine(passkey.high)
        hash.combine(passkey.low)
        return end(hash, peer, .passkey)
    }

    /// Of a stranger who knows the key (BEP 7) that it announced with before.
    package func identity(of peer: PeerID, key: UInt32) -> PeerIdentity {
        var hash = start(peer)
        hash.combine(UInt64(key))
        return end(hash, peer, .key)
    }

    /// Of a stranger without a key: who comes from its address.
    package func identity(of peer: PeerID, address: IPAddress) -> PeerIdentity {
        var hash = start(peer)
        hash.combine(address.high)
        hash.combine(address.low)
        return end(hash, peer, .address)
    }

    private func start(_ peer: PeerID) -> SipHash {
        var hash = SipHash(key: key)
        hash.combine(peer.storage.first)
        hash.combine(peer.storage.second)
        return hash
    }

    private func end(_ hash: SipHash, _ peer: PeerID, _ owner: Owner) -> PeerIdentity {
        hash.finalize(tail: UInt64(peer.storage.third) | owner.rawValue << 32, tailCount: 5)
    }
}
