import Wire

/// What one tracker tells the others of who is online and who holds what.
package enum PresenceRecord: Hashable, Sendable {
    /// The session has its event stream at this tracker. Told again from time to time.
    case online(SessionID)
    case offline(SessionID)
    case holdsAll(InfoHash, user: UserIndex)
    /// - Parameter bitfield: as in the `bitfield` message (BEP 3).
    case holds(InfoHash, user: UserIndex, bitfield: [UInt8])
}

/// An entry of the swarms' log: what has happened at one tracker in a moment. An empty one says
/// that the tracker lives.
///
/// Bytes, numbers in network order: the version (1), the number of presence records (4), the
/// records, each its kind (1) and content, and the swarms' batch.
package struct TrackerBatch: Hashable, Sendable {
    package var presence: [PresenceRecord] = []
    /// The bytes of a ``SwarmBatch``; empty without changes of swarms.
    package var swarms: [UInt8] = []

    private static let version: UInt8 = 1
    /// Of a bitfield.
    private static let longest = Presence.bitfieldBytesPerUser

    package init() {}

    package var encoded: [UInt8] {
        var bytes: [UInt8] = [Self.version]
        bytes.appendBigEndian(UInt32(presence.count))
        for record in presence { Self.append(record, to: &bytes) }
        return bytes + swarms
    }

    private static func append(_ record: PresenceRecord, to bytes: inout [UInt8]) {
        switch record {
        case .online(let session):
            bytes.append(1)
            bytes += session.bytes
        case .offline(let session):
            bytes.append(2)
            bytes += session.bytes
        case .holdsAll(let infoHash, let user):
            bytes.append(3)
            bytes += infoHash.bytes
            bytes.appendBigEndian(user)
        case .holds(let infoHash, let user, let bitfield):
            bytes.append(4)
            bytes += infoHash.bytes
            bytes.appendBigEndian(user)
            bytes.appendBigEndian(UInt32(bitfield.count))
            bytes += bitfield
        }
    }

    /// Nil for what isn't a batch, or is of another version.
    package init?(decoding bytes: [UInt8]) {
        var reader = Reader(rest: bytes[...])
        guard reader.number(UInt8.self) == Self.version,
            let count = reader.number(UInt32.self)
        else { return nil }
        for _ in 0..<count {
            guard let record = Self.record(&reader) else { return nil }
            presence.append(record)
        }
        swarms = Array(reader.rest)
    }

    private static func record(_ reader: inout Reader) -> PresenceRecord? {
        switch reader.number(UInt8.self) {
        case 1: return reader.session().map { .online($0) }
        case 2: return reader.session().map { .offline($0) }
        case 3:
            guard let infoHash = reader.infoHash(), let user = reader.number(UInt32.self) else {
                return nil
            }
            return .holdsAll(infoHash, user: user)
        case 4:
            guard let infoHash = reader.infoHash(), let user = reader.number(UInt32.self),
                let count = reader.number(UInt32.self), count <= longest,
                let bitfield = reader.bytes(Int(count))
            else { return nil }
            return .holds(infoHash, user: user, bitfield: Array(bitfield))
        default: return nil
        }
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
            guard rest.count >= count else { return nil }
            defer { rest.removeFirst(count) }
            return rest.prefix(count)
        }

        mutating func number<T: FixedWidthInteger>(_ type: T.Type) -> T? {
            bytes(T.bitWidth / 8)?.reduce(0) { T(truncatingIfNeeded: $0 << 8) | T($1) }
        }

        mutating func session() -> SessionID? { bytes(32).flatMap { SessionID(Array($0)) } }

        mutating func infoHash() -> InfoHash? { bytes(20).flatMap { InfoHash($0) } }
    }
}
