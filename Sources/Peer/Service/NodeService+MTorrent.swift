import Glibc
import Reactor
import Wire

/// Files shared by a `.mtorrent` file, without a group.
extension NodeService {
    package func share(
        path: String, mtorrentPath: String, cancellation: Cancellation,
        onProgress: @escaping @Sendable (HashProgress) -> Void
    ) throws(CommandError) -> UploadOutcome {
        let mustRegister = try requireOpenSwarms()
        // Known before minutes of hashing, not after.
        if mustRegister { try requireSessionToRegister() }
        let mtorrentPath = Path.absolute(mtorrentPath)
        let existing =
            DiskFile.exists(mtorrentPath) ? try MTorrentDisk.read(mtorrentPath) : nil
        let path = Path.absolute(path)
        let root = try tell { $0.root }
        guard !root.isDirectory(path) else {
            throw CommandError(
                "\(path) is a directory, and a .mtorrent file describes one file: share its files"
                    + " one by one, or the directory with a group (upload_file)", .cannotOpenFile)
        }
        let hashed = try HashedContent(
            in: root, path: path, pieceLength: existing?.pieceLength,
            cancellation: cancellation, onProgress: onProgress)
        let description: MTorrentFile
        if let existing {
            description = existing
            guard description.size == hashed.length,
                description.info.pieces == hashed.pieces
            else {
                throw CommandError(
                    "\(mtorrentPath) exists and describes another file: remove it or name"
                        + " another", .fileExists)
            }
        } else {
            description = try newDescription(of: hashed)
            try MTorrentDisk.write(Array(description.text.utf8), to: mtorrentPath)
        }
        let info = description.info
        if mustRegister { try askTracker { $0.register(info.infoHash, then: $1) } }
        try startSharing(
            hashed, info: info, group: "", mtorrentPath: mtorrentPath,
            trackers: description.trackers.compactMap { Endpoint($0) })
        var outcome = hashed.outcome(info: info, created: existing == nil)
        outcome.magnet = try magnetLink(of: info, description.trackers).description
        return outcome
    }

    /// For others to download by: with the trackers, and this peer where its address is known.
    private func magnetLink(
        of info: Info, _ trackers: [String]
    ) throws(CommandError) -> MagnetLink {
        let addresses = try tell { $0.listenAddresses.map { Endpoint($0) } }
        return MagnetLink(
            infoHash: info.infoHash, name: info.name,
            trackers: trackers.compactMap { Endpoint($0) }.map(MagnetLink.announceURL),
            peers: addresses.filter { !$0.address.isUnspecified })
    }

    /// A tracker that can't be asked now may well take announces later; one that says that it
    /// never will is believed.
    /// - Returns: whether it takes announces only of what was registered.
    @discardableResult func requireOpenSwarms() throws(CommandError) -> Bool {
        let network = try networkInfo()
        guard network?.openSwarms != false else {
            throw CommandError(
                "the tracker takes no open swarms, only groups: use upload_file and download_file",
                .refused)
        }
        return network?.registeredOnly == true
    }

    private func networkInfo() throws(CommandError) -> NetworkInfo? {
        try ask { node, reply in node.tracker.network { reply(.success(try? $0.get())) } }
    }

    private func requireSessionToRegister() throws(CommandError) {
        try tell { node throws(CommandError) in
            guard node.session == nil else { return }
            throw CommandError(
                "the tracker takes only what its users have registered: log in first (login"
                    + " <user_id> <password>), and share registers it", .notAuthorized)
        }
    }

    /// Takes back what `share` has registered. What can't be taken back now stays registered, which
    /// does no harm: nobody shares it from here.
    private func withdraw(_ infoHash: InfoHash) throws(CommandError) {
        guard try networkInfo()?.registeredOnly == true else { return }
        try ask { (node, reply: Reply<Void>) in
            guard node.session != nil else { return reply(.success(())) }
            node.tracker.withdraw(infoHash) { _ in reply(.success(())) }
        }
    }

    private func newDescription(of hashed: HashedContent) throws(CommandError) -> MTorrentFile {
        let trackers = try tell { $0.configuration.trackers }
        do {
            return try MTorrentFile(
                trackers: trackers.prefix(2).map(\.description), path: hashed.path,
                size: hashed.length, pieceLength: hashed.pieceLength,
                pieceHashes: hashed.pieceDigests)
        } catch {
            throw CommandError("\(hashed.path) can't be shared: \(error)", .badMetainfo)
        }
    }

    package func get(
        mtorrentPath: String, savePath: String, options: DownloadOptions
    ) throws(CommandError) -> DownloadStatus {
        let mtorrentPath = Path.absolute(mtorrentPath)
        let description = try MTorrentDisk.read(mtorrentPath)
        try Path.requireDestination(savePath)
        try requireOpenSwarms()
        let info = description.info
        return try startDownload(
            DownloadOrder(
                info: info,
                destination: Path.destination(
                    savePath, name: info.name, in: try tell { $0.root }),
                mtorrentPath: mtorrentPath,
                trackers: description.trackers.compactMap { Endpoint($0) }),
            options)
    }

    package func remove(mtorrentPath: String, deletingData: Bool) throws(CommandError) {
        if mtorrentPath.hasPrefix(MagnetLink.scheme) {
            let infoHash = try Self.magnetLink(mtorrentPath).infoHash
            try endFetch(of: infoHash)
            return try remove(infoHash, deletingData: deletingData)
        }
        let mtorrentPath = Path.absolute(mtorrentPath)
        let description = try MTorrentDisk.read(mtorrentPath)
        try remove(description.info.infoHash, deletingData: deletingData)
        try withdraw(description.info.infoHash)
        guard unlink(mtorrentPath) == 0 else {
            throw CommandError(
                "\(mtorrentPath) can't be deleted: \(DiskFile.describe(errno))", .ioError)
        }
    }

    /// Ends what runs without a group, and deletes its file if asked.
    private func remove(_ infoHash: InfoHash, deletingData: Bool) throws(CommandError) {
        let path: String? = try ask { node, reply in
            guard let transfer = node.transfers.byInfoHash[infoHash], transfer.user.isEmpty else {
                return reply(.success(nil))
            }
            let path =
                transfer.isUnfinished ? DownloadTarget.partPath(for: transfer.path) : transfer.path
            node.forget(infoHash, user: "") { reply($0.map { path }) }
        }
        guard deletingData, let path else { return }
        let root = try tell { $0.root }
        do throws(SystemError) {
            try root.remove(path)
        } catch {
            guard error.code != ENOENT else { return }
            throw CommandError(
                "\(path) can't be deleted: \(DiskFile.describe(error.code))", .ioError)
        }
    }
}
