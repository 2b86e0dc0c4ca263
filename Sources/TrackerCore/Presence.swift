import Wire

/// Who is online at which tracker, and which pieces of which file each user holds. Kept in memory,
/// and told from tracker to tracker by ``PresenceRecord``s.
package struct Presence: Sendable {
    package struct Session: Hashable, Sendable {
        package let user: UserIndex
        /// Where the session's peer listens.
        package let port: UInt16
    }

    /// A session that is offline now.
    package struct Ended: Hashable, Sendable {
        package let session: Session
        /// Whether its user is offline.
        package let isLast: Bool
    }

    private struct Online {
        let session: Session
        /// Where it has a stream: one, or for a moment two.
        var trackers: [TrackerInstance]
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

    private var sessions: [SessionID: Online] = [:]
    private var sessionsByUser: [UserIndex: [SessionID]] = [:]
    private var holdings: [InfoHash: [UserIndex: Holding]] = [:]
    private var bitfieldBytes: [UserIndex: Int] = [:]
    /// The files of which something is known, by user.
    private var reported: [UserIndex: Set<InfoHash>] = [:]

    package init() {}

    // MARK: Sessions

    /// The session's peer has opened its event stream at a tracker.
    /// - Returns: whether the user was offline until now.
    package mutating func begin(
        _ id: SessionID, user: UserIndex, port: UInt16, at tracker: TrackerInstance
    ) -> Bool {
        if let known = sessions[id] {
            if !known.trackers.contains(tracker) { sessions[id]?.trackers.append(tracker) }
            return false
        }
        let session = Session(user: user, port: port)
        sessions[id] = Online(session: session, trackers: [tracker])
        let wasOffline = sessionsByUser[user] == nil
        sessionsByUser[user, default: []].append(id)
        return wasOffline
    }

    /// The session's stream at a tracker has ended.
    /// - Returns: nil if it had none there, or has one at another tracker.
    package mutating func end(_ id: SessionID, at tracker: TrackerInstance) -> Ended? {
        guard let place = sessions[id]?.trackers.firstIndex(of: tracker) else { return nil }
        sessions[id]?.trackers.remove(at: place)
        return sessions[id]?.trackers.isEmpty == true ? end(id) : nil
    }

    /// The session itself has ended.
    /// - Returns: nil if it wasn't online.
    package mutating func end(_ id: SessionID) -> Ended? {
        guard let session = sessions.removeValue(forKey: id)?.session else { return nil }
        sessionsByUser[session.user]?.removeAll { $0 == id }
        let isLast = sessionsByUser[session.user]?.isEmpty == true
        if isLast { sessionsByUser[session.user] = nil }
        return Ended(session: session, isLast: isLast)
    }

    /// The tracker is gone, with all streams that it had. Those sessions are returned that have
    /// none at another tracker.
    package mutating func endAll(at tracker: TrackerInstance) -> [Ended] {
        let ids = sessions.filter { $0.value.trackers.contains(tracker) }.keys
        return ids.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            .compactMap { end($0, at: tracker) }
    }

    package func isOnline(_ user: UserIndex) -> Bool { sessionsByUser[user] != nil }

    /// In order of coming online.
    package func sessions(of user: UserIndex) -> [SessionID] { sessionsByUser[user] ?? [] }

    /// Event streams at all trackers.
    package var streamCount: Int { sessions.values.reduce(0) { $0 + $1.trackers.count } }

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
        reported[user, default: []].insert(infoHash)
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
        release(holding, of: infoHash, by: user)
        if holdings[infoHash]?.isEmpty == true { holdings[infoHash] = nil }
    }

    /// Forgets what everyone holds of a file.
    package mutating func forget(_ infoHash: InfoHash) {
        for (user, holding) in holdings.removeValue(forKey: infoHash) ?? [:] {
            release(holding, of: infoHash, by: user)
        }
    }

    /// What is known of the user's pieces, to be told to other trackers.
    package func records(of user: UserIndex) -> [PresenceRecord] {
        (reported[user] ?? []).sorted().compactMap { infoHash in
            switch holdings[infoHash]?[user] {
            case nil: nil
            case .complete: .holdsAll(infoHash, user: user)
            case .partial(let bitfield, _): .holds(infoHash, user: user, bitfield: bitfield)
            }
        }
    }

    private mutating func release(
        _ holding: Holding, of infoHash: InfoHash, by user: UserIndex
    ) {
        reported[user]?.remove(infoHash)
        if reported[user]?.isEmpty == true { reported[user] = nil }
        guard case .partial(let bitfield, _) = holding, let used = bitfieldBytes[user] else {
            return
        }
        bitfieldBytes[user] = used == bitfield.count ? nil : used - bitfield.count
    }
}
