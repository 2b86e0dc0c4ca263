import Reactor
import TrackerCore
import Wire

// What other trackers tell of their peers.
extension TrackerService {
    /// Tells the other trackers of something that has happened here.
    func tell(_ record: PresenceRecord) { swarmLog.tell(record) }

    /// Tells the other trackers of a change of the swarms that was made here.
    func tell(_ change: SwarmChange) {
        if configuration.tellsSwarms { swarmLog.tell(change) }
    }

    /// Takes over what the trackers that run have told of; before the first answer.
    func takeOver(_ store: any DirectoryStore, _ log: any SwarmLog) throws(StoreError) {
        var batches: [SwarmLogEntry]
        repeat {
            batches = try log.batches(
                after: swarmLog.readThrough, limit: SwarmLogFollower.batchesPerRead)
            swarmLog.readThrough = batches.last?.sequence ?? swarmLog.readThrough
            // The directory must know what a batch speaks of.
            apply(.success(try store.events(after: directory.appliedThrough, limit: .max)))
            // The counts of downloads are the database's.
            for batch in batches { perform(batch, countsDownloads: false) }
        } while batches.count == SwarmLogFollower.batchesPerRead
    }

    /// - Parameter isCurrent: there were no more.
    func follow(_ batches: [SwarmLogEntry], isCurrent: Bool) {
        // The directory must know what a batch speaks of.
        guard !batches.isEmpty else { return isCurrent ? forgetSilentTrackers() : () }
        store.catchUp { [self] in
            for batch in batches { perform(batch, countsDownloads: true) }
            if isCurrent { forgetSilentTrackers() }
        }
    }

    private func perform(_ entry: SwarmLogEntry, countsDownloads: Bool) {
        heardOf[entry.tracker] = now
        guard let batch = TrackerBatch(decoding: entry.body) else { return tellOfDamage(entry) }
        for record in batch.presence { perform(record, of: entry.tracker) }
        guard !batch.swarms.isEmpty else { return }
        do throws(SwarmBatchError) {
            let swarms = try SwarmBatch(decoding: batch.swarms) { directory.user(named: $0) }
            let age = Duration.seconds(max(0, StoreWorker.wallClock - swarms.time))
            take(fromElsewhere: swarms.changes, age: age, countsDownloads: countsDownloads)
        } catch {
            tellOfDamage(entry)
        }
    }

    private func tellOfDamage(_ entry: SwarmLogEntry) {
        logger.warning(
            "a batch of the swarms' log isn't understood",
            ["tracker": entry.tracker, "sequence": entry.sequence])
    }

    private func perform(_ record: PresenceRecord, of tracker: TrackerInstance) {
        switch record {
        case .online(let session):
            guard let known = directory.session(session) else { return }
            enterPresence(of: session, known, at: tracker)
        case .offline(let session):
            if let ended = presence.end(session, at: tracker) { leavePresence(ended) }
        case .holdsAll(let infoHash, let user):
            guard let pieceCount = pieceCount(of: infoHash, for: user) else { return }
            // Bytes that are all set, but for the spare bits.
            var bitfield = [UInt8](repeating: 0xff, count: (pieceCount + 7) / 8)
            if pieceCount % 8 != 0 {
                bitfield[bitfield.count - 1] = 0xff << UInt8(8 - pieceCount % 8)
            }
            enter(bitfield, of: infoHash, by: user, pieceCount)
        case .holds(let infoHash, let user, let bitfield):
            guard let pieceCount = pieceCount(of: infoHash, for: user) else { return }
            enter(bitfield, of: infoHash, by: user, pieceCount)
        }
    }

    private func pieceCount(of infoHash: InfoHash, for user: UserIndex) -> Int? {
        guard directory.isMember(user, ofGroupOwning: infoHash) else { return nil }
        return directory.file(infoHash)?.file.record.pieceCount
    }

    private func enter(
        _ bitfield: [UInt8], of infoHash: InfoHash, by user: UserIndex, _ pieceCount: Int
    ) {
        do throws(Presence.ReportError) {
            try presence.report(infoHash, by: user, bitfield: bitfield, pieceCount: pieceCount)
        } catch {
            logger.debug("another tracker's report isn't kept", ["error": "\(error)"])
        }
    }

    /// The streams of a tracker that isn't heard of any more have ended. Only to be asked when all
    /// that there is has been read.
    private func forgetSilentTrackers() {
        // Where this one can't tell anything the others may not be able to either.
        guard !swarmLog.isFailing else { return }
        let silent = heardOf.filter { $0.value.advanced(by: configuration.trackerSilence) < now }
        for tracker in silent.keys.sorted(by: { $0.description < $1.description }) {
            heardOf[tracker] = nil
            logger.info("another tracker is gone", ["instance": tracker])
            for ended in presence.endAll(at: tracker) { leavePresence(ended) }
        }
    }

    // MARK: What is told again

    /// A tracker that starts later hears within this time who is online here.
    private static let turnsToTellAll = 30

    /// Tells of a part of the sessions that are online here; about once a second.
    func tellSomePresence() {
        if presenceToTell.isEmpty {
            presenceToTell = Array(streams.keys)
            presencePerTurn = presenceToTell.count / Self.turnsToTellAll + 1
        }
        for session in presenceToTell.suffix(presencePerTurn) { tellPresence(of: session) }
        presenceToTell.removeLast(min(presencePerTurn, presenceToTell.count))
    }

    /// The others may have taken this tracker for gone.
    func tellAllPresence() {
        for session in streams.keys { tellPresence(of: session) }
    }

    private func tellPresence(of session: SessionID) {
        guard streams[session] != nil, let user = directory.session(session)?.user else { return }
        tell(.online(session))
        for record in presence.records(of: user) { tell(record) }
    }
}
