import Reactor
import Wire

/// Descriptions of magnet links, fetched for commands or, after a restart, in the background.
extension Node {
    /// Begins to fetch a description. One that is fetched in the background gives way.
    func fetch(
        _ link: MagnetLink, inBackground: Bool = false,
        then completion: @escaping (Result<MetadataFetcher.Outcome, CommandError>) -> Void
    ) {
        do throws(CommandError) {
            try requireAbsent(link)
        } catch {
            return completion(.failure(error))
        }
        fetchers[link.infoHash]?.stop(Self.gaveWay)
        let announcer = transfers.announcer(group: "", trackers: link.trackerEndpoints)
        let fetcher = MetadataFetcher(
            link, announcer: announcer, isInBackground: inBackground, node: self, then: completion)
        fetchers[link.infoHash] = fetcher
        fetcher.start()
    }

    private static let gaveWay = CommandError("fetched by another command", .interrupted)

    /// Whether the description of what a link names may be fetched: no command is at it already.
    func requireAbsent(_ link: MagnetLink) throws(CommandError) {
        let name = terminalSafe(link.name ?? link.infoHash.hex)
        if let fetcher = fetchers[link.infoHash], !fetcher.isInBackground {
            throw CommandError("\(name) is being fetched already", .alreadyDownloading)
        }
        guard let running = transfers.byInfoHash[link.infoHash] else { return }
        try transfers.requireFree(running.info, running.path)
    }

    /// Goes on with what was being fetched when the program ended, for as long as it takes.
    func resumeFetches() {
        let records = store.fetches
        diskWorkers.run {
            records.all()
        } then: { [weak self] result in
            for fetch in (try? result.get()) ?? [] { self?.resume(fetch) }
        }
    }

    private func resume(_ pending: PendingFetch) {
        guard !isStopping, let link = try? MagnetLink(pending.link) else { return }
        fetch(link, inBackground: true) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let outcome): begin(pending, link, outcome)
            case .failure(let error):
                switch error.exitCode {
                // Nobody who has it is there yet.
                case .timedOut: resume(pending)
                case .interrupted: break
                // It is here already.
                default: forgetFetch(of: link.infoHash)
                }
            }
        }
    }

    private func begin(
        _ pending: PendingFetch, _ link: MagnetLink, _ outcome: MetadataFetcher.Outcome
    ) {
        let root = root
        diskWorkers.run {
            let info = try Transfers.publicInfo(outcome.metadata)
            let destination = Path.destination(
                pending.destination, name: info.name, in: root)
            return (info, destination)
        } then: { [weak self] result in
            guard let self else { return }
            do {
                let (info, destination) = try result.get()
                let order = DownloadOrder(
                    info: info, destination: destination, mtorrentPath: pending.link,
                    trackers: link.trackerEndpoints, isSequential: pending.isSequential)
                transfers.start(order) { [self] result in
                    if case .failure(let error) = result { notify(error.message) }
                    torrents[info.infoHash]?.deliver(.found(outcome.endpoints))
                    forgetFetch(of: link.infoHash)
                }
            } catch {
                notify(CommandError(wrapping: error).message)
                forgetFetch(of: link.infoHash)
            }
        }
    }

    private func forgetFetch(of infoHash: InfoHash) {
        let records = store.fetches
        stateWorker.run {
            records.remove(infoHash)
        } then: { (_: Result<Void, any Error>) in
        }
    }
}
