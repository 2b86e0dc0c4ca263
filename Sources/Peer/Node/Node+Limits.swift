/// What peer connections may take of the network.
extension Node {
    func applyLimits() {
        uploads.bytesPerSecond = limits.up
        readBudget.bytesPerSecond = limits.down
        for torrent in torrents.values { tellLimits(to: torrent) }
    }

    /// The core unchokes no more peers than the limit serves.
    func tellLimits(to torrent: Torrent) {
        torrent.deliver(.setUploadLimit(limits.up))
    }
}
