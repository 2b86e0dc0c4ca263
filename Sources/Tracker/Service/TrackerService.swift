import Logging
import Reactor
import TrackerCore
import Wire

/// The tracker behind its protocols: the projections in memory, the store they are fed from, and
/// the event streams of those who are online. Lives on the loop's thread; of several reactors, on
/// that of the first.
final class TrackerService: AnnounceService {
    let networkID: String
    let authorities: GroupAuthorities
    /// Differs for each run: peers whose tracker changes it announce and report anew.
    let instance: TrackerInstance

    var presence = Presence()
    var throttle: LoginThrottle
    /// By address.
    var failedLogins: AddressRates
    /// Of the sessions that are online.
    var streams: [SessionID: EventStream] = [:]
    /// Why the database's log couldn't be read when it was last tried: commands are refused, and
    /// announces are answered from memory.
    private(set) var databaseFailure: StoreError?
    /// Something can't be written down or read just now.
    var isDegraded: Bool {
        databaseFailure != nil || store.obstacle != nil || swarmLog.isFailing
    }
    /// When each other tracker was last heard of.
    var heardOf: [TrackerInstance: Instant] = [:]
    /// Sessions of here that the others haven't been told of for the longest time.
    var presenceToTell: [SessionID] = []
    var presencePerTurn = 0
    /// The tracker's reactors but this one; nil where there is one.
    var sides: SideReactors?

    private(set) var store: StoreWorker!
    /// What this tracker tells the others, and hears of them.
    private(set) var swarmLog: SwarmLogFollower!
    private var watches: [any ChangeWatch] = []
    let passwordPool: WorkerPool
    /// Makes keys and signs certificates: neither log-ins nor the database wait for it.
    let signer: WorkerPool
    private var timers: [TimerID?] = [nil, nil, nil, nil]
    private var isShutDown = false
    /// Called when the projection can't follow the log any more: nothing can be answered truly.
    var onFailure: (String) -> Void = { _ in }

    /// Loads the present state from the store, which takes a while if there is much of it.
    init(
        loop: EventLoop, stores: TrackerStores, authorities: GroupAuthorities,
        configuration: TrackerConfiguration, logger: Logger
    ) throws {
        let store = stores.directory
        networkID = store.networkID
        self.authorities = authorities
        var generator = SystemRandomness()
        instance = TrackerInstance(random: &generator)
        throttle = LoginThrottle(policy: configuration.loginPolicy)
        failedLogins = AddressRates(configuration.failedLogins)
        let snapshot = try store.snapshot()
        let present = try Directory(snapshot: snapshot.events, through: snapshot.through)
        var restored = Swarms(limits: configuration.swarmLimits)
        for (infoHash, count) in try store.downloads() {
            restored.restore(completed: count, of: infoHash)
        }
        passwordPool = try WorkerPool(
            loop: loop, threads: configuration.passwordThreads,
            queueLimit: configuration.passwordQueue)
        signer = try WorkerPool(
            loop: loop, threads: 1, queueLimit: configuration.certificateQueue)
        super.init(
            loop: loop, directory: present, swarms: restored,
            identities: PeerIdentities(networkSecret: store.secret), configuration: configuration,
            logger: logger)
        self.store = try StoreWorker(
            loop: loop, store: store, readThrough: snapshot.through,
            queueLimit: configuration.commandQueue
        ) { [unowned self] events in apply(events) }
        swarmLog = try SwarmLogFollower(loop: loop, log: stores.swarmLog, instance: instance)
        tellsChanges = true
        swarmLog.nameOfUser = { [unowned self] in directory.users[Int($0)].id }
        try takeOver(store, stores.swarmLog)
        self.store.onAnswer = { [metrics] in metrics.databaseTimes.observe(nanoseconds: $0) }
        self.store.settle = { [unowned self] then in
            if let sides { sides.settle(then) } else { then() }
        }
        schedulePings()
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

    /// Closes the event streams without taking anyone for offline: the tracker goes, not they.
    func closeStreams() {
        for stream in streams.values { stream.abandon() }
        streams.removeAll()
    }

    /// Finishes the commands under way and ends the threads.
    func shutdown() {
        isShutDown = true
        stopSweeping()
        for case let timer? in timers { loop.cancel(timer) }
        for watch in watches { watch.close() }
        recordDownloads()
        swarmLog.shutdown()
        store.shutdown()
        signer.shutdown()
        passwordPool.shutdown()
    }

    // MARK: Swarms

    override func changed(_ change: SwarmChange) {
        super.changed(change)
        tell(change)
    }

    override func take(_ changes: [SwarmChange]) {
        super.take(changes)
        for change in changes { tell(change) }
    }

    // MARK: Following the log

    func apply(_ events: Result<[RecordedEvent], StoreError>) {
        switch events {
        case .success(let events):
            if databaseFailure != nil {
                databaseFailure = nil
                logger.info("the database's log is followed again")
            }
            var notices: [DirectoryNotice] = []
            do throws(DirectoryInconsistency) {
                for event in events { try directory.apply(event, into: &notices) }
            } catch {
                return onFailure("the database's log can't be followed: \(error)")
            }
            if !events.isEmpty { sides?.forward(events) }
            for notice in notices { perform(notice) }
        case .failure(.wentBack): onFailure("\(StoreError.wentBack)")
        case .failure(let error):
            // The next command or poll reads the same events again.
            if databaseFailure == nil {
                logger.error("can't read the database's log", ["error": error])
            }
            databaseFailure = error
        }
    }

    private func perform(_ notice: DirectoryNotice) {
        performInSwarms(notice)
        switch notice {
        case .passkeyReset(let user, let passkey):
            send(.passkey(PasskeyEvent(passkey: passkey.hex)), to: [user])
        case .membership(let event, let users): send(.membership(event), to: users)
        case .catalogue(let event, let users): send(.catalogue(event), to: users)
        case .share(let share, let isSharing, let users):
            if !isSharing { presence.forget(share.infoHash, by: share.user) }
            let isOnline = isSharing && presence.isOnline(share.user)
            send(.share(event(share, isOnline: isOnline)), to: users)
        case .sessionEnded(let id, _): endPresence(of: id)
        case .memberExcluded(let user, let infoHashes):
            for infoHash in infoHashes { presence.forget(infoHash, by: user) }
        case .swarmEnded(let infoHash): presence.forget(infoHash)
        case .hashWithdrawn: break
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

    private func schedulePolls() {
        repeating(1, after: configuration.pollInterval) { [unowned self] in
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
