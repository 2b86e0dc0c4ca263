import Wire

/// Changes of the swarms in the order in which they happened, as one tracker writes them down for
/// others.
///
/// Version 1, numbers big-endian: the version (1 byte), `time` (8), the number of users (2), the
/// name of each (its length in 1 byte, UTF-8), the number of changes (4), the changes. Each begins
/// with a byte of flags; the two lowest bits tell its kind.
///
/// | kind | follows |
/// |---|---|
/// | 0 entered | info-hash (20), identity (5), lifetime in units of 8 s (2), user (2, where flagged), address (4 or 16), port (2) |
/// | 1 left | info-hash (20), identity (5) |
/// | 2 disconnected | user (2), port (2) |
///
/// A user is a place in the list of names. So an entry of an open swarm has 34 bytes over IPv4.
package struct SwarmBatch: Hashable, Sendable {
    /// Seconds since 1970, by the clock of who wrote it: lifetimes count from here.
    package var time: Int64
    package var changes: [SwarmChange]

    /// More don't fit one batch: each may name another user.
    package static let mostChanges = 65_535

    package init(time: Int64, changes: [SwarmChange]) {
        self.time = time
        self.changes = changes
    }

    fileprivate static let version: UInt8 = 1
    /// Of a lifetime.
    fileprivate static let unitSeconds: Int64 = 8

    fileprivate enum Kind {
        static let entered: UInt8 = 0
        static let left: UInt8 = 1
        static let disconnected: UInt8 = 2
        static let mask: UInt8 = 3
    }

    fileprivate struct Flags: OptionSet {
        let rawValue: UInt8

        static let ipv6 = Flags(rawValue: 1 << 2)
        static let seeder = Flags(rawValue: 1 << 3)
        static let paused = Flags(rawValue: 1 << 4)
        static let completed = Flags(rawValue: 1 << 5)
        static let owned = Flags(rawValue: 1 << 6)
    }
}

/// Why bytes are no batch.
package enum SwarmBatchError: Error, Hashable, Sendable {
    case unknownVersion(UInt8)
    case malformed
}

// MARK: - Writing

extension SwarmBatch {
    /// - Parameter name: of a user; the directory knows.
    package func encoded(name: (UserIndex) -> String) -> [UInt8] {
        precondition(changes.count <= Self.mostChanges, "a batch is published in time")
        var users = UserPlaces()
        var units = LifetimeUnits()
        var body: [UInt8] = []
        body.reserveCapacity(changes.count * 36)
        for change in changes {
            switch change {
            case .entered(let entry): Self.append(entry, &users, &units, to: &body)
            case .left(let infoHash, let identity):
                body.append(Kind.left)
                Self.append(infoHash, identity, to: &body)
            case .disconnected(let user, let port):
                body.append(Kind.disconnected)
                body.appendBigEndian(users.place(of: user))
                body.appendBigEndian(port)
            }
        }
        var bytes = [Self.version]
        bytes.appendBigEndian(time)
        bytes.appendBigEndian(UInt16(users.list.count))
        for user in users.list {
            let name = Array(name(user).utf8.prefix(255))
            bytes.append(UInt8(name.count))
            bytes += name
        }
        bytes.appendBigEndian(UInt32(changes.count))
        return bytes + body
    }

    private struct UserPlaces {
        var list: [UserIndex] = []
        var places: [UserIndex: UInt16] = [:]

        mutating func place(of user: UserIndex) -> UInt16 {
            if let known = places[user] { return known }
            let place = UInt16(list.count)
            places[user] = place
            list.append(user)
            return place
        }
    }

    /// Lifetimes in units of 8 s, rounded up. Mostly all are the same, and to divide a duration is
    /// dear.
    private struct LifetimeUnits {
        private var last = (lifetime: Duration.zero, units: UInt16(0))

        mutating func of(_ lifetime: Duration) -> UInt16 {
            if lifetime != last.lifetime {
                let seconds = (lifetime + .nanoseconds(999_999_999)).components.seconds
                last = (lifetime, UInt16(clamping: (seconds + unitSeconds - 1) / unitSeconds))
            }
            return last.units
        }
    }

    private static func append(
        _ entry: SwarmEntry, _ users: inout UserPlaces, _ units: inout LifetimeUnits,
        to body: inout [UInt8]
    ) {
        var flags: Flags = []
        if !entry.endpoint.address.isIPv4 { flags.insert(.ipv6) }
        if entry.isSeeder { flags.insert(.seeder) }
        if entry.isPaused { flags.insert(.paused) }
        if entry.hasCompleted { flags.insert(.completed) }
        if entry.user != nil { flags.insert(.owned) }
        body.append(Kind.entered | flags.rawValue)
        append(entry.infoHash, entry.identity, to: &body)
        body.appendBigEndian(units.of(entry.lifetime))
        if let user = entry.user { body.appendBigEndian(users.place(of: user)) }
        entry.endpoint.appendCompact(to: &body)
    }

