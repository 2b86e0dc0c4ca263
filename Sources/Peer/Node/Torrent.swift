import Glibc
import Logging
import PeerCore
import Reactor
import Wire

/// What happens to a torrent that its owner must act on; on the loop's thread.
protocol TorrentObserver: AnyObject {
    /// The piece's hash was right and its bytes are in the file.
    func torrent(_ torrent: Torrent, didComplete piece: Int)
    /// Every piece is verified.
    func torrentDidVerifyAll(_ torrent: Torrent)
    /// The torrent can't go on; it has stopped.
    func torrent(_ torrent: Torrent, didFail error: CommandError)
    /// A peer sent a piece whose hash was wrong and is banned.
    func torrent(_ torrent: Torrent, didBan endpoint: Endpoint, piece: Int)
}

/// One torrent on this node: gives its `Swarm` what comes from sockets, disk and tracker, and
/// performs the actions that come out. This is the one interpreter of `SwarmAction`.
final class Torrent {
    let info: Info
    let infoHash: InfoHash
    let file: SharedFile
    /// Where the bytes are, for error messages.
    var path: String
    /// What the file was when it was hashed; nil while it is being downloaded.
    var identity: FileIdentity?
    let announcer: Announcer
    unowned let node: Node
    unowned let observer: any TorrentObserver

    private(set) var swarm: Swarm
    var connections = ConnectionTable()
    private(set) var isRunning = false

    private var outputs = SwarmOutputs()
    /// Events that came up while actions were being performed; delivered right after.
    private var deferredEvents: [SwarmEvent] = []
    private var isPerforming = false
    /// Connections that were given blocks in this round and may have room again already.
    private var refilled: [ConnectionID] = []
    private var writes = BlockWriter()
    private var timer: TimerID?
    private var timerDeadline: Instant = .distantFuture
    private var lastIdentityCheck: Instant = .zero
    /// The last reason the tracker gave for refusing an announce.
    private var lastRefusal: String?

    init(
        info: Info, file: SharedFile, path: String, identity: FileIdentity?, have: Bitfield,
        announcer: Announcer, node: Node, observer: any TorrentObserver
    ) {
        self.info = info
        self.infoHash = info.infoHash
        self.file = file
        self.path = path
        self.identity = identity
        self.announcer = announcer
        self.node = node
        self.observer = observer
        self.swarm = Swarm(
            geometry: TorrentGeometry(
                infoHash: info.infoHash, length: info.length, pieceLength: info.pieceLength),
            have: have, ownID: node.peerID, ownPort: node.port,
            configuration: node.swarmConfiguration, seed: UInt64.random(in: .min ... .max))
    }

    func start() {
        isRunning = true
        deliver(.start)
    }

    /// Closes all connections and tells the tracker; nothing more happens here after.
    func stop() {
        guard isRunning else { return }
        deliver(.stop)
        isRunning = false
        if let timer { node.loop.cancel(timer) }
        timer = nil
        for connection in connections.removeAll() { connection.close() }
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
    }

    /// Bytes from a peer. They are used up when this returns.
    func receive(_ bytes: UnsafeRawBufferPointer, from id: ConnectionID) {
        guard isRunning else { return }
        precondition(!isPerforming, "a socket is read from the loop only")
        process(.received(id, bytes), received: bytes)
        settle()
    }

