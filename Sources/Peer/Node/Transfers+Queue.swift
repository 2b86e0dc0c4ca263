import PeerCore
import Reactor
import Wire

/// Downloads take turns.
extension Transfers {
    private static let lookInterval: Duration = .seconds(5)

    /// Begins a download, or has it wait for its turn.
    /// - Parameter completion: called once it is under way and on record. One that can't even
    ///   begin leaves no trace, but for one that had failed before.
    /// - Parameter inPlace: what is at the destination already.
    func download(
        _ record: Download, info: Info, announcer: Announcer,
        inPlace: [Int: FileIdentity] = [:], then completion: @escaping Completion
    ) {
        var hadFailed = false
        if case .failed = byInfoHash[info.infoHash]?.phase { hadFailed = true }
        let transfer = enqueue(record, info: info, announcer: announcer, inPlace: inPlace)
        guard case .opening = transfer.phase else {
            return node.record(record) { completion(.success(transfer.status)) }
        }
        // Before it is opened, so that the order on record is that of the queue.
        transfer.workerBegins()
        node.record(record) { transfer.workerEnds() }
        transfer.whenOpened = { [self] result in
            switch result {
            case nil, .success:
                // Once it is on record, too.
                transfer.afterWorkers { completion(.success(transfer.status)) }
            case .failure(let error) where hadFailed:
                node.record(.failed(reason: error.message), of: transfer)
                move(transfer, to: .failed(error))
                completion(.failure(error))
            case .failure(let error):
                giveUp(transfer)
                completion(.failure(error))
            }
        }
    }

    /// Takes a download that is recorded, or about to be, to the end of the queue.
    /// - Parameter verifiedBytes: as recorded.
    @discardableResult
    func enqueue(
        _ record: Download, info: Info, announcer: Announcer, verifiedBytes: Int64 = 0,
        inPlace: [Int: FileIdentity] = [:]
    ) -> Transfer {
        let transfer = Transfer(
            number: nextNumber(), user: record.user, group: record.group, info: info,
            path: record.destination, mtorrentPath: record.mtorrentPath, isDownload: true,
            announcer: announcer, phase: .paused)
        transfer.selection = record.wantedFiles.map { FileSelection($0) }
        transfer.inPlace = inPlace
        transfer.isSequential = record.isSequential
        transfer.verifiedBytes = verifiedBytes
        add(transfer)
        if record.state != .paused { move(transfer, to: .queued) }
        return transfer
    }

    /// Begins those whose turn has come.
    func startWaiting() {
        guard !node.isStopping else { return }
        while let infoHash = queue.takeNext(at: node.now) {
            guard let transfer = byInfoHash[infoHash] else {
                preconditionFailure("who leaves the list leaves the queue")
            }
            move(transfer, to: .opening)
            open(transfer)
        }
        if queue.hasWaiting, queueTimer == nil {
            queueTimer = node.loop.schedule(after: Self.lookInterval) { [unowned self] in
                queueTimer = nil
                lookAtProgress()
            }
        }
    }

    /// Finds out whose place others may take.
    private func lookAtProgress() {
        // What our own limit holds back isn't for want of sharers.
        if !node.readBudget.isUsedUp {
            queue.look(at: node.now) { infoHash in
                guard let torrent = byInfoHash[infoHash]?.torrent else { return 0 }
                return torrent.swarm.progress(at: node.now).downloadedBytes
            }
        }
        startWaiting()
    }

    /// Opens the file, once nobody is at it any more.
    private func open(_ transfer: Transfer) {
        let stops = transfer.stops
        transfer.afterWorkers { [self] in
            guard transfer.stops == stops else { return }
            transfer.workerBegins()
            let (records, cache) = (node.store.resumes, node.files)
            let target = node.downloadTarget(of: transfer)
            node.diskWorkers.run {
                try DownloadContent.open(target, records: records, cache: cache)
            } then: { [self] result in
                opened(transfer, result, isWanted: transfer.stops == stops && !node.isStopping)
                transfer.workerEnds()
            }
        }
    }

    /// - Parameter isWanted: false where it was stopped meanwhile.
    private func opened(
        _ transfer: Transfer,
        _ result: Result<(content: DownloadContent, verified: Bitfield), any Error>,
        isWanted: Bool
    ) {
        switch result {
        case .success(let (content, verified)):
            transfer.beginCounting(content.layout, verified)
            guard isWanted else { return }
            transfer.sync = PeriodicSync(of: content, node: node) { [weak transfer] error in
                transfer?.torrent?.fail(error)
            }
            transfer.download = content
            move(transfer, to: .downloading)
            startTorrent(of: transfer, content, have: verified)
            if transfer.isSequential { transfer.torrent?.deliver(.setSequential(true)) }
            transfer.whenOpened.take()?(.success(()))
            if transfer.torrent?.swarm.isComplete != false { finish(transfer) }
        case .failure(let error):
            guard isWanted else { return }
            let error = CommandError(wrapping: error)
            if let whenOpened = transfer.whenOpened.take() {
                whenOpened(.failure(error))
            } else {
                end(transfer, .failed(error))
            }
        }
    }
}
