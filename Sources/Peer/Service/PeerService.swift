import Wire

/// What the shell asks of the running peer.
///
/// Each call blocks the calling thread until the answer is there and must not come from the loop's
/// thread. Errors are for people: they name the thing and the remedy.
package protocol PeerService: Sendable {
    /// The port that other peers connect to; the shell's prompt.
    var port: UInt16 { get }
    /// For files of the shell, such as its history; exists.
    var dataDirectory: String { get }

    // Accounts.
    func createUser(_ userID: String, password: String) throws(CommandError)
    func logIn(_ userID: String, password: String) throws(CommandError) -> LoginSummary
    func logOut() throws(CommandError)
    /// The user that is logged in.
    func currentUser() -> String?
    /// The user's secret in announce URLs.
    func passkey() throws(CommandError) -> String
    /// Replaces the passkey, for all of the user's peers at once.
    /// - Returns: the new one.
    func resetPasskey() throws(CommandError) -> String

    // Groups.
    func createGroup(_ groupID: String, kind: GroupKind) throws(CommandError)
    func joinGroup(_ groupID: String) throws(CommandError)
    func leaveGroup(_ groupID: String) throws(CommandError) -> MembershipRemovedResponse
    func listRequests(group: String) throws(CommandError) -> [MembershipRequest]
    func acceptRequest(group: String, user: String) throws(CommandError)
    func rejectRequest(group: String, user: String) throws(CommandError)
    func removeMember(group: String, user: String) throws(CommandError)
    func listGroups() throws(CommandError) -> [GroupSummary]

    // Files of groups.
    func listFiles(group: String) throws(CommandError) -> [FileSummary]
    func fileInfo(group: String, name: String) throws(CommandError) -> FileDetails
    /// Hashes the file, or all files of the directory, on the calling thread and one more,
    /// registers it as one entry, and shares it.
    /// - Parameter onProgress: called from hashing threads, several times a second.
    func uploadFile(
        path: String, group: String, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome
    /// Starts a download in the background.
    func downloadFile(
        group: String, name: String, destination: String, options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus
    func stopShare(group: String, name: String) throws(CommandError)
    /// Writes a `.torrent` with the user's own passkey, for ordinary clients.
    /// - Returns: the path that was written.
    func export(group: String, name: String, torrentPath: String) throws(CommandError) -> String

    // Files without a group.
    func share(
        path: String, mtorrentPath: String, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome
    func get(
        mtorrentPath: String, savePath: String, options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus
    /// Fetches the description from peers first, which may take a minute without peers.
    func get(
        magnet: String, savePath: String, options: DownloadOptions, cancellation: Cancellation
    ) throws(CommandError) -> DownloadStatus
    /// Stops sharing what the file, or the magnet link, describes and deletes the `.mtorrent`; the
    /// data only if asked.
    func remove(mtorrentPath: String, deletingData: Bool) throws(CommandError)

    // Downloads.
    /// In the order they were started.
    func downloads() -> [DownloadStatus]
    /// Those of them that go on now; cheap however many there are.
    func activeDownloads() -> [DownloadStatus]
    /// Stops a download for now. It keeps what it has, also over a restart.
    /// - Parameter group: nil where the name alone tells; empty for a download without a group.
    func pause(group: String?, name: String) throws(CommandError) -> DownloadStatus
    /// Takes a paused download to the end of the queue.
    func resume(group: String?, name: String) throws(CommandError) -> DownloadStatus
    /// Ends a download for good, and deletes what there is of its file.
    func cancel(group: String?, name: String) throws(CommandError) -> DownloadStatus
    /// Blocks until every download (of that file name, where one is given) has ended, but for
    /// paused ones.
    /// - Returns: those waited for, the failed ones among them, and the paused ones.
    func waitForDownloads(
        name: String?, cancellation: Cancellation
    ) throws(CommandError) -> [DownloadStatus]

    // Limits, until the program ends.
    func limits() -> RateLimits
    /// - Parameter bytesPerSecond: nil lifts the limit.
    func setLimit(_ direction: Direction, _ bytesPerSecond: Int?)

    // The program.
    /// Sets who gets notices; called on the loop's thread, which must not be held up.
    func setNoticeHandler(_ handler: @escaping @Sendable (NodeNotice) -> Void)
    /// Sets who hears of SIGINT first. It answers whether it made use of it; else the peer stops.
    func setInterruptHandler(_ handler: @escaping @Sendable () -> Bool)
    /// Sets who hears that the peer is stopping, so that a shell leaves its read; on the loop's
    /// thread, or at once where it is stopping already.
    func setStopHandler(_ handler: @escaping @Sendable () -> Void)
    /// Asks for a graceful stop and returns at once; twice is as good as once.
    func stop()
}
