import Glibc
import Wire

/// What may run beside what.
extension Transfers {
    /// Whether a download of this content to this path may start.
    func requireFree(_ info: Info, _ destination: String) throws(CommandError) {
        if let running = byInfoHash[info.infoHash] {
            switch running.phase {
            case .queued:
                throw CommandError(
                    "\(info.name) waits for its turn to be downloaded to \(running.path) already",
                    .alreadyDownloading)
            case .opening, .downloading, .finishing:
                throw CommandError(
                    "\(info.name) is being downloaded to \(running.path) already",
                    .alreadyDownloading)
            case .paused:
                throw CommandError(
                    "the download of \(info.name) to \(running.path) is paused: resume it",
                    .alreadyDownloading)
            case .leaving:
                throw CommandError(
                    "the download of \(info.name) is just being cancelled: try again",
                    .alreadyDownloading)
            case .sharing:
                throw CommandError(
                    "\(info.name) is here already and shared from \(running.path)"
                        + (running.selection == nil ? "" : ": name that to have more of its files"),
                    .alreadyDownloading)
            case .stopped, .failed: break
            }
        }
        let other = byInfoHash.values.first { $0.isUnfinished && $0.path == destination }
        if let other {
            throw CommandError(
                "\(destination) is the destination of another download, \(other.name): name"
                    + " another", .fileExists)
        }
    }

    /// The user is no longer in the group: its files are neither shared nor loaded, now and later.
    func forget(group: String, user: String) {
        for transfer in inactiveFirst where transfer.group == group && transfer.user == user {
            node.forget(transfer.infoHash, user: user) { _ in }
        }
    }
}

extension Node {
    /// Of what pieces have of files that aren't wanted.
    func edgesPath(of infoHash: InfoHash) -> String {
        store.directory + "/edges/" + infoHash.hex
    }

    func downloadTarget(of transfer: Transfer) -> DownloadTarget {
        DownloadTarget(
            info: transfer.info, root: root, selection: transfer.selection,
            destination: transfer.path, edgesPath: edgesPath(of: transfer.infoHash),
            inPlace: transfer.inPlace)
    }

    /// Ends a share or a download for good: it does not come back at log-in. Its file stays.
    func forget(
        _ infoHash: InfoHash, user: String,
        then completion: @escaping (Result<Void, CommandError>) -> Void
    ) {
        if transfers.byInfoHash[infoHash]?.user == user { transfers.remove(infoHash) }
        session?.unavailable[infoHash] = nil
        let (store, edgesPath) = (store, edgesPath(of: infoHash))
        stateWorker.run {
            unlink(edgesPath)
            try store.removeShare(user: user, infoHash: infoHash)
            try store.removeDownload(user: user, infoHash: infoHash)
            store.resumes.remove(infoHash)
        } then: { result in
            completion(result.mapError { CommandError(wrapping: $0) })
        }
    }

    /// Takes a download off the record that couldn't begin; of its pieces all is kept that is known.
    func forgetDownload(_ infoHash: InfoHash, user: String) {
        let store = store
        stateWorker.run {
            try store.removeDownload(user: user, infoHash: infoHash)
        } then: { [weak self] result in
            guard case .failure(let error) = result else { return }
            self?.logger.error("download not forgotten", ["error": String(describing: error)])
        }
    }

    /// Stores a download; `completion` runs once it is stored, or the user knows that it isn't.
    func record(_ download: Download, then completion: @escaping () -> Void) {
        let store = store
        stateWorker.run {
            try store.save(download)
        } then: { [weak self] result in
            if case .failure(let error) = result {
                self?.notify("\(download.name) would not be resumed after a restart: \(error)")
            }
            completion()
        }
    }

    /// Stores what became of a download; `completion` runs once it is stored, or the user knows
    /// that it isn't.
    /// - Parameter isRequeued: whether it goes to the end of the queue.
    func record(
        _ state: Download.State, isRequeued: Bool = false, of transfer: Transfer,
        then completion: @escaping () -> Void = {}
    ) {
        let (store, user, infoHash) = (store, transfer.user, transfer.infoHash)
        stateWorker.run {
            try store.setState(state, isRequeued: isRequeued, user: user, infoHash: infoHash)
        } then: { [weak self] result in
            if case .failure(let error) = result {
                self?.notify("what became of \(transfer.name) isn't recorded: \(error)")
            }
            completion()
        }
    }
}
