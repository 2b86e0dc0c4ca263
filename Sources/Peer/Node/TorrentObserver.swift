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
