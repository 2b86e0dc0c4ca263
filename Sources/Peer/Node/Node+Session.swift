import Reactor
import Wire

/// Logging in and out, and what the tracker tells of meanwhile.
extension Node {
    var holdings: HoldingsReporter? { session?.holdings }

    func notify(_ message: String) {
        logger.info("notice", ["text": message])
        noticeHandler(.message(message))
    }

    /// The session, or the error for a command that needs one.
    func requireSession() throws(CommandError) -> Session {
        guard let session else {
            throw CommandError(
                "you are not logged in: login <user_id> <password>", .notAuthorized)
        }
        return session
    }

    func logIn(
        _ userID: String, password: String,
        then completion: @escaping (Result<LoginSummary, CommandError>) -> Void
    ) {
        if let session {
            return completion(
                .failure(
                    CommandError("\(session.userID) is logged in: logout first", .refused)))
        }
        let request = LoginRequest(
            userID: userID, password: password, port: port, peerID: peerID)
        tracker.logIn(request) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(CommandError(error)))
            case .success(let response):
                do throws(CommandError) {
                    begin(try Session(response, node: self), token: response.token)
                } catch {
                    return completion(.failure(error))
                }
                transfers.restore(user: userID) { completion(.success($0)) }
            }
        }
    }

    private func begin(_ session: Session, token: String) {
        self.session = session
        tracker.token = token
        tracker.openEvents { [weak self] event in
            self?.handle(event)
        } onUp: { [weak self] instance in
            self?.trackerIsUp(instance)
        } onDown: { [weak self] error in
            self?.trackerIsDown(error)
        }
    }

    /// Stops what the user shares and loads, remembers it, and ends the session.
    func logOut(then completion: @escaping (Result<Void, CommandError>) -> Void) {
        guard let session else {
            return completion(.failure(CommandError("nobody is logged in", .notAuthorized)))
        }
        transfers.stop(user: session.userID)
        endSession { completion(.success(())) }
    }

    /// Ends the session at the tracker; where that can't be reached it notices the closed event
    /// stream by itself.
    func endSession(then completion: @escaping () -> Void) {
        guard let session else { return completion() }
        self.session = nil
        session.stop()
        tracker.closeEvents()
        tracker.logOut { [tracker] result in
            if case .failure(let error) = result {
                self.logger.warning("log-out", ["error": String(describing: error)])
            }
            tracker.token = nil
            completion()
        }
    }

    // MARK: What the tracker says

    private func trackerIsUp(_ instance: String) {
        guard let session else { return }
        if session.isTrackerLost {
            session.isTrackerLost = false
            noticeHandler(.trackerBack("the tracker is back"))
        }
        // Presence, holdings and swarms of a session live as long as its event stream.
        let isFirst = session.trackerInstance == nil
        session.trackerInstance = instance
        session.holdings.reportAll()
        if !isFirst {
            for torrent in torrents.values { torrent.announceNow() }
            leaveLostGroups(of: session)
        }
        // Whoever left before the stream was open is named with the next certificate.
        session.seals.renewAll()
        for infoHash in session.unregistered.sorted() {
            guard let transfer = transfers.byInfoHash[infoHash] else { continue }
            registerShare(of: transfer)
        }
    }

    /// A removal that happened while the event stream was down was told to nobody here.
    private func leaveLostGroups(of session: Session) {
        let groups = Set(transfers.inOrder.map(\.group)).subtracting([""]).sorted()
        for group in groups {
            tracker.files(group: group) { [weak self] result in
                guard let self, self.session === session,
                    case .failure(.refused(403...404, _, let message)) = result
                else { return }
                transfers.forget(group: group, user: session.userID)
                session.seals.leave(group)
                notify("the files of \(group) are not shared any more: \(message)")
            }
        }
    }

    private func trackerIsDown(_ error: TrackerError) {
        guard let session else { return }
        if case .refused(401, _, _) = error {
            transfers.stop(user: session.userID)
            session.stop()
            self.session = nil
            tracker.closeEvents()
            tracker.token = nil
            return noticeHandler(
                .trackerLost("the tracker has ended the session: log in again"))
        }
        guard !session.isTrackerLost else { return }
        session.isTrackerLost = true
        noticeHandler(.trackerLost("\(error); trying again in the background"))
    }

    private func handle(_ event: TrackerEvent) {
        guard let session else { return }
        switch event {
        case .hello, .catalogue: break
        case .passkey(let event): passkeyIsReplaced(by: event.passkey)
        case .share(let share): handle(share, session)
        case .membership(let membership): handle(membership, session)
        }
    }

    /// What was announced with the old passkey is gone from the tracker's swarms. Both the answer
    /// to who asked for it and an event tell of it.
    func passkeyIsReplaced(by passkey: String) {
        guard let session, passkey != session.passkey else { return }
        session.passkey = passkey
        for transfer in transfers.inOrder where !transfer.group.isEmpty {
            transfer.torrent?.announceNow()
        }
    }

    /// A sharer came online: a download of that file asks for its address.
    private func handle(_ event: ShareEvent, _ session: Session) {
        guard event.online, event.userID != session.userID,
            let transfer = transfers.byInfoHash[event.infoHash], transfer.isPending,
            let torrent = transfer.torrent
        else { return }
        let last = session.lastNudge[event.infoHash] ?? Instant(nanoseconds: .min / 2)
        guard last.advanced(by: .seconds(1)) < now else { return }
        session.lastNudge[event.infoHash] = now
        torrent.announceNow()
    }

    private func handle(_ event: MembershipEvent, _ session: Session) {
        let (group, user) = (event.groupID, event.userID)
        if user != session.userID {
            switch event.change {
            case .removed, .left: session.seals.userLeft(user, group)
            case .accepted: session.seals.userJoined(user, group)
            case .requested, .rejected, .owner: break
            }
            if event.change == .requested {
                notify("\(user) asks to join \(group): accept_request \(group) \(user)")
            }
            return
        }
        switch event.change {
        case .requested: break
        case .accepted: notify("you are a member of \(group) now")
        case .rejected: notify("your request to join \(group) was rejected")
        case .owner: notify("you own \(group) now")
        case .left:
            transfers.forget(group: group, user: user)
            session.seals.leave(group)
        case .removed:
            transfers.forget(group: group, user: user)
            session.seals.leave(group)
            notify("you were removed from \(group); its files are not shared any more")
        }
    }

    // MARK: Shares at the tracker

    /// Makes the user a sharer of a file that is complete here; tried again when the tracker is
    /// back.
    /// - Parameter completion: after the first try, whatever came of it.
    func registerShare(
        of transfer: Transfer, then completion: @escaping () -> Void = {}
    ) {
        guard let session, !transfer.group.isEmpty else { return completion() }
        session.unregistered.insert(transfer.infoHash)
        tracker.share(group: transfer.group, name: transfer.name) { [weak self] result in
            defer { completion() }
            switch result {
            case .failure(.unreachable), .failure(.refused(500..., _, _)): return
            default: break
            }
            session.unregistered.remove(transfer.infoHash)
            if case .failure(let error) = result {
                self?.notify("\(transfer.name) is not shared in \(transfer.group): \(error)")
            }
        }
    }

    /// The file is no longer what was shared. The share is remembered, since the file may come
    /// back; until then there is nothing to be had here.
    func shareIsUnavailable(_ infoHash: InfoHash, pieceCount: Int) {
        session?.unavailable[infoHash] = pieceCount
        holdings?.changed(infoHash)
    }
}
