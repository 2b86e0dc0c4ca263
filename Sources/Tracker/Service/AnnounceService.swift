import Logging
import Reactor
import TrackerCore
import Wire

/// What each reactor of a tracker has to answer announces and scrapes with: its own projections of
/// the directory and of the swarms. Lives on its loop's thread, and shares nothing.
class AnnounceService {
    final let loop: EventLoop
    final private(set) var configuration: TrackerConfiguration
    final let logger: Logger
    final let metrics = Metrics()

    final var directory: Directory
    final var swarms: Swarms
    /// By address; nil: as many announces as come.
    final var announceRates: AddressRates?
    final var random: SmallGenerator
    /// The same for all reactors.
    final let identities: PeerIdentities
    /// The announce interval, its minimum, and how long a peer counts, as every announce needs
    /// them.
    final private(set) var announceSeconds = 0
    final private(set) var minimumSeconds = 0
    final private(set) var peerLifetime = Duration.zero
    /// Whether anybody is believed to speak for others.
    final private(set) var trustsProxies = false
    /// The peers chosen for the announce that is being answered.
    final var chosen = Swarms.Chosen()
    /// Whether anybody else has to hear of this reactor's announces.
    final var tellsChanges = false
    /// To the tracker's other reactors; nil where it has none.
    final var exchange: SwarmExchange? {
        didSet { tellsChanges = tellsChanges || exchange != nil }
    }
    private var sweepTimer: TimerID?

    /// Peers looked at by one sweep for those that are silent; there is one a second.
    private static let sweepBudget = 20_000

    init(
        loop: EventLoop, directory: consuming Directory, swarms: consuming Swarms,
        identities: PeerIdentities, configuration: TrackerConfiguration, logger: Logger
    ) {
        self.loop = loop
        self.directory = directory
        self.swarms = swarms
        self.identities = identities
        self.configuration = configuration
        self.logger = logger
        random = SmallGenerator(seed: .random(in: .min ... .max))
        announceRates = configuration.announces.map { AddressRates($0) }
        loop.onTurnEnd = { [metrics] time in
            metrics.turnTimes.observe(nanoseconds: time.nanosecondsSaturating)
        }
        applyConfiguration()
        scheduleSweeps()
    }

    final var now: Instant { Instant(nanoseconds: loop.now.nanoseconds) }

    /// Takes other settings, as far as they can change: what is told to clients, who may announce,
    /// and how often.
    final func reload(_ configuration: TrackerConfiguration) {
        if configuration.announces != self.configuration.announces {
            announceRates = configuration.announces.map { AddressRates($0) }
        }
        self.configuration = configuration
        applyConfiguration()
    }

    private func applyConfiguration() {
        announceSeconds = Int(configuration.announceInterval.components.seconds)
        minimumSeconds = max(1, announceSeconds / 4)
        // A client may miss one announce.
        peerLifetime = configuration.announceInterval * 2 + .seconds(30)
        trustsProxies = !configuration.trustedProxies.isEmpty
    }

    // MARK: Silent peers

    final func stopSweeping() {
        if let sweepTimer { loop.cancel(sweepTimer) }
    }

    private func scheduleSweeps() {
        sweepTimer = loop.schedule(after: .seconds(1)) { [unowned self] in
            sweep()
            scheduleSweeps()
        }
    }

    func sweep() {
        swarms.removeExpired(at: now, budget: Self.sweepBudget) { directory.isGroupFile($0) }
    }

    // MARK: What happens elsewhere

    /// A peer of this reactor has come or gone: to be told to whoever keeps the same swarms.
    func changed(_ change: SwarmChange) { exchange?.add(change) }

    /// Takes what another reactor of this tracker tells.
    func take(_ changes: [SwarmChange]) { enter(changes, age: .zero, countsDownloads: true) }

    /// Takes what another tracker tells, for all reactors of this one.
    /// - Parameters:
    ///   - age: how long ago it happened.
    ///   - countsDownloads: false where the counts are known already.
    final func take(fromElsewhere changes: [SwarmChange], age: Duration, countsDownloads: Bool) {
        enter(changes, age: age, countsDownloads: countsDownloads)
        guard let exchange else { return }
        for change in changes { exchange.add(change) }
    }

    private func enter(_ changes: [SwarmChange], age: Duration, countsDownloads: Bool) {
        for change in changes where isAllowed(change) {
            swarms.apply(change, at: now, age: age, countsDownloads: countsDownloads)
        }
    }

    /// What was allowed there may have been forbidden since.
    private func isAllowed(_ change: SwarmChange) -> Bool {
        guard case .entered(let entry) = change else { return true }
        if let user = entry.user {
            return directory.isMember(user, ofGroupOwning: entry.infoHash)
        }
        let decision = directory.decide(
            passkey: nil, infoHash: entry.infoHash, openSwarms: configuration.openSwarms)
        return decision == .allowed(user: nil)
    }

    /// Does to the swarms what follows of a change of the directory.
    final func performInSwarms(_ notice: DirectoryNotice) {
        switch notice {
        case .passkeyReset(let user, _): swarms.removePeers(of: user, port: nil)
        case .sessionEnded(_, let session):
            swarms.removePeers(of: session.user, port: session.port)
        case .memberExcluded(let user, let infoHashes):
            swarms.removePeers(of: user, from: infoHashes)
        case .swarmEnded(let infoHash): swarms.removeSwarm(infoHash)
        case .hashWithdrawn(let infoHash):
            if configuration.openSwarms == .registered, !directory.isGroupFile(infoHash) {
                swarms.removeSwarm(infoHash)
            }
        case .membership, .catalogue, .share: break
        }
    }
}
