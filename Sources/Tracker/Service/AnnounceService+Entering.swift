import Reactor
import TrackerCore
import Wire

// The hot path: no String, no database, nothing that waits.
extension AnnounceService {
    /// An announce with who makes it.
    struct ArrivedAnnounce {
        let request: AnnounceRequest
        let path: AnnouncePath
        /// Of the connection or the datagram: the only address that is believed.
        let address: IPAddress
        let identity: PeerIdentity

        var place: Swarms.Key { Swarms.Key(infoHash: request.infoHash, identity: identity) }
    }

    func arrived(
        _ request: AnnounceRequest, path: AnnouncePath, from address: IPAddress
    ) -> ArrivedAnnounce {
        ArrivedAnnounce(
            request: request, path: path, address: address,
            identity: identity(of: request, path, address: address))
    }

    /// What an announce leads to; the peers that were chosen are in `chosen`.
    enum AnnounceOutcome {
        case entered(Swarms.Counts)
        case refused(AnnounceFailure)
    }

    /// Decides an announce and enters it.
    /// - Parameter mostPeers: what an answer has room for.
    func announce(_ arrived: ArrivedAnnounce, mostPeers: Int = .max) -> AnnounceOutcome {
        if isTooOften(arrived.address) { return .refused(Self.tooOften) }
        return switch decide(arrived.path, arrived.request.infoHash) {
        case .refused(let refusal): .refused(failure(of: refusal))
        case .allowed(let user): enter(arrived, user: user, mostPeers: mostPeers)
        }
    }

    /// Counts an announce or a scrape of the address, if it may make one.
    func isTooOften(_ address: IPAddress) -> Bool {
        announceRates?.take(address, at: now) != nil
    }

    static let tooOften = AnnounceFailure(
        reason: "too many announces from your address", retryIn: .minutes(1))

    /// The time of an announce is from its turn's beginning: what its sender waits for here.
    func count(_ outcome: Metrics.Outcome, over transport: Metrics.Transport) {
        let time = MonotonicTime.current.nanoseconds - loop.now.nanoseconds
        metrics.countAnnounce(outcome, over: transport, nanoseconds: time)
    }

    private func decide(_ path: AnnouncePath, _ infoHash: InfoHash) -> AnnounceDecision {
        let passkey: Passkey?
        switch path {
        case .open: passkey = nil
        case .passkey(let given): passkey = given
        case .malformed: return .refused(.unknownPasskey)
        }
        return directory.decide(
            passkey: passkey, infoHash: infoHash,
            openSwarms: configuration.openSwarms)
    }

    private func failure(of refusal: AnnounceDecision.Refusal) -> AnnounceFailure {
        let retryIn: AnnounceFailure.RetryIn? =
            switch refusal {
            case .unknownPasskey, .openSwarmsOff, .passkeyMissing: .never
            case .notRegistered, .notOpen: nil
            }
        return AnnounceFailure(reason: refusal.reason, retryIn: retryIn)
    }

    private func enter(
        _ arrived: ArrivedAnnounce, user: UserIndex?, mostPeers: Int
    ) -> AnnounceOutcome {
        let (request, identity) = (arrived.request, arrived.identity)
        if request.event == .stopped {
            let counts = swarms.stop(identity, of: request.infoHash)
            chosen.removeAll()
            if tellsChanges { changed(.left(request.infoHash, identity)) }
            return .entered(counts)
        }
        let wanted = request.numwant ?? configuration.usualPeers
        let entry = SwarmEntry(
            infoHash: request.infoHash, identity: identity, user: user,
            endpoint: Endpoint(address: arrived.address, port: request.port),
            isSeeder: request.left == 0, isPaused: request.event == .paused,
            hasCompleted: request.event == .completed, lifetime: peerLifetime)
        let announce = Swarms.Announce(
            entry: entry, mayLackMetadata: user == nil && Self.mayLackMetadata(request),
            wanted: request.event == .paused ? 0 : min(wanted, configuration.mostPeers, mostPeers))
        guard let counts = swarms.announce(announce, at: now, random: &random, into: &chosen)
        else {
            return .refused(
                AnnounceFailure(
                    reason: "this tracker can't take more peers", retryIn: .minutes(10)))
        }
        if tellsChanges { changed(.entered(entry)) }
        return .entered(counts)
    }

    /// By a magnet link, of which there are open swarms' alone, some clients (aria2) announce that
    /// nothing is left while they don't know yet what there is. Who has given or taken a byte does.
    private static func mayLackMetadata(_ request: AnnounceRequest) -> Bool {
        request.left == 0 && request.uploaded == 0 && request.downloaded == 0
            && request.event != .completed
    }

    /// A user's clients are told apart by their peer ids. A stranger's entry belongs to who knows
    /// its key (BEP 7), or comes from its address where there is none.
    private func identity(
        of request: AnnounceRequest, _ path: AnnouncePath, address: IPAddress
    ) -> PeerIdentity {
        if case .passkey(let passkey) = path {
            return identities.identity(of: request.peerID, passkey: passkey)
        }
        guard let key = request.key else {
            return identities.identity(of: request.peerID, address: address)
        }
        return identities.identity(of: request.peerID, key: key)
    }

    /// The counts of swarms that are open to anybody; of others, those of an empty one.
    /// - Parameter counts: what it held is replaced.
    func scrapeOpen(_ infoHashes: [InfoHash], into counts: inout [Swarms.Counts]) {
        swarms.counts(of: infoHashes, into: &counts)
        for (index, infoHash) in infoHashes.enumerated() {
            if case .allowed = decide(.open, infoHash) { continue }
            counts[index] = Swarms.Counts()
        }
    }

    /// The counts of a swarm, where the caller may announce to it; `nil` refuses that hash alone.
    func scrape(
        _ infoHash: InfoHash, path: AnnouncePath
    ) -> Result<Swarms.Counts?, AnnounceFailure> {
        switch decide(path, infoHash) {
        case .allowed: .success(swarms.counts(of: infoHash) ?? Swarms.Counts())
        case .refused(.unknownPasskey): .failure(failure(of: .unknownPasskey))
        case .refused: .success(nil)
        }
    }
}
