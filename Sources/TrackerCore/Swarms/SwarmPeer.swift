/// Tells a peer apart within its swarm: a secret-keyed hash of who announces, so that the same
/// client counts once though its address changes. The low 40 bits count: among a swarm's 100,000
/// peers two share them once in 200 swarms.
package typealias PeerIdentity = UInt64

/// One peer of a swarm: 16 bytes.
struct SwarmPeer: BitwiseCopyable {
    /// In host order; 0: none.
    var ipv4: UInt32 = 0
    /// Of the IPv4 address.
    var port: UInt16 = 0
    /// Until when the peer counts.
    var deadline: CoarseTime
    /// From the lowest: 40 bits of identity, whether it has an IPv6 address, whether it downloads
    /// nothing more, 22 bits of owner.
    private var word: UInt64

    private static let identityMask: UInt64 = 1 << 40 - 1
    private static let ipv6Bit: UInt64 = 1 << 40
    private static let pausedBit: UInt64 = 1 << 41
    private static let ownerShift: UInt64 = 42
    /// Owners are below it.
    static let ownerLimit: UInt32 = 1 << 22

    /// - Parameter owner: 0: an open swarm's peer; else the user's index plus one.
    init(identity: PeerIdentity, owner: UInt32, deadline: CoarseTime) {
        self.deadline = deadline
        word = identity & Self.identityMask | UInt64(owner) << Self.ownerShift
    }

    static func folded(_ identity: PeerIdentity) -> PeerIdentity { identity & identityMask }

    /// The folded identity.
    var identity: PeerIdentity { word & Self.identityMask }

    var owner: UInt32 { UInt32(truncatingIfNeeded: word >> Self.ownerShift) }

    /// Whether the store has an IPv6 address of the peer.
    var hasIPv6: Bool {
        get { word & Self.ipv6Bit != 0 }
        set { word = newValue ? word | Self.ipv6Bit : word & ~Self.ipv6Bit }
    }

    /// A leecher that has what it wants (BEP 21).
    var isPaused: Bool {
        get { word & Self.pausedBit != 0 }
        set { word = newValue ? word | Self.pausedBit : word & ~Self.pausedBit }
    }
}

/// A moment in units of 8 s, 16 bits of it: moments less than three days apart compare rightly.
struct CoarseTime: Equatable, BitwiseCopyable {
    private let ticks: UInt16

    /// The end of the unit that `nanoseconds` of the monotonic clock are in.
    init(after nanoseconds: Int64) {
        ticks = UInt16(truncatingIfNeeded: nanoseconds / 8_000_000_000 + 1)
    }

    /// Until the moment; in whole units, at least none.
    func remaining(at nanoseconds: Int64) -> Duration {
        let now = UInt16(truncatingIfNeeded: nanoseconds / 8_000_000_000)
        return .seconds(8) * Int(max(0, Int16(bitPattern: ticks &- now)))
    }

    func isPast(at nanoseconds: Int64) -> Bool {
        let now = UInt16(truncatingIfNeeded: nanoseconds / 8_000_000_000)
        return Int16(bitPattern: ticks &- now) <= 0
    }
}