    /// Delivers what came up meanwhile, until nothing does.
    private func settle() {
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
        perform(received)
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

    // MARK: Actions out

    private func perform(_ received: UnsafeRawBufferPointer) {
        let actions = outputs.actions
        outputs.bytes.withUnsafeBytes { bytes in
            for action in actions {
                if case .store(let piece, let begin, let source) = action {
                    let offset = Int64(piece) * Int64(info.pieceLength) + Int64(begin)
                    write(UnsafeRawBufferPointer(rebasing: received[source]), at: offset)
                } else {
                    flushWrites()
                    perform(action, bytes)
                }
                guard isRunning else { return }
            }
            flushWrites()
        }
    }

    private func perform(_ action: SwarmAction, _ bytes: UnsafeRawBufferPointer) {
        switch action {
        case .send(let id, let range):
            connections[id]?.stream.write(UnsafeRawBufferPointer(rebasing: bytes[range]))
        case .sendBlock(let id, let block):
            send(block, to: id)
        case .store:
            preconditionFailure("stores are batched by the caller")
        case .verify(let piece):
            verify(piece)
        case .connect(let endpoint):
            connect(to: endpoint)
        case .close(let id, let reason):
            node.logger.debug(
                "connection closed",
                ["info_hash": infoHash.hex, "reason": String(describing: reason)])
            connections.remove(id)?.closeAfterFlush()
        case .announce(let event):
            announce(event)
        case .pieceCompleted(let piece):
            observer.torrent(self, didComplete: piece)
        case .completed:
            observer.torrentDidVerifyAll(self)
        case .blamed(let endpoint, let piece):
            observer.torrent(self, didBan: endpoint, piece: piece)
        }
    }

    private func send(_ block: BlockRequest, to id: ConnectionID) {
        guard let connection = connections[id] else { return }
        guard isUnchanged() else { return failBecauseChanged() }
        connection.send(block, of: file, pieceLength: info.pieceLength)
        if refilled.last != id { refilled.append(id) }
    }

    private func connect(to endpoint: Endpoint) {
        let id = connections.reserve()
        let connection = PeerConnection(torrent: self, id: id, endpoint: endpoint)
        connections.fill(id, with: connection)
        connection.connect(on: node.loop)
    }

    /// Takes over an incoming connection whose handshake names this torrent.
    func accept(_ stream: Stream, _ handshake: Handshake, from endpoint: Endpoint) -> PeerConnection
    {
        let id = connections.reserve()
        let connection = PeerConnection(torrent: self, id: id, endpoint: endpoint)
        connections.fill(id, with: connection)
        connection.adopt(stream)
        deliver(.accepted(id, endpoint, handshake))
        return connection
    }

    // MARK: Announces

    private func announce(_ announcement: SwarmAnnouncement) {
        let progress = swarm.progress(at: node.now)
        let event = announcement.event
        let request = AnnounceRequest(
            infoHash: infoHash, peerID: node.peerID, port: node.port,
            uploaded: UInt64(progress.uploadedBytes), downloaded: UInt64(progress.downloadedBytes),
            left: UInt64(progress.left), event: event,
            numwant: announcement == .stopped ? 0 : 80, key: node.announceKey)
        node.pendingAnnounces += 1
        announcer.announce(request) { [weak self, unowned node] result in
            node.pendingAnnounces -= 1
            switch result {
            case .success(let (interval, peers)):
                self?.lastRefusal = nil
                self?.deliver(.announced(interval: interval, peers: peers))
            case .failure(let error):
                self?.announceFailed(error)
            }
        }
    }

    /// A tracker that can't be reached is told of by the session; a refusal is told once.
    private func announceFailed(_ error: TrackerError) {
        if case .refused(_, _, let message) = error, message != lastRefusal, isRunning {
            lastRefusal = message
            node.notify("\(info.name): the tracker refuses the announce: \(message)")
        }
        deliver(.announceFailed)
    }

    /// Announces out of turn: the tracker lost its swarms, or a new sharer is known.
    func announceNow() {
        guard isRunning else { return }
        announce(.started)
    }

    // MARK: Disk

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) {
        if writes.append(bytes, at: offset) { return }
        flushWrites()
        let isTaken = writes.append(bytes, at: offset)
        assert(isTaken, "an empty batch takes anything")
    }

    private func flushWrites() {
        guard !writes.isEmpty, let code = writes.flush(to: file) else { return }
        fail(DiskFile.failure("writing", path, code))
    }

    /// Hashes a piece that is all in the file, off the loop's thread.
    private func verify(_ piece: Int) {
        let (file, path, info) = (file, path, info)
        node.diskWorkers.run {
            try DownloadFile.matches(file, path, info, piece)
        } then: { [weak self] result in
            switch result {
            case .success(let isRight): self?.deliver(.verified(piece: piece, ok: isRight))
            case .failure(let error): self?.fail(CommandError(wrapping: error))
            }
        }
    }

    /// Whether the shared file is still what was hashed; looked at once a second at most.
    private func isUnchanged() -> Bool {
        guard let identity else { return true }
        let now = node.now
        guard lastIdentityCheck.duration(to: now) > .seconds(1) else { return true }
        lastIdentityCheck = now
        return DiskFile.identity(of: file) == identity
    }

    func failBecauseChanged() {
        fail(
            CommandError(
                "\(path) changed after it was shared and is no longer served: share it again",
                .ioError))
    }

    private func fail(_ error: CommandError) {
        guard isRunning else { return }
        // The core may be in the middle of its actions: it gets no further event.
        isRunning = false
        if let timer { node.loop.cancel(timer) }
        timer = nil
        for connection in connections.removeAll() { connection.close() }
        announce(.stopped)
        observer.torrent(self, didFail: error)
    }
}
