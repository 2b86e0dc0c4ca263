import PeerCore
import Wire

/// A file that this node shares, downloads, or has downloaded.
final class Transfer {
    enum Phase {
        /// The file is being opened or checked. Exits: `downloading`, `finishing`, `failed`.
        case opening
        /// Exits: `finishing`, `failed`.
        case downloading
        /// Every piece is verified; the file is being put in place. Exits: `sharing`, `failed`.
        case finishing
        /// Complete and served. Exits: `stopped`, `failed`.
        case sharing
        /// Complete, and not served any more.
        case stopped
        case failed(CommandError)
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
    let mtorrentPath: String?
    /// Whether `show_downloads` lists it.
    let isDownload: Bool
    let announcer: Announcer

    /// The files of a directory that are wanted; nil for all.
    var selection: FileSelection?
    var phase: Phase
    var torrent: Torrent?
    var download: DownloadContent?
    var journal: ResumeJournal?
    /// Whether a `wait` has reported its end.
    var wasAwaited = false
    /// What was known when the torrent ended.
    private var lastContributions: [PeerContribution] = []
    /// Bytes of wanted files in verified pieces.
    private var verifiedBytes: Int64 = 0

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

    /// Whether a `wait` still has to wait for it.
    var isPending: Bool {
        switch phase {
        case .opening, .downloading, .finishing: true
        case .sharing, .stopped, .failed: false
        }
    }

    var status: DownloadStatus {
        let progress = torrent.map { $0.swarm.progress(at: $0.node.now) }
        let verified: Int64 =
            switch phase {
            case .opening, .downloading, .failed: verifiedBytes
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

    /// Pads and what isn't wanted are not counted.
    func beginCounting(_ layout: ContentLayout, _ verified: Bitfield) {
        verifiedBytes = 0
        for piece in verified.members { count(piece, in: layout) }
    }

    /// Counts a piece that was verified.
    func count(_ piece: Int, in layout: ContentLayout) {
        verifiedBytes += layout.contentLength(of: info.range(ofPiece: piece))
    }

    private var state: DownloadState {
        switch phase {
        case .opening, .downloading: .downloading
        case .finishing: .finishing
        case .sharing, .stopped: .complete
        case .failed(let error): .failed(error)
        }
    }

    private var contributions: [PeerContribution] {
        guard let torrent else { return lastContributions }
        return torrent.swarm.peers(at: torrent.node.now).filter { $0.bytesFrom > 0 }.map {
            PeerContribution(endpoint: $0.endpoint.description, bytes: $0.bytesFrom)
        }
    }

    /// Stops the torrent, keeping for the record what it did.
    func stopTorrent() {
        lastContributions = contributions
        torrent?.stop()
        torrent = nil
    }
}
