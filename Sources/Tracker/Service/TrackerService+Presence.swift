import TrackerCore
import Wire

// Who is online: a session is as long as its event stream is open, at whichever tracker.
extension TrackerService {
    /// The session's peer has opened its event stream. An older stream of the session, which must
    /// be dead if the peer opens another, is closed without the session's going offline.
    func beginPresence(of session: SessionID, on exchange: HTTPExchange) {
        guard let known = directory.session(session), exchange.isOpen else { return }
        streams[session]?.close()
        let stream = exchange.beginEventStream { [unowned self] in
            streams[session] = nil
            tell(.offline(session))
            if let ended = presence.end(session, at: instance) { leavePresence(ended) }
        }
        streams[session] = stream
        send(.hello(HelloEvent(instance: instance.description)), on: stream)
        // It may have been replaced while this peer wasn't online.
        let passkey = directory.users[Int(known.user)].passkey
        send(.passkey(PasskeyEvent(passkey: passkey.hex)), on: stream)
        tell(.online(session))
        enterPresence(of: session, known, at: instance)
    }

    /// The session has a stream at this tracker, or at another.
    func enterPresence(
        of session: SessionID, _ known: Directory.Session, at tracker: TrackerInstance
    ) {
        guard presence.begin(session, user: known.user, port: known.port, at: tracker) else {
            return
        }
        logger.debug("user online", ["user": directory.users[Int(known.user)].id])
        tellShares(of: known.user, areOnline: true)
    }

    /// The session itself has ended, at whichever trackers it was online.
    func endPresence(of session: SessionID) {
        streams.removeValue(forKey: session)?.close()
        if let ended = presence.end(session) { leavePresence(ended) }
    }

    /// The session's peer is gone: its entries in swarms go at once, its user's shares stay
    /// remembered.
    func leavePresence(_ ended: Presence.Ended) {
        swarms.removePeers(of: ended.session.user, port: ended.session.port)
        exchange?.add(.disconnected(ended.session.user, port: ended.session.port))
        if ended.isLast {
            logger.debug("user offline", ["user": directory.users[Int(ended.session.user)].id])
            tellShares(of: ended.session.user, areOnline: false)
        }
    }

    private func tellShares(of user: UserIndex, areOnline: Bool) {
        let shares = directory.shares(of: user, limit: configuration.shareEventsPerChange)
        for (group, file) in shares {
            let share = DirectoryNotice.Share(
                group: group.id, name: file.record.name, infoHash: file.record.infoHash,
                user: user)
            send(.share(event(share, isOnline: areOnline)), to: group.members)
        }
    }

    // MARK: Sending

    /// Sends the event to every session of these users that is online.
    func send(_ event: TrackerEvent, to users: [UserIndex]) {
        var bytes: [UInt8]?
        for user in users {
            for session in presence.sessions(of: user) {
                guard let stream = streams[session] else { continue }
                let encoded = bytes ?? encode(event)
                bytes = encoded
                stream.send(encoded)
            }
        }
    }

    private func send(_ event: TrackerEvent, on stream: EventStream) {
        stream.send(encode(event))
    }

    private func encode(_ event: TrackerEvent) -> [UInt8] {
        var bytes: [UInt8] = []
        event.serverSentEvent.encode(into: &bytes)
        return bytes
    }

    // MARK: Holdings

    /// Takes a report of the pieces that a user's peer holds: whole, unless the user's share of
    /// memory is used up on the way.
    func report(_ holdings: [Holding], by user: UserIndex) throws(APIError) {
        var checked: [(Holding, pieceCount: Int)] = []
        for holding in holdings {
            guard directory.isMember(user, ofGroupOwning: holding.infoHash),
                let pieceCount = directory.file(holding.infoHash)?.file.record.pieceCount
            else { throw .unknownInfoHash(holding.infoHash) }
            guard Presence.isValid(holding.bitfield.bytes, pieceCount: pieceCount) else {
                throw .wrongBitfield(holding.infoHash, pieceCount: pieceCount)
            }
            checked.append((holding, pieceCount))
        }
        for (holding, pieceCount) in checked {
            do throws(Presence.ReportError) {
                try presence.report(
                    holding.infoHash, by: user, bitfield: holding.bitfield.bytes,
                    pieceCount: pieceCount)
            } catch {
                throw .limitReached(
                    "bytes of bitfields of one user", Presence.bitfieldBytesPerUser)
            }
            let bitfield = holding.bitfield.bytes
            let isWhole = bitfield.reduce(0) { $0 + $1.nonzeroBitCount } == pieceCount
            tell(
                isWhole
                    ? .holdsAll(holding.infoHash, user: user)
                    : .holds(holding.infoHash, user: user, bitfield: bitfield))
        }
    }
}
