import Logging
import Reactor
import TrackerCore
import Wire

/// The tracker behind its protocols: the projections in memory, the store they are fed from, and
/// the event streams of those who are online. Lives on the loop's thread.
final class TrackerService {
    let loop: EventLoop
    private(set) var configuration: TrackerConfiguration
    let networkID: String
    /// Differs for each run: peers whose tracker changes it announce and report anew.
    let instance: TrackerInstance
    let logger: Logger
    let metrics = Metrics()

    var directory: Directory
    var swarms: Swarms
    var presence = Presence()
    var throttle: LoginThrottle
    /// By address; nil: as many announces as come.
    var failedLogins: AddressRates
    var announceRates: AddressRates?
    var random: SmallGenerator
    let identities: PeerIdentities
    /// Of the sessions that are online.
    var streams: [SessionID: EventStream] = [:]
    /// When each other tracker was last heard of.
    var heardOf: [TrackerInstance: Instant] = [:]
    /// Sessions of here that the others haven't been told of for the longest time.
    var presenceToTell: [SessionID] = []
    var presencePerTurn = 0
    /// The announce interval, its minimum, and how long a peer counts, as every announce needs
    /// them.
    private(set) var announceSeconds = 0
    private(set) var minimumSeconds = 0
    private(set) var peerLifetime = Duration.zero
    /// The peers chosen for the announce that is being answered.
    var chosen = Swarms.Chosen()

    private(set) var store: StoreWorker!
    /// What this tracker tells the others, and hears of them.
    private(set) var swarmLog: SwarmLogFollower!
    private var watches: [any ChangeWatch] = []
    let passwordPool: WorkerPool
    private var timers: [TimerID?] = [nil, nil, nil, nil, nil]
    private var isShutDown = false
    /// Called when the projection can't follow the log any more: nothing can be answered truly.
    var onFailure: (String) -> Void = { _ in }

    /// Peers looked at by one sweep for those that are silent; there is one a second.
    private static let sweepBudget = 20_000

    /// Loads the present state from the store, which takes a while if there is much of it.
    init(
        loop: EventLoop, stores: TrackerStores, configuration: TrackerConfiguration,
        logger: Logger
    ) throws {
        let store = stores.directory
        self.loop = loop
        self.configuration = configuration
        self.logger = logger
        networkID = store.networkID
        var generator = SystemRandomNumberGenerator()
        instance = TrackerInstance(random: &generator)
        random = SmallGenerator(seed: generator.next())
        identities = PeerIdentities(networkSecret: store.secret)
        swarms = Swarms(limits: configuration.swarmLimits)
        throttle = LoginThrottle(policy: configuration.loginPolicy)
        failedLogins = AddressRates(configuration.failedLogins)
        announceRates = configuration.announces.map { AddressRates($0) }
        let snapshot = try store.snapshot()
        directory = try Directory(snapshot: snapshot.events, through: snapshot.through)
        for (infoHash, count) in try store.downloads() {
            swarms.restore(completed: count, of: infoHash)
        }
        passwordPool = try WorkerPool(
            loop: loop, threads: configuration.passwordThreads,
            queueLimit: configuration.passwordQueue)
        self.store = try StoreWorker(
            loop: loop, store: store, readThrough: snapshot.through,
            queueLimit: configuration.commandQueue
        ) { [unowned self] events in apply(events) }
        swarmLog = try SwarmLogFollower(loop: loop, log: stores.swarmLog, instance: instance)
        swarmLog.nameOfUser = { [unowned self] in directory.users[Int($0)].id }
        try takeOver(store, stores.swarmLog)
        self.store.onAnswer = { [metrics] in metrics.databaseTimes.observe(nanoseconds: $0) }
        loop.onTurnEnd = { [metrics] time in
            metrics.turnTimes.observe(nanoseconds: time.nanosecondsSaturating)
        }
        applyInterval()
        schedulePings()
        scheduleSweeps()
        scheduleMaintenance(after: .seconds(60))
        scheduleRecords()
        try follow(stores)
    }

    /// Follows what other trackers commit: woken up, and looking by itself all the same.
    private func follow(_ stores: TrackerStores) throws {
        watches = [
            try stores.watch(loop, .directory) { [unowned self] in store.catchUp() },
            try stores.watch(loop, .swarms) { [unowned self] in swarmLog.read() },
        ]
        swarmLog.onBatches = { [unowned self] batches, isCurrent in
            follow(batches, isCurrent: isCurrent)
        }
        swarmLog.onFailure = { [logger] in
            logger.warning("the swarms' log isn't followed just now", ["error": $0])
        }
        swarmLog.onRecovery = { [unowned self] in
            logger.info("the swarms' log is followed again")
            // Nobody could be heard of.
            for tracker in heardOf.keys { heardOf[tracker] = now }
        }
        swarmLog.onGap = { [unowned self] in tellAllPresence() }
        schedulePolls()
    }

