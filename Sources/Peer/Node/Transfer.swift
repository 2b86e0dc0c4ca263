import PeerCore
import Wire

/// A file that this node shares, downloads, or has downloaded.
final class Transfer {
    enum Phase {
        /// Waits for its turn. Exits: `opening`, `paused`, `leaving`.
        case queued
        /// The file is being opened or checked. Exits: `downloading`, `paused`, `failed`, `leaving`.
        case opening
        /// Exits: `finishing`, `paused`, `failed`, `leaving`.
        case downloading
        /// The user has stopped it for now. Exits: `queued`, `leaving`.
        case paused
        /// Every piece is verified; the file is being put in place. Exits: `sharing`, `failed`.
        case finishing
        /// Complete and served. Exits: `stopped`, `failed`.
        case sharing
        /// Complete, and not served any more.
        case stopped
        /// Exit: `leaving`.
        case failed(CommandError)
        /// What there is of it is being deleted.
        case leaving
    }

    /// Order of start.
    let number: Int
    /// Empty for what is shared without an account.
    let user: String
    /// Empty where there is no group.
    let group: String
    let name: String
    let info: Info
    let infoHash: InfoHash
    /// Where the complete file is or will be.
    let path: String
    /// The `.mtorrent` file, or the magnet link, that it was described by; nil for a group's.
    let mtorrentPath: String?
    /// Whether `show_downloads` lists it.
    let isDownload: Bool
    let announcer: Announcer

    /// The files of a directory that are wanted; nil for all.
    var selection: FileSelection?
    /// What the files at the destination were when they were hashed, by their indices: of what is
    /// shared, and of a directory that more files are downloaded of.
    var inPlace: [Int: FileIdentity] = [:]
    /// Whether pieces are asked for in the order of the files.
    var isSequential = false
    private(set) var phase: Phase
    var torrent: Torrent?
    var download: DownloadContent?
    var sync: PeriodicSync?
    /// Whether a `wait` has reported its end.
    var wasAwaited = false
    /// Told how the opening went, instead of the user's being told that it failed; nil: it was
    /// stopped before.
    var whenOpened: ((Result<Void, CommandError>?) -> Void)?
    /// Counts the times that it was stopped: what was begun before is of no use any more.
    private(set) var stops = 0
    /// Workers that are opening its file.
    private var workerCount = 0
    private var whenIdle: [() -> Void] = []
    /// What torrents of it that have ended did.
    private var pastContributions: [PeerContribution] = []
    /// Bytes of wanted files in verified pieces.
    var verifiedBytes: Int64 = 0

    init(
        number: Int, user: String, group: String, info: Info, path: String,
        mtorrentPath: String?, isDownload: Bool, announcer: Announcer, phase: Phase
    ) {
        self.number = number
        self.user = user
        self.group = group
        self.name = info.name
        self.info = info
        self.infoHash = info.infoHash
        self.path = path
        self.mtorrentPath = mtorrentPath
        self.isDownload = isDownload
        self.announcer = announcer
        self.phase = phase
    }

    var magnetLink: MagnetLink? {
        mtorrentPath.flatMap { $0.hasPrefix(MagnetLink.scheme) ? try? MagnetLink($0) : nil }
    }

    /// Whether a `wait` still has to wait for it.
    var isPending: Bool {
        switch phase {
        case .queued, .opening, .downloading, .finishing: true
        case .paused, .sharing, .stopped, .failed, .leaving: false
        }
    }

    /// Whether it is one of those that take bytes or put a file in place.
    var isActive: Bool {
        switch phase {
        case .opening, .downloading, .finishing: true
        case .queued, .paused, .sharing, .stopped, .failed, .leaving: false
        }
    }

    /// Whether its destination is taken.
    var isUnfinished: Bool {
        switch phase {
        case .queued, .opening, .downloading, .paused, .finishing, .leaving: true
        case .sharing, .stopped, .failed: false
        }
    }

    var status: DownloadStatus {
        let progress = torrent.map { $0.swarm.progress(at: $0.node.now) }
        let verified: Int64 =
            switch phase {
            case .queued, .opening, .downloading, .paused, .failed, .leaving: verifiedBytes
            case .finishing, .sharing, .stopped: size
            }
        return DownloadStatus(
            number: number, group: group, name: name, destination: path, state: state,
            size: size, verified: verified,
            bytesPerSecond: progress?.downloadRate ?? 0,
            secondsLeft: progress?.eta.map { $0 / .seconds(1) },
            connectedPeers: progress?.connectedPeers ?? 0, contributions: contributions)
    }

    /// Bytes of wanted files.
    private var size: Int64 {
        selection?.contentLength(of: info) ?? info.contentLength
    }

    /// What is recorded of it once these files are in place.
    func share(of identities: [Int: FileIdentity]) -> Share {
        Share(
            user: user, group: group, infoHash: infoHash, name: name, path: path,
            mtorrentPath: mtorrentPath, info: info.encoded, identities: identities, isActive: true)
    }

    /// Pads and what isn't wanted are not counted.
    func beginCounting(_ layout: ContentLayout, _ verified: Bitfield) {
        verifiedBytes = layout.contentLength(of: verified, info)
    }

    /// Counts a piece that was verified.
    func count(_ piece: Int, in layout: ContentLayout) {
        verifiedBytes += layout.contentLength(of: info.range(ofPiece: piece))
    }

    private var state: DownloadState {
        switch phase {
        case .queued: .queued
        case .opening, .downloading: .downloading
        case .paused, .leaving: .paused
        case .finishing: .finishing
        case .sharing, .stopped: .complete
        case .failed(let error): .failed(error)
        }
    }

    private var contributions: [PeerContribution] {
        guard let torrent else { return pastContributions }
        let peers = torrent.swarm.peers(at: torrent.node.now).filter { $0.bytesFrom > 0 }
        var bytes: [String: Int64] = [:]
        for peer in peers { bytes[peer.endpoint.description, default: 0] += peer.bytesFrom }
        var result = pastContributions.map {
            PeerContribution(
                endpoint: $0.endpoint,
                bytes: $0.bytes + (bytes.removeValue(forKey: $0.endpoint) ?? 0))
        }
        for peer in peers {
            guard let count = bytes.removeValue(forKey: peer.endpoint.description) else { continue }
            result.append(PeerContribution(endpoint: peer.endpoint.description, bytes: count))
        }
        return result
    }

    /// The next phase; `Transfers.move` sees to what follows from it.
    func setPhase(_ phase: Phase) { self.phase = phase }

    /// Stops the torrent, keeping for the record what it did.
    func stopTorrent() {
        stops += 1
        pastContributions = contributions
        torrent?.stop()
        torrent = nil
    }

    // MARK: Workers

    func workerBegins() { workerCount += 1 }

    func workerEnds() {
        workerCount -= 1
        guard workerCount == 0 else { return }
        let bodies = whenIdle
        whenIdle = []
        for body in bodies { body() }
    }

    /// Runs `body` once no worker is at its file; at once where none is.
    func afterWorkers(_ body: @escaping () -> Void) {
        if workerCount == 0 { body() } else { whenIdle.append(body) }
    }

    /// Lets go of its partial file.
    func closeDownload() {
        download = nil
        sync?.end()
        sync = nil
    }
}

extension ContentLayout {
    /// Bytes of wanted files in these pieces.
    func contentLength(of pieces: Bitfield, _ info: Info) -> Int64 {
        pieces.members.reduce(0) { $0 + contentLength(of: info.range(ofPiece: $1)) }
    }
}
