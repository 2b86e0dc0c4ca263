import Glibc
import Logging
import PeerCore
import Reactor
import SQLite
import Wire

/// What a node needs to know before it starts.
package struct NodeConfiguration: Sendable {
    /// Where other peers connect to.
    package var listenAddress: ListenAddress
    /// In order of preference.
    package var trackers: [Endpoint]
    /// SHA-256 of the certificates that trackers are known to have.
    package var pins: [Endpoint: String] = [:]
    /// Whether passwords and sessions go to trackers elsewhere without TLS.
    package var isInsecure = false
    package var swarm = SwarmConfiguration()
    /// Whether the whole file's SHA-1 is checked when every piece has been.
    package var checksWholeFile = true
    package var limits = RateLimits()
    /// Of all torrents together.
    package var maxConnections = 1_000
    /// Files of shares and downloads that are kept open.
    package var maxOpenFiles = 512
    /// Downloads that are active at a time.
    package var maxDownloads = 20
    /// Where what is shared and downloaded may lie.
    package var shareRoot = ShareRoot.Choice.anywhere

    package init(listenAddress: ListenAddress, trackers: [Endpoint]) {
        self.listenAddress = listenAddress
        self.trackers = trackers
    }
}

/// A peer: one listening port, its torrents, and the session of its user. Lives on the thread of
/// its loop; other threads go through `NodeService`.
package final class Node {
    /// Connections being made, of all torrents together.
    private static let maximumHalfOpen = 200
    /// Pieces of work that wait; a download of 700,000 tiny pieces may verify them in a burst.
    private static let workLimit = 1 << 20
    /// Bytes of pieces in memory, beyond which they are stored before they are whole.
    private static let stagingLimit = 64 << 20

    /// Each asks for a graceful stop; SIGINT where the shell has no other use for it.
    static let signals = [SIGINT, SIGTERM, SIGHUP]

    let loop: EventLoop
    let logger: Logger
    let configuration: NodeConfiguration
    let peerID: PeerID
    /// Tells this client from others behind the same address (BEP 7, `key`).
    let announceKey: UInt32
    let store: StateStore
    let root: ShareRoot
    /// One thread, so that records are written in the order they were made.
    let stateWorker: WorkerPool
    /// The open files of all torrents.
    let files: FileCache
    /// What arrives for all downloads.
    let staging = StagingPool(limit: Node.stagingLimit)
    /// Hashing, opening and syncing of files.
    let diskWorkers: WorkerPool
    /// Whole pieces on their way to the disk's workers.
    let verifier: PieceVerifier
    /// Reading of files that are served and aren't in memory. One that is stuck, as on a network
    /// file system that has gone, must not hold up the others, nor the program's end.
    let readers: WorkerPool
    let tracker: TrackerClient
    private let trust: TrackerTrust
    private(set) var transfers: Transfers!
    private let listeners: [Listener]
    /// What TLS connections are taken with, and those that are being made.
    private(set) var acceptor: TLSContext!
    let tlsHandshakes = TLSHandshakes(limit: 500, perAddress: 50)
    /// Connections whose handshake hasn't come yet.
    var handshakes: WaitingHandshakes<IncomingHandshake>
    var connections: ConnectionBudget
    var dials = DialQueue(limit: maximumHalfOpen)
    /// What all connections read.
    let readBudget: ReadBudget
    /// What all connections send.
    let uploads: UploadTurns
    let announces: AnnounceQueue
    /// Bytes a second.
    var limits: RateLimits {
        didSet { applyLimits() }
    }
    /// Until active downloads are told what part of the limit is theirs.
    var shareTimer: TimerID?
    /// Clients of trackers that `.mtorrent` files name, by their addresses.
    private var otherTrackers: [[Endpoint]: TrackerClient] = [:]

    /// The torrents that run, by info-hash.
    var torrents: [InfoHash: Torrent] = [:]
    /// The descriptions that are being fetched for magnet links.
    var fetchers: [InfoHash: MetadataFetcher] = [:]
    var session: Session?
    var noticeHandler: @Sendable (NodeNotice) -> Void = { _ in }
    private var stopHandlers: [@Sendable () -> Void] = []
    private var interruptHandler: @Sendable () -> Bool = { false }
    private(set) var isStopping = false
    /// What stopping waits for: the session's end, and the withdrawal of each torrent.
    private var isSessionEnded = false
    var pendingAnnounces = 0 {
        didSet { stopWhenSettled() }
    }
    private var isSettled = false
    private var stopDeadline: TimerID?
    private var signalSource: SignalSource?

    /// - Parameter openStore: gives the state that belongs to the port that is now listened on.
    package init(
        loop: EventLoop, configuration: NodeConfiguration, logger: Logger,
        openStore: (_ port: UInt16) throws(CommandError) -> StateStore
    ) throws(CommandError) {
        self.loop = loop
        self.configuration = configuration
        self.logger = logger
        var random = SystemRandomness()
        peerID = PeerID(random: &random)
        announceKey = UInt32.random(in: .min ... .max)
        files = FileCache(limit: configuration.maxOpenFiles)
        connections = ConnectionBudget(limit: configuration.maxConnections)
        handshakes = WaitingHandshakes(connections: configuration.maxConnections)
        readBudget = ReadBudget(loop: loop)
        uploads = UploadTurns(loop: loop)
        announces = AnnounceQueue(loop: loop)
        limits = configuration.limits
        do throws(SystemError) {
            stateWorker = try WorkerPool(loop: loop, threads: 1, queueLimit: Self.workLimit)
            diskWorkers = try WorkerPool(loop: loop, threads: 2, queueLimit: Self.workLimit)
            readers = try WorkerPool(loop: loop, threads: 8, queueLimit: Self.workLimit)
        } catch {
            throw CommandError("threads can't be started: \(error)")
        }
        verifier = PieceVerifier(loop: loop, workers: diskWorkers)
        let doorstep = Doorstep()
        let listeners = try configuration.listenAddress.listeners(on: loop) { accepted in
            // A connection that nobody takes over closes as it goes out of scope.
            doorstep.node?.accept(accepted)
        }
        do throws(CommandError) {
            let port = listeners[0].localAddress.port
            root = try ShareRoot(configuration.shareRoot, port: port)
            store = try openStore(port)
            trust = try TrackerTrust(
                pins: configuration.pins, isInsecure: configuration.isInsecure,
                known: try KnownTrackers(directory: store.directory, worker: stateWorker),
                logger: logger)
        } catch {
            for listener in listeners { listener.close() }
            throw error
        }
        self.listeners = listeners
        tracker = TrackerClient(
            loop: loop, trackers: configuration.trackers, trust: trust, logger: logger)
        acceptor = try Self.acceptor { [unowned self] in serverContext(for: $0) }
        doorstep.node = self
        transfers = Transfers(node: self)
        applyLimits()
    }

    /// Where connections arrive before the node is complete.
    private final class Doorstep {
        weak var node: Node?
    }

    /// Where other peers connect to: one of each address family at most, at the same port.
    package var listenAddresses: [SocketAddress] { listeners.map(\.localAddress) }

    /// The port other peers connect to.
    package var port: UInt16 { listeners[0].localAddress.port }

    var now: Instant { Instant(nanoseconds: loop.now.nanoseconds) }

    var swarmConfiguration: SwarmConfiguration { configuration.swarm }

    /// Takes signals and brings back what runs without an account. Call once, before the loop.
    /// - Parameter whenRestored: called on the loop's thread; commands may come from then on.
    package func start(whenRestored: @escaping () -> Void) throws(CommandError) {
        do {
            signalSource = try SignalSource(loop: loop, signals: Self.signals) {
                [unowned self] signal in
                handle(signal: signal)
            }
        } catch {
            throw CommandError("signals can't be taken: \(error)")
        }
        transfers.restore(user: "") { [unowned self] summary in
            for problem in summary.problems { notify(problem) }
            resumeFetches()
            whenRestored()
        }
    }

    private func handle(signal: Int32) {
        logger.info("signal", ["number": signal])
        switch signal {
        case SIGINT where interruptHandler(): return
        default: stop()
        }
    }

    // MARK: Trackers

    /// The client for a list of trackers, which is this node's own where the list is the same.
    func trackerClient(for trackers: [Endpoint]) -> TrackerClient {
        if trackers == configuration.trackers { return tracker }
        if let client = otherTrackers[trackers] { return client }
        // Others are told neither passwords nor passkeys, and may be anybody's.
        let areOurs = Set(trackers).isSubset(of: configuration.trackers)
        let client = TrackerClient(
            loop: loop, trackers: trackers, trust: areOurs ? trust : nil, logger: logger)
        otherTrackers[trackers] = client
        return client
    }

    /// The clients to announce with. A tracker learns a peer's address from the connection: it is
    /// told over each family that is listened on (BEP 7), as far as there are trackers of it.
    /// - Parameter trackers: none for this node's own.
    func announceClients(for trackers: [Endpoint]) -> [TrackerClient] {
        let trackers = trackers.isEmpty ? configuration.trackers : trackers
        let ipv4 = trackers.filter(\.address.isIPv4)
        let ipv6 = trackers.filter { !$0.address.isIPv4 }
        guard !ipv4.isEmpty, !ipv6.isEmpty else { return [trackerClient(for: trackers)] }
        let families = Set(listenAddresses.map(\.isIPv6))
        if families.count == 2 { return [trackerClient(for: ipv4), trackerClient(for: ipv6)] }
        // A tracker of the other family would tell others an address where nobody listens; it is
        // asked when there is no better one.
        return [trackerClient(for: families.contains(true) ? ipv6 + ipv4 : ipv4 + ipv6)]
    }

    // MARK: Stopping

    func setInterruptHandler(_ handler: @escaping @Sendable () -> Bool) {
        interruptHandler = handler
    }

    func addStopHandler(_ handler: @escaping @Sendable () -> Void) {
        if isStopping { handler() } else { stopHandlers.append(handler) }
    }

    /// Stops gracefully: no new connections, torrents withdrawn, session ended, all within the
    /// time a person waits.
    func stop() {
        guard !isStopping else { return }
        isStopping = true
        for listener in listeners { listener.close() }
        for handshake in handshakes.all { handshake.close() }
        for handler in stopHandlers { handler() }
        stopHandlers = []
        for fetcher in Array(fetchers.values) {
            fetcher.stop(CommandError("the peer is stopping", .interrupted))
        }
        transfers.stopAll()
        stopDeadline = loop.schedule(after: .seconds(2)) { [unowned self] in finishStopping() }
        endSession { [unowned self] in
            isSessionEnded = true
            stopWhenSettled()
        }
    }

    private func stopWhenSettled() {
        guard isStopping, isSessionEnded, pendingAnnounces == 0 else { return }
        finishStopping()
    }

    /// Lets what is queued for the tracker and the disk go out, then ends the loop.
    private func finishStopping() {
        guard !isSettled else { return }
        isSettled = true
        if let stopDeadline { loop.cancel(stopDeadline) }
        stateWorker.shutdown()
        diskWorkers.shutdown()
        readers.abandon()
        loop.stop()
    }
}
