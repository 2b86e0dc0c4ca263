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
        let records = try tell { node throws(CommandError) in
            try node.requireAbsent(link)
            return node.store.fetches
        }
        let pending = PendingFetch(
            link: link.description, destination: Path.absolute(savePath),
            isSequential: options.isSequential)
        try records.save(pending, of: link.infoHash)
        do throws(CommandError) {
            let status = try download(link, to: savePath, options, cancellation)
            records.remove(link.infoHash)
            return status
        } catch {
            // What the end of the program interrupts goes on at its next start.
            if cancellation.isCancelled || error.exitCode != .interrupted {
                records.remove(link.infoHash)
            }
            throw error
        }
    }

    private func download(
        _ link: MagnetLink, to savePath: String, _ options: DownloadOptions,
        _ cancellation: Cancellation
    ) throws(CommandError) -> DownloadStatus {
        let outcome = try fetchMetadata(of: link, cancellation)
        let info = try Transfers.publicInfo(outcome.metadata)
        let status = try startDownload(
            DownloadOrder(
                info: info,
                destination: Path.destination(
                    savePath, name: info.name, in: try tell { $0.root }),
                mtorrentPath: link.description, trackers: link.trackerEndpoints),
            options)
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
        of link: MagnetLink, _ cancellation: Cancellation
    ) throws(CommandError) -> MetadataFetcher.Outcome {
        let interruption = CommandError("interrupted", .interrupted)
        cancellation.onCancel { [submitter, reference] in
            submitter.submit {
                reference.node.fetchers[link.infoHash]?.stop(interruption)
            }
        }
        return try ask { node, reply in
            guard !cancellation.isCancelled else { return reply(.failure(interruption)) }
            node.fetch(link) { reply($0) }
        }
    }

    /// Ends what is fetched in the background, and doesn't go on with it later.
    func endFetch(of infoHash: InfoHash) throws(CommandError) {
        let records = try tell { node in
            if let fetcher = node.fetchers[infoHash], fetcher.isInBackground {
                fetcher.stop(CommandError("removed", .interrupted))
            }
            return node.store.fetches
        }
        records.remove(infoHash)
    }
}
