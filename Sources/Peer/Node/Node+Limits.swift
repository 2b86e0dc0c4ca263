import Reactor

/// What peer connections may take of the network.
extension Node {
    /// Downloads that begin and end together change what is left for the others once.
    private static let shareDelay: Duration = .milliseconds(500)

    func applyLimits() {
        uploads.bytesPerSecond = limits.up
        readBudget.bytesPerSecond = limits.down
        for torrent in torrents.values { tellLimits(to: torrent) }
    }

    /// The core unchokes no more peers than the upload's limit serves, and asks for no more than
    /// this torrent's part of the download's.
    func tellLimits(to torrent: Torrent) {
        torrent.deliver(.setUploadLimit(limits.up))
        torrent.deliver(
            .setDownloadLimit(limits.down.map { max(1, $0 / max(1, transfers.activeCount)) }))
    }

    /// More or fewer downloads share the limit.
    func activeDownloadsChanged() {
        guard limits.down != nil, shareTimer == nil, !isStopping else { return }
        shareTimer = loop.schedule(after: Self.shareDelay) { [unowned self] in
            shareTimer = nil
            for torrent in transfers.activeTorrents { tellLimits(to: torrent) }
        }
    }
}
