import Glibc
import Wire

/// What may run beside what.
extension Transfers {
    /// Whether a download of this content to this path may start.
    func requireFree(_ info: Info, _ destination: String) throws(CommandError) {
        if let running = byInfoHash[info.infoHash] {
            switch running.phase {
            case .opening, .downloading, .finishing:
                throw CommandError(
                    "\(info.name) is being downloaded to \(running.path) already",
                    .alreadyDownloading)
            case .sharing:
                throw CommandError(
                    "\(info.name) is here already and shared from \(running.path)",
                    .alreadyDownloading)
            case .stopped, .failed: break
            }
        }
        for other in inOrder where other.isPending && other.path == destination {
            throw CommandError(
                "\(destination) is the destination of another download, \(other.name): name"
                    + " another", .fileExists)
        }
    }

    /// The user is no longer in the group: its files are neither shared nor loaded, now and later.
    func forget(group: String, user: String) {
        for transfer in inOrder where transfer.group == group && transfer.user == user {
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
            info: transfer.info, selection: transfer.selection, destination: transfer.path,
            edgesPath: edgesPath(of: transfer.infoHash))
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
            try store.removeResume(for: infoHash)
        } then: { result in
            completion(result.mapError { CommandError(wrapping: $0) })
        }
    }

    func record(_ download: Download) {
        let store = store
        stateWorker.run {
            try store.save(download)
        } then: { [weak self] result in
            guard case .failure(let error) = result else { return }
            self?.notify("\(download.name) would not be resumed after a crash: \(error)")
        }
    }

    /// Stores what became of a download.
    func record(_ state: Download.State, of transfer: Transfer) {
        let (store, user, infoHash) = (store, transfer.user, transfer.infoHash)
        stateWorker.run {
            try store.setState(state, user: user, infoHash: infoHash)
        } then: { [weak self] result in
            guard case .failure(let error) = result else { return }
            self?.notify("what became of \(transfer.name) isn't recorded: \(error)")
        }
    }
}
