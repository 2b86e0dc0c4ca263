import PeerCore
import Reactor
import Wire

/// One torrent on this node: gives its `Swarm` what comes from sockets, disk and tracker, and
/// performs the actions that come out. This is the one interpreter of `SwarmAction`.
final class Torrent: ConnectionOwner {
    let info: Info
    let infoHash: InfoHash
    /// Where the bytes are: a download's until it is complete, then a share's.
    var content: any Content {
        didSet { watches = [:] }
    }
    let announcer: Announcer
    unowned let node: Node
    unowned let observer: any TorrentObserver

    private(set) var swarm: Swarm
    var connections = ConnectionTable()
    private(set) var isRunning = false
    let sealedGroup: String?
    /// It is to start when its group's seal is there.
    private var awaitsSeal = false

    private var outputs = SwarmOutputs()
    /// Events that came up while actions were being performed; delivered right after.
    private var deferredEvents: [SwarmEvent] = []
    private var isPerforming = false
    /// Connections that were given blocks in this round and may have room again already.
    var refilled: [ConnectionID] = []
    /// Memory to gather blocks in that go to one connection.
    var spareRun = BlockRun()
    /// Pieces that arrive.
    var staged: [Int: StagedPiece] = [:]
    /// Those that may be stored before they are whole, in the order in which they were begun, and
    /// some that are over already.
    var stagingOrder = Queue<Int>()
    private var timer: TimerID?
    private var timerDeadline: Instant = .distantFuture
    /// The files that are being served.
    var watches: [ContentLayout.Place: FileWatch] = [:]
    /// Connections whose blocks aren't in memory, in order; some may have closed.
    var awaitingBytes = Queue<ConnectionID>()
    /// Workers that read for this torrent.
    var readCount = 0
    /// A worker looks whether files are what they were.
    var isChecking = false
    /// The last reason the tracker gave for refusing an announce.
    var lastRefusal: String?

    init(
        info: Info, content: any Content, have: Bitfield, wanted: Bitfield?,
        announcer: Announcer, node: Node, observer: any TorrentObserver
    ) {
        self.info = info
        self.infoHash = info.infoHash
        sealedGroup = info.sslCertificate == nil ? nil : info.group ?? ""
        self.content = content
        self.announcer = announcer
        self.node = node
        self.observer = observer
        self.swarm = Swarm(
            geometry: TorrentGeometry(info), have: have, wanted: wanted,
            metadata: info.isPrivate ? nil : info.encoded, ownID: node.peerID,
            ownPort: node.port, configuration: node.swarmConfiguration,
            seed: UInt64.random(in: .min ... .max))
    }

    /// Starts; in a sealed group as soon as it has its seal.
    func start() {
        guard let sealedGroup else { return begin() }
        awaitsSeal = true
        node.whenSealed(sealedGroup, info) { [weak self] in
            guard let self, awaitsSeal else { return }
            awaitsSeal = false
            begin()
        }
    }

    private func begin() {
        isRunning = true
        deliver(.start)
    }

    /// Closes all connections and tells the tracker; nothing more happens here after.
    func stop() {
        awaitsSeal = false
        guard isRunning else { return }
        deliver(.stop)
        halt()
    }

    /// Ends for a reason that lies here: the owner is told.
    func fail(_ error: CommandError) {
        guard isRunning else { return }
        // The core may be in the middle of its actions: it gets no further event.
        halt()
        announce(.stopped)
        observer.torrent(self, didFail: error)
    }

    private func halt() {
        isRunning = false
        if let timer { node.loop.cancel(timer) }
        timer = nil
        closeConnections()
        endStaging()
    }

    // MARK: Events in

    /// Gives the core an event and performs what comes out.
    func deliver(_ event: SwarmEvent) {
        guard isRunning else { return }
        guard !isPerforming else {
            deferredEvents.append(event)
            return
        }
        process(event)
        settle()
        if case .closed = event { peerHasGone() }
    }

    /// Bytes from a peer. They are used up when this returns.
    func receive(_ bytes: UnsafeRawBufferPointer, from id: ConnectionID) {
        guard isRunning else { return }
        precondition(!isPerforming, "a socket is read from the loop only")
        process(.received(id, bytes), received: bytes)
        settle()
    }

    /// Delivers what came up meanwhile, until nothing does.
    func settle() {
        while !deferredEvents.isEmpty || !refilled.isEmpty {
            let events = deferredEvents
            deferredEvents.removeAll(keepingCapacity: true)
            for event in events { process(event) }
            deliverDrained()
        }
        scheduleDeadline()
    }

    private func process(
        _ event: SwarmEvent,
        received: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        guard isRunning else { return }
        isPerforming = true
        swarm.receive(event, at: node.now, into: &outputs)
        perform(outputs, received)
        outputs.removeAll()
        isPerforming = false
    }

    /// A connection whose output queue never grew past its low-water mark gets no drain
    /// notification from its stream: it has room now.
    private func deliverDrained() {
        let ids = refilled
        refilled.removeAll(keepingCapacity: true)
        for id in ids {
            guard let connection = connections[id], connection.hasRoom else { continue }
            process(.drained(id))
        }
    }

    private func scheduleDeadline() {
        guard isRunning, let deadline = swarm.nextDeadline, deadline < timerDeadline else { return }
        if let timer { node.loop.cancel(timer) }
        timerDeadline = deadline
        timer = node.loop.schedule(at: MonotonicTime(nanoseconds: deadline.nanoseconds)) {
            [unowned self] in
            timer = nil
            timerDeadline = .distantFuture
            deliver(.deadline)
        }
    }
}
