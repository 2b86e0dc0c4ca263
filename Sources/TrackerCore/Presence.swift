import Wire

/// Who is online, and which pieces of which file each user holds. Kept in memory: after a
/// restart the peers report anew.
package struct Presence: Sendable {
    package struct Session: Hashable, Sendable {
        package let user: UserIndex
        /// Where the session's peer listens.
        package let port: UInt16
    }

    /// Which pieces a user holds of a file. A complete file, the usual case, takes no bytes.
    enum Holding: Hashable, Sendable {
        case complete
        case partial(bitfield: [UInt8], count: Int)
    }

    package enum ReportError: Error, Hashable, Sendable {
        /// Not as long as the number of pieces asks, or spare bits set.
        case wrongBitfield
        /// The user has too many unfinished files reported.
        case tooMuch(limit: Int)
    }

    /// Bytes of bitfields of unfinished files that one user may have stored.
    package static let bitfieldBytesPerUser = 16 << 20

    private var sessions: [SessionID: Session] = [:]
    private var sessionsByUser: [UserIndex: [SessionID]] = [:]
    private var holdings: [InfoHash: [UserIndex: Holding]] = [:]
    private var bitfieldBytes: [UserIndex: Int] = [:]

    package init() {}

    // MARK: Sessions

    /// The session's peer is connected.
    /// - Returns: whether the user was offline until now.
    package mutating func begin(_ id: SessionID, user: UserIndex, port: UInt16) -> Bool {
        guard sessions.updateValue(Session(user: user, port: port), forKey: id) == nil else {
            return false
        }
        let wasOffline = sessionsByUser[user] == nil
        sessionsByUser[user, default: []].append(id)
        return wasOffline
    }

    /// The session's peer is gone.
    /// - Returns: the session, and whether it was the user's last; nil if it wasn't online.
    package mutating func end(_ id: SessionID) -> (session: Session, isLast: Bool)? {
        guard let session = sessions.removeValue(forKey: id) else { return nil }
        sessionsByUser[session.user]?.removeAll { $0 == id }
        guard sessionsByUser[session.user]?.isEmpty == true else { return (session, false) }
        sessionsByUser[session.user] = nil
        return (session, true)
    }

    package func isOnline(_ user: UserIndex) -> Bool { sessionsByUser[user] != nil }

    /// In order of coming online.
    package func sessions(of user: UserIndex) -> [SessionID] { sessionsByUser[user] ?? [] }

    package var onlineSessions: [SessionID] { Array(sessions.keys) }

    // MARK: Holdings

    /// Replaces what is known of the pieces the user holds of a file.
    /// - Parameter bitfield: as in the `bitfield` message (BEP 3): ceil(pieceCount / 8) bytes, the
    ///   high bit of the first is piece 0, spare bits are zero.
    package mutating func report(
        _ infoHash: InfoHash, by user: UserIndex, bitfield: [UInt8], pieceCount: Int
    ) throws(ReportError) {
        guard Self.isValid(bitfield, pieceCount: pieceCount) else { throw .wrongBitfield }
        let count = bitfield.reduce(0) { $0 + $1.nonzeroBitCount }
        let isComplete = count == pieceCount
        let used = bitfieldBytes[user, default: 0]
        guard isComplete || used + bitfield.count <= Self.bitfieldBytesPerUser else {
            throw .tooMuch(limit: Self.bitfieldBytesPerUser)
        }
        forget(infoHash, by: user)
        if isComplete {
            holdings[infoHash, default: [:]][user] = .complete
        } else {
            holdings[infoHash, default: [:]][user] = .partial(bitfield: bitfield, count: count)
            bitfieldBytes[user, default: 0] += bitfield.count
        }
    }

    /// Whether the bitfield is as long as the number of pieces asks, spare bits zero.
    package static func isValid(_ bitfield: [UInt8], pieceCount: Int) -> Bool {
        guard bitfield.count == (pieceCount + 7) / 8 else { return false }
        guard pieceCount % 8 != 0, let last = bitfield.last else { return true }
        return last & (0xff >> UInt8(pieceCount % 8)) == 0
    }

    /// How many pieces the user holds, as last reported; nil if nothing was.
    package func pieces(_ infoHash: InfoHash, heldBy user: UserIndex, of pieceCount: Int) -> Int? {
        switch holdings[infoHash]?[user] {
        case nil: nil
        case .complete: pieceCount
        case .partial(_, let count): count
        }
    }

    /// Whose holdings of the file are known, by user.
    package func holders(of infoHash: InfoHash) -> [UserIndex] {
        holdings[infoHash]?.keys.sorted() ?? []
    }

    /// Forgets what the user holds of a file.
    package mutating func forget(_ infoHash: InfoHash, by user: UserIndex) {
        guard let holding = holdings[infoHash]?.removeValue(forKey: user) else { return }
        releaseBytes(of: holding, by: user)
        if holdings[infoHash]?.isEmpty == true { holdings[infoHash] = nil }
    }

    /// Forgets what everyone holds of a file.
    package mutating func forget(_ infoHash: InfoHash) {
        for (user, holding) in holdings.removeValue(forKey: infoHash) ?? [:] {
            releaseBytes(of: holding, by: user)
        }
    }

    private mutating func releaseBytes(of holding: Holding, by user: UserIndex) {
        guard case .partial(let bitfield, _) = holding, let used = bitfieldBytes[user] else {
            return
        }
        bitfieldBytes[user] = used == bitfield.count ? nil : used - bitfield.count
    }
}
