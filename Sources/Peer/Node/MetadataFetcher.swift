import Logging
import PeerCore
import Reactor
import Wire

/// Fetches the info dictionary of a magnet link: gives a `MetadataFetch` what comes from sockets
/// and tracker, and performs the actions that come out.
final class MetadataFetcher: ConnectionOwner {
    /// What a fetch brings: the info dictionary, and peers for the download.
    struct Outcome: Sendable {
        let metadata: [UInt8]
        let endpoints: [Endpoint]
    }

    /// With nothing new for so long it is given up.
    private static let patience: Duration = .seconds(60)

    unowned let node: Node
    let infoHash: InfoHash
    /// Whether no command waits for it.
    let isInBackground: Bool
    var connections = ConnectionTable()
    private(set) var isRunning = false
    /// Groups have no magnet links.
    let sealedGroup: String? = nil

    private let announcer: Announcer
    private var fetch: MetadataFetch
    private var outputs = SwarmOutputs()
    private var completion: ((Result<Outcome, CommandError>) -> Void)?
    private var timer: TimerID?
    private var timerDeadline: Instant = .distantFuture
    private var patienceTimer: TimerID?
    private var lastReceived = 0

    /// - Parameter completion: called once; not from within `start`.
    init(
        _ link: MagnetLink, announcer: Announcer, isInBackground: Bool, node: Node,
        then completion: @escaping (Result<Outcome, CommandError>) -> Void
    ) {
        self.node = node
        self.announcer = announcer
        self.isInBackground = isInBackground
        self.completion = completion
        infoHash = link.infoHash
        fetch = MetadataFetch(
            infoHash: link.infoHash, endpoints: link.peers, ownID: node.peerID,
            ownPort: node.port, configuration: node.swarmConfiguration,
            seed: UInt64.random(in: .min ... .max), now: node.now)
    }

    func start() {
        isRunning = true
        waitPatiently()
        deliver(.start)
    }

    /// Gives up, and says why.
    func stop(_ error: CommandError) {
        guard isRunning else { return }
        deliver(.stop)
        end(.failure(error))
    }

    private func end(_ result: Result<Outcome, CommandError>) {
        isRunning = false
        for pending in [timer, patienceTimer].compactMap({ $0 }) { node.loop.cancel(pending) }
        node.fetchers[infoHash] = nil
        closeConnections { $0.closeAfterFlush() }
        completion.take()?(result)
    }

    private func waitPatiently() {
        patienceTimer = node.loop.schedule(after: Self.patience) { [unowned self] in
            patienceTimer = nil
            guard fetch.receivedPieces > lastReceived else {
                return stop(
                    CommandError(
                        "no peer gives the description of \(infoHash): try again when somebody"
                            + " who has it is online", .timedOut))
            }
            lastReceived = fetch.receivedPieces
            waitPatiently()
        }
    }

    // MARK: Events in

    func deliver(_ event: SwarmEvent) {
        guard isRunning else { return }
        fetch.receive(event, at: node.now, into: &outputs)
        let actions = outputs.actions
        let bytes = outputs.bytes
        outputs.removeAll()
        bytes.withUnsafeBytes { raw in
            for action in actions where isRunning { perform(action, raw) }
        }
        scheduleDeadline()
    }

    func receive(_ bytes: UnsafeRawBufferPointer, from id: ConnectionID) {
        deliver(.received(id, bytes))
    }

    func giveTurn(to connection: PeerConnection, quantum: Int) -> Int {
        preconditionFailure("a fetch sends no blocks")
    }

    func fileBroke() { preconditionFailure("a fetch sends no files") }

    private func scheduleDeadline() {
        guard isRunning, let deadline = fetch.nextDeadline, deadline < timerDeadline else { return }
        if let timer { node.loop.cancel(timer) }
        timerDeadline = deadline
        timer = node.loop.schedule(at: MonotonicTime(nanoseconds: deadline.nanoseconds)) {
            [unowned self] in
            timer = nil
            timerDeadline = .distantFuture
            deliver(.deadline)
        }
    }

    // MARK: Actions out

    private func perform(_ action: SwarmAction, _ bytes: UnsafeRawBufferPointer) {
        switch action {
        case .send(let id, let range):
            connections[id]?.stream.write(UnsafeRawBufferPointer(rebasing: bytes[range]))
            node.uploads.charge(range.count)
        case .connect(let endpoint):
            node.dial(endpoint, of: self)
        case .close(let id, let reason):
            node.logger.debug(
                "connection closed",
                ["info_hash": infoHash.hex, "reason": String(describing: reason)])
            letGo(of: id)?.closeAfterFlush()
        case .announce(let announcement):
            announce(announcement)
        case .completed:
            guard let metadata = fetch.metadata else {
                preconditionFailure("complete is who has it")
            }
            end(.success(Outcome(metadata: metadata, endpoints: fetch.knownEndpoints)))
        case .sendBlock, .reportDrained, .store, .verify, .fingerprint, .pieceCompleted, .blamed:
            preconditionFailure("a fetch has no pieces of a file")
        }
    }

    private func announce(_ announcement: SwarmAnnouncement) {
        // How much is missing isn't known: not nothing.
        let request = AnnounceRequest(
            infoHash: infoHash, peerID: node.peerID, port: node.port, left: 1,
            event: announcement.event, numwant: announcement == .stopped ? 0 : 80,
            key: node.announceKey)
        node.pendingAnnounces += 1
        announcer.announce(request) { [weak self, unowned node] result in
            switch result {
            case .success(let (interval, peers)):
                self?.deliver(.announced(interval: interval, peers: peers))
            case .failure(let error):
                node.logger.warning("announce", ["error": String(describing: error)])
                self?.deliver(.announceFailed)
            }
        } onEnd: { [unowned node] in
            node.pendingAnnounces -= 1
        }
    }
}