    /// Takes other settings, as far as they can change: what is told to clients, who may announce,
    /// and how often.
    func reload(_ configuration: TrackerConfiguration) {
        if configuration.announces != self.configuration.announces {
            announceRates = configuration.announces.map { AddressRates($0) }
        }
        self.configuration = configuration
        applyInterval()
    }

    private func applyInterval() {
        announceSeconds = Int(configuration.announceInterval.components.seconds)
        minimumSeconds = max(1, announceSeconds / 4)
        // A client may miss one announce.
        peerLifetime = configuration.announceInterval * 2 + .seconds(30)
    }

    var now: Instant { Instant(nanoseconds: loop.now.nanoseconds) }

    /// Closes the event streams without taking anyone for offline: the tracker goes, not they.
    func closeStreams() {
        for stream in streams.values { stream.abandon() }
        streams.removeAll()
    }

    /// Finishes the commands under way and ends the threads.
    func shutdown() {
        isShutDown = true
        for case let timer? in timers { loop.cancel(timer) }
        for watch in watches { watch.close() }
        recordDownloads()
        swarmLog.shutdown()
        store.shutdown()
        passwordPool.shutdown()
    }

    // MARK: Following the log

    func apply(_ events: Result<[RecordedEvent], StoreError>) {
        switch events {
        case .success(let events):
            var notices: [DirectoryNotice] = []
            do throws(DirectoryInconsistency) {
                for event in events { try directory.apply(event, into: &notices) }
            } catch {
                return onFailure("the database's log can't be followed: \(error)")
            }
            for notice in notices { perform(notice) }
        case .failure(let error):
            // The next command or poll reads the same events again.
            logger.error("can't read the database's log", ["error": error])
        }
    }

    private func perform(_ notice: DirectoryNotice) {
        switch notice {
        case .passkeyReset(let user, let passkey):
            swarms.removePeers(of: user, port: nil)
            send(.passkey(PasskeyEvent(passkey: passkey.hex)), to: [user])
        case .membership(let event, let users): send(.membership(event), to: users)
        case .catalogue(let event, let users): send(.catalogue(event), to: users)
        case .share(let share, let isSharing, let users):
            if !isSharing { presence.forget(share.infoHash, by: share.user) }
            let isOnline = isSharing && presence.isOnline(share.user)
            send(.share(event(share, isOnline: isOnline)), to: users)
        case .sessionEnded(let id, let session):
            swarms.removePeers(of: session.user, port: session.port)
            endPresence(of: id)
        case .memberExcluded(let user, let infoHashes):
            swarms.removePeers(of: user, from: infoHashes)
            for infoHash in infoHashes { presence.forget(infoHash, by: user) }
        case .swarmEnded(let infoHash):
            swarms.removeSwarm(infoHash)
            presence.forget(infoHash)
        case .hashWithdrawn(let infoHash):
            if configuration.openSwarms == .registered, !directory.isGroupFile(infoHash) {
                swarms.removeSwarm(infoHash)
            }
        }
    }

    func event(_ share: DirectoryNotice.Share, isOnline: Bool) -> ShareEvent {
        ShareEvent(
            groupID: share.group, name: share.name, infoHash: share.infoHash,
            userID: directory.users[Int(share.user)].id, online: isOnline)
    }

    // MARK: Timers

    private func repeating(
        _ place: Int, after delay: Duration, _ body: @escaping () -> Void
    ) {
        guard !isShutDown else { return }
        timers[place] = loop.schedule(after: delay, body)
    }

    private func schedulePings() {
        repeating(0, after: configuration.pingInterval) { [unowned self] in
            var ping: [UInt8] = []
            ServerSentEvent.appendPing(to: &ping)
            for stream in streams.values { stream.send(ping) }
            schedulePings()
        }
    }

    private func scheduleSweeps() {
        repeating(1, after: .seconds(1)) { [unowned self] in
            swarms.removeExpired(at: now, budget: Self.sweepBudget) {
                directory.isGroupFile($0)
            }
            scheduleSweeps()
        }
    }

    private func schedulePolls() {
        repeating(4, after: configuration.pollInterval) { [unowned self] in
            store.catchUp()
            swarmLog.read()
            swarmLog.beat(keeping: peerLifetime)
            tellSomePresence()
            schedulePolls()
        }
    }

    private func scheduleRecords() {
        repeating(3, after: .seconds(30)) { [unowned self] in
            recordDownloads()
            scheduleRecords()
        }
    }

    private func scheduleMaintenance(after delay: Duration) {
        repeating(2, after: delay) { [unowned self] in
            let online = presence.onlineSessions
            store.change { (store) throws(StoreError) in
                try store.maintain(online: online, at: StoreWorker.wallClock)
            } then: { [unowned self] result in
                if case .failure(let error) = result {
                    logger.warning("housekeeping of the database failed", ["error": error])
                }
                scheduleMaintenance(after: .seconds(6 * 3600))
            }
        }
    }
}