    private static func append(
        _ infoHash: InfoHash, _ identity: PeerIdentity, to body: inout [UInt8]
    ) {
        infoHash.withBytes { body.append(contentsOf: $0) }
        let identity = SwarmPeer.folded(identity)
        body.append(UInt8(truncatingIfNeeded: identity >> 32))
        body.appendBigEndian(UInt32(truncatingIfNeeded: identity))
    }
}

// MARK: - Reading

extension SwarmBatch {
    /// - Parameter user: by name; changes of users that are nobody here are left out.
    package init(
        decoding bytes: [UInt8], user: (String) -> UserIndex?
    ) throws(SwarmBatchError) {
        self = try bytes.withRawBytes { (raw) throws(SwarmBatchError) in
            var reader = Reader(bytes: raw)
            return try Self.decode(&reader, user: user)
        }
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        /// Makes sure that so many bytes follow, and goes behind them.
        mutating func skip(_ count: Int) throws(SwarmBatchError) -> Int {
            guard bytes.count - position >= count else { throw .malformed }
            defer { position += count }
            return position
        }

        mutating func number<T: FixedWidthInteger & BitwiseCopyable>(
            _ type: T.Type
        ) throws(SwarmBatchError) -> T {
            bytes.loadBigEndian(at: try skip(MemoryLayout<T>.size), as: type)
        }
    }

    private static func decode(
        _ reader: inout Reader, user: (String) -> UserIndex?
    ) throws(SwarmBatchError) -> SwarmBatch {
        let version = try reader.number(UInt8.self)
        guard version == Self.version else { throw .unknownVersion(version) }
        var batch = SwarmBatch(time: try reader.number(Int64.self), changes: [])
        var users: [UserIndex?] = []
        for _ in 0..<(try reader.number(UInt16.self)) {
            let count = Int(try reader.number(UInt8.self))
            let start = try reader.skip(count)
            users.append(user(String(decoding: reader.bytes[start..<start + count], as: UTF8.self)))
        }
        let count = Int(try reader.number(UInt32.self))
        // No change is shorter than five bytes: so long a list isn't there.
        guard count <= mostChanges, count * 5 <= reader.bytes.count else { throw .malformed }
        batch.changes.reserveCapacity(count)
        for _ in 0..<count {
            if let change = try change(&reader, users) { batch.changes.append(change) }
        }
        guard reader.position == reader.bytes.count else { throw .malformed }
        return batch
    }

    private static func change(
        _ reader: inout Reader, _ users: [UserIndex?]
    ) throws(SwarmBatchError) -> SwarmChange? {
        let flags = try reader.number(UInt8.self)
        switch flags & Kind.mask {
        case Kind.entered: return try entered(&reader, Flags(rawValue: flags), users)
        case Kind.left:
            let (infoHash, identity) = try names(&reader)
            return .left(infoHash, identity)
        case Kind.disconnected:
            let user = try owner(&reader, users)
            let port = try reader.number(UInt16.self)
            return user.map { .disconnected($0, port: port) }
        default: throw .malformed
        }
    }

    private static func entered(
        _ reader: inout Reader, _ flags: Flags, _ users: [UserIndex?]
    ) throws(SwarmBatchError) -> SwarmChange? {
        let (infoHash, identity) = try names(&reader)
        let units = Int64(try reader.number(UInt16.self))
        let isOwned = flags.contains(.owned)
        let user = isOwned ? try owner(&reader, users) : nil
        let endpoint =
            flags.contains(.ipv6)
            ? Endpoint(loadingCompactIPv6: reader.bytes, at: try reader.skip(18))
            : Endpoint(loadingCompactIPv4: reader.bytes, at: try reader.skip(6))
        if isOwned, user == nil { return nil }
        return .entered(
            SwarmEntry(
                infoHash: infoHash, identity: identity, user: user, endpoint: endpoint,
                isSeeder: flags.contains(.seeder), isPaused: flags.contains(.paused),
                hasCompleted: flags.contains(.completed), lifetime: .seconds(units * unitSeconds)))
    }

    private static func names(
        _ reader: inout Reader
    ) throws(SwarmBatchError) -> (InfoHash, PeerIdentity) {
        let infoHash = InfoHash(loading: reader.bytes, at: try reader.skip(20))
        let high = PeerIdentity(try reader.number(UInt8.self))
        return (infoHash, high << 32 | PeerIdentity(try reader.number(UInt32.self)))
    }

    private static func owner(
        _ reader: inout Reader, _ users: [UserIndex?]
    ) throws(SwarmBatchError) -> UserIndex? {
        let place = Int(try reader.number(UInt16.self))
        guard place < users.count else { throw .malformed }
        return users[place]
    }
}
