import Reactor
import Wire

/// What the user does to downloads.
extension Transfers {
    /// A command on one download.
    enum Change: String {
        case pause, resume, cancel

        /// Why it can't be done to a download; nil where it can.
        func obstacle(to transfer: Transfer) -> String? {
            let name = transfer.name
            switch (transfer.phase, self) {
            case (.queued, .resume):
                return "\(name) isn't paused: it waits for its turn"
            case (.opening, .resume), (.downloading, .resume):
                return "\(name) isn't paused: it is being downloaded"
            case (.paused, .pause):
                return "\(name) is paused already: resume lets it go on"
            case (.finishing, _):
                return "all of \(name) is here: it is being put in place"
            case (.sharing, _):
                return "\(name) is complete: stop_share ends its sharing"
            case (.stopped, _):
                return "\(name) is complete, and not shared any more"
            case (.failed(let error), .pause), (.failed(let error), .resume):
                return "\(name) has failed (\(error.message)): download it again, or cancel it"
            case (.leaving, _):
                return "\(name) is being cancelled already"
            case (.queued, _), (.opening, _), (.downloading, _), (.paused, _), (.failed, _):
                return nil
            }
        }
    }

    /// The download that a command is about.
    /// - Parameter group: nil where the name alone is to tell; empty for one without a group.
    func find(
        _ name: String, group: String?, for change: Change
    ) throws(CommandError) -> Transfer {
        let named = inOrder.filter {
            $0.isDownload && $0.name == name && (group == nil || $0.group == group)
        }
        guard let last = named.last else {
            let place = group.map { $0.isEmpty ? " without a group" : " of \($0)" } ?? ""
            throw CommandError(
                "no download\(place) is named \(name): show_downloads lists them", .notFound)
        }
        let fitting = named.filter { change.obstacle(to: $0) == nil }
        if let only = fitting.first, fitting.count == 1 { return only }
        let candidates = fitting.isEmpty ? named : fitting
        let groups = Set(candidates.map(\.group)).sorted()
        if groups.count > 1 {
            let list = groups.map { $0.isEmpty ? "'' (without a group)" : $0 }
            throw CommandError(
                "there are downloads named \(name) of several groups, "
                    + list.joined(separator: ", ")
                    + ": name one: \(change.rawValue) <group_id> \(name)", .usage)
        }
        if let newest = fitting.last { return newest }
        throw CommandError(change.obstacle(to: last) ?? "", .refused)
    }

    typealias Completion = (Result<DownloadStatus, CommandError>) -> Void

    /// Stops a download for now: it gives up its place and its connections, and keeps what it has.
    func pause(_ transfer: Transfer, then completion: @escaping Completion) {
        stopTorrent(of: transfer)
        transfer.closeDownload()
        move(transfer, to: .paused)
        node.holdings?.changed(transfer.infoHash)
        node.record(.paused, of: transfer) { completion(.success(transfer.status)) }
    }

    /// Takes a paused download to the end of the queue.
    func resume(_ transfer: Transfer, then completion: @escaping Completion) {
        move(transfer, to: .queued)
        node.record(.downloading, isRequeued: true, of: transfer) {
            completion(.success(transfer.status))
        }
    }

    /// Ends a download for good, and deletes what there is of it.
    func cancel(_ transfer: Transfer, then completion: @escaping Completion) {
        let status = transfer.status
        stopTorrent(of: transfer)
        transfer.closeDownload()
        move(transfer, to: .leaving)
        node.holdings?.changed(transfer.infoHash)
        let (records, infoHash, user) = (node.store.resumes, transfer.infoHash, transfer.user)
        let target = node.downloadTarget(of: transfer)
        transfer.afterWorkers { [self] in
            node.diskWorkers.run {
                let resume = records.resume(of: infoHash, pieceCount: target.info.pieceCount)
                try target.removePart(recordedBy: resume)
            } then: { [self] result in
                // Somebody else may have ended it meanwhile, by a log-out.
                let isOurs = byInfoHash[infoHash] === transfer
                if isOurs, !transfer.inPlace.isEmpty {
                    giveUp(transfer)
                    return completion(
                        result.mapError { CommandError(wrapping: $0) }.map { status })
                }
                if isOurs { remove(infoHash) }
                node.forget(infoHash, user: user) { forgotten in
                    completion(
                        result.mapError { CommandError(wrapping: $0) }.flatMap { forgotten }
                            .map { status })
                }
            }
        }
    }
}
