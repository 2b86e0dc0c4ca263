import Wire

/// Downloads by magnet link: the description comes from peers who have it.
extension NodeService {
    package func get(
        magnet text: String, savePath: String, options: DownloadOptions,
        cancellation: Cancellation
    ) throws(CommandError) -> DownloadStatus {
        let link = try Self.magnetLink(text)
        try Path.requireDestination(savePath)
        let trackers = link.trackerEndpoints
        guard !trackers.isEmpty || !link.peers.isEmpty || link.trackers.isEmpty else {
            throw CommandError(
                "the link names no tracker that can be asked, http://IP:PORT/announce",
                .badMetainfo)
        }
        if trackers.isEmpty, link.peers.isEmpty { try requireOpenSwarms() }
        let outcome = try fetchMetadata(of: link, trackers, cancellation)
        let info = try Transfers.info(outcome.metadata)
        guard !info.isPrivate else {
            throw CommandError(
                "\(info.name) is private: its description comes from its tracker only", .refused)
        }
        let status = try startDownload(
            info: info, group: "", destination: Path.destination(savePath, name: info.name),
            mtorrentPath: link.description, trackers: trackers, options: options)
        try tell { $0.torrents[info.infoHash]?.deliver(.found(outcome.endpoints)) }
        return status
    }

    static func magnetLink(_ text: String) throws(CommandError) -> MagnetLink {
        do {
            return try MagnetLink(text)
        } catch {
            throw CommandError("the magnet link can't be used: \(error)", .badMetainfo)
        }
    }

    private func fetchMetadata(
        of link: MagnetLink, _ trackers: [Endpoint], _ cancellation: Cancellation
    ) throws(CommandError) -> MetadataFetcher.Outcome {
        let interruption = CommandError("interrupted", .interrupted)
        cancellation.onCancel { [submitter, reference] in
            submitter.submit {
                reference.node.fetchers[link.infoHash]?.stop(interruption)
            }
        }
        return try ask { node, reply in
            guard !cancellation.isCancelled else { return reply(.failure(interruption)) }
            do throws(CommandError) {
                try node.transfers.requireAbsent(link)
            } catch {
                return reply(.failure(error))
            }
            let announcer = node.transfers.announcer(group: "", trackers: trackers)
            let fetcher = MetadataFetcher(link, announcer: announcer, node: node) { reply($0) }
            node.fetchers[link.infoHash] = fetcher
            fetcher.start()
        }
    }
}

extension Transfers {
    /// Whether the description of what a link names may be fetched: nobody is at it already.
    func requireAbsent(_ link: MagnetLink) throws(CommandError) {
        let name = terminalSafe(link.name ?? link.infoHash.hex)
        guard node.fetchers[link.infoHash] == nil else {
            throw CommandError("\(name) is being fetched already", .alreadyDownloading)
        }
        guard let running = byInfoHash[link.infoHash] else { return }
        try requireFree(running.info, running.path)
    }
}
