import TrackerCore
import Wire

// Who is online: a session is as long as its event stream is open.
extension TrackerService {
    /// The session's peer has opened its event stream. An older stream of the session, which must
    /// be dead if the peer opens another, is closed without the session's going offline.
    func beginPresence(of session: SessionID, on exchange: HTTPExchange) {
        guard let known = directory.session(session) else { return }
        streams[session]?.close()
        let stream = exchange.beginEventStream { [unowned self] in
            endPresence(of: session, closingStream: false)
        }
        streams[session] = stream
        send(.hello(HelloEvent(instance: instance)), on: stream)
        if presence.begin(session, user: known.user, port: known.port) {
            logger.debug("user online", ["user": directory.users[Int(known.user)].id])
            tellShares(of: known.user, areOnline: true)
        }
    }

    /// The session's peer is gone, or the session itself: its entries in swarms go at once, its
    /// user's shares stay remembered.
    func endPresence(of session: SessionID, closingStream: Bool) {
        let stream = streams.removeValue(forKey: session)
        if closingStream { stream?.close() }
        guard let ended = presence.end(session) else { return }
        swarms.removePeers(of: ended.session.user, port: ended.session.port)
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

    /// Takes a report of the pieces that a user's peer holds. All of it is checked before any of
    /// it counts.
    func report(_ holdings: [Holding], by user: UserIndex) throws(APIError) {
        for holding in holdings {
            guard directory.isMember(user, ofGroupOwning: holding.infoHash),
                let record = directory.file(holding.infoHash)?.file.record
            else { throw .unknownInfoHash(holding.infoHash) }
            guard holding.bitfield.bytes.count == (record.pieceCount + 7) / 8 else {
                throw .wrongBitfield(holding.infoHash, pieceCount: record.pieceCount)
            }
        }
        for holding in holdings {
            guard let record = directory.file(holding.infoHash)?.file.record else { continue }
            do throws(Presence.ReportError) {
                try presence.report(
                    holding.infoHash, by: user, bitfield: holding.bitfield.bytes,
                    pieceCount: record.pieceCount)
            } catch {
                switch error {
                case .wrongBitfield:
                    throw .wrongBitfield(holding.infoHash, pieceCount: record.pieceCount)
                case .tooMuch(let limit):
                    throw .limitReached("bytes of bitfields of one user", limit)
                }
            }
        }
    }
}
