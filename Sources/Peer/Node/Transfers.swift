import PeerCore
import Reactor
import Wire

/// All that this node shares and downloads; the observer of its torrents.
final class Transfers: TorrentObserver {
    unowned let node: Node
    /// One for each info-hash: a torrent runs once in a node.
    private(set) var byInfoHash: [InfoHash: Transfer] = [:]
    private var lastNumber = 0
    private var waiters: [Waiter] = []

    /// Somebody waiting for downloads to end.
    private struct Waiter {
        let id: Int
        let transfers: [Transfer]
        let completion: ([DownloadStatus]) -> Void
    }

    init(node: Node) {
        self.node = node
    }

    var inOrder: [Transfer] { byInfoHash.values.sorted { $0.number < $1.number } }

    var downloads: [DownloadStatus] { inOrder.filter(\.isDownload).map(\.status) }

    private func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    // MARK: Sharing

    /// Serves a complete file. Takes the place of another transfer of the same info-hash.
    func share(_ record: Share, info: Info, announcer: Announcer) {
        remove(record.infoHash)
        node.session?.unavailable[record.infoHash] = nil
        let transfer = Transfer(
            number: nextNumber(), user: record.user, group: record.group, info: info,
            path: record.path, mtorrentPath: record.mtorrentPath, isDownload: false,
            announcer: announcer, phase: .sharing)
        byInfoHash[record.infoHash] = transfer
        let content = SharedContent(
            info, path: record.path, identities: record.identities,
            edgesPath: node.edgesPath(of: record.infoHash), cache: node.files)
        let selection = SharedContent.selection(info, record.identities)
        transfer.selection = selection
        let pieces = selection?.pieces(of: info) ?? Bitfield(fullOf: info.pieceCount)
        startTorrent(of: transfer, content, have: pieces)
    }

    private func startTorrent(
        of transfer: Transfer, _ content: any Content, have: Bitfield
    ) {
        node.holdings?.changed(transfer.infoHash)
        // There is nothing to transfer of an empty file.
        guard transfer.info.pieceCount > 0 else { return }
        let torrent = Torrent(
            info: transfer.info, content: content, have: have,
            wanted: transfer.selection?.pieces(of: transfer.info),
            announcer: transfer.announcer, node: node, observer: self)
        transfer.torrent = torrent
        node.torrents[transfer.infoHash] = torrent
        torrent.start()
    }

    // MARK: Downloading

    /// Starts or resumes a download that is recorded already.
    func download(
        _ record: Download, info: Info, announcer: Announcer,
        then completion: @escaping (Result<Transfer, CommandError>) -> Void
    ) {
        let transfer = Transfer(
            number: nextNumber(), user: record.user, group: record.group, info: info,
            path: record.destination, mtorrentPath: record.mtorrentPath, isDownload: true,
            announcer: announcer, phase: .opening)
        transfer.selection = record.wantedFiles.map { FileSelection($0) }
        byInfoHash[transfer.infoHash] = transfer
        let (store, bootID, cache) = (node.store, node.bootID, node.files)
        let target = node.downloadTarget(of: transfer)
        node.diskWorkers.run {
            let resume = try store.resume(for: info.infoHash)
            return try DownloadContent.open(target, resume: resume, bootID: bootID, cache: cache)
        } then: { [self] result in
            // It may have been removed or replaced meanwhile.
            guard byInfoHash[transfer.infoHash] === transfer, !node.isStopping else { return }
            switch result {
            case .success(let (content, verified)):
                begin(transfer, content, verified, isSequential: record.isSequential)
                completion(.success(transfer))
            case .failure(let error):
                let error = CommandError(wrapping: error)
                transfer.phase = .failed(error)
                settleWaiters()
                completion(.failure(error))
            }
        }
    }

    private func begin(
        _ transfer: Transfer, _ content: DownloadContent, _ verified: Bitfield,
        isSequential: Bool
    ) {
        transfer.download = content
        transfer.phase = .downloading
        transfer.beginCounting(content.layout, verified)
        transfer.journal = ResumeJournal(
            infoHash: transfer.infoHash, download: content, verified: verified, node: node
        ) { [weak transfer] error in
            transfer?.torrent?.fail(error)
        }
        startTorrent(of: transfer, content, have: verified)
        if isSequential { transfer.torrent?.deliver(.setSequential(true)) }
        if transfer.torrent?.swarm.isComplete != false { finish(transfer) }
    }

    /// Every piece is verified: checks the whole and puts the file in its place.
    private func finish(_ transfer: Transfer) {
        guard case .downloading = transfer.phase, let download = transfer.download else { return }
        transfer.phase = .finishing
        let checksWholeFile = node.configuration.checksWholeFile
        node.diskWorkers.run {
            try download.finish(checkingWholeFiles: checksWholeFile)
        } then: { [self] result in
            guard byInfoHash[transfer.infoHash] === transfer else { return }
            switch result {
            case .success(let identities): recordCompletion(of: transfer, identities)
            case .failure(let error): end(transfer, .failed(CommandError(wrapping: error)))
            }
        }
    }

    private func recordCompletion(
        of transfer: Transfer, _ identities: [Int: FileIdentity]
    ) {
        if let download = transfer.download {
            transfer.torrent?.content = download.finished(identities)
        }
        transfer.download = nil
        let share = Share(
            user: transfer.user, group: transfer.group, infoHash: transfer.infoHash,
            name: transfer.name, path: transfer.path, mtorrentPath: transfer.mtorrentPath,
            info: transfer.info.encoded, identities: identities, isActive: true)
        let store = node.store
        let journal = transfer.journal
        transfer.journal = nil
        journal?.close { [self] in
            node.stateWorker.run {
                try store.completeDownload(as: share)
            } then: { [self] result in
                if case .failure(let error) = result {
                    node.notify("\(transfer.name) is complete but not recorded: \(error)")
                }
                guard byInfoHash[transfer.infoHash] === transfer else { return }
                // Who has waited for the end finds the share in the catalogue.
                node.registerShare(of: transfer) { [self] in
                    guard byInfoHash[transfer.infoHash] === transfer else { return }
                    end(transfer, .sharing)
                }
            }
        }
    }

    /// A download comes to its end, good or bad.
    private func end(_ transfer: Transfer, _ phase: Transfer.Phase) {
        transfer.phase = phase
        if case .failed(let error) = phase {
            stopTorrent(of: transfer)
            transfer.journal?.close()
            transfer.journal = nil
            node.record(.failed(reason: error.message), of: transfer)
        }
        if transfer.isDownload { node.noticeHandler(.downloadEnded(transfer.status)) }
        node.logger.info(
            "transfer ended",
            ["name": transfer.name, "group": transfer.group, "phase": "\(phase)"])
        settleWaiters()
    }

    private func stopTorrent(of transfer: Transfer) {
        transfer.stopTorrent()
        node.torrents[transfer.infoHash] = nil
    }

    // MARK: TorrentObserver

    func torrent(_ torrent: Torrent, didComplete piece: Int) {
        let transfer = byInfoHash[torrent.infoHash]
        transfer?.journal?.record(piece: piece)
        transfer?.count(piece, in: torrent.content.layout)
        node.holdings?.changed(torrent.infoHash)
    }

    func torrentDidVerifyAll(_ torrent: Torrent) {
        guard let transfer = byInfoHash[torrent.infoHash] else { return }
        finish(transfer)
    }

    func torrent(_ torrent: Torrent, didFail error: CommandError) {
        guard let transfer = byInfoHash[torrent.infoHash] else { return }
        switch transfer.phase {
        case .sharing:
            node.notify(error.message)
            transfer.phase = .stopped
            stopTorrent(of: transfer)
            if !transfer.group.isEmpty {
                node.shareIsUnavailable(
                    transfer.infoHash, pieceCount: transfer.info.pieceCount)
            }
        case .opening, .downloading, .finishing:
            end(transfer, .failed(error))
        case .stopped, .failed: break
        }
    }

    func torrent(_ torrent: Torrent, didBan endpoint: Endpoint, piece: Int) {
        node.logger.warning(
            "peer banned",
            ["endpoint": endpoint, "info_hash": torrent.infoHash.hex, "piece": piece])
        node.notify(
            "\(endpoint) sent a bad piece \(piece) of \(torrent.info.name) and is banned;"
                + " it is fetched elsewhere")
    }

    // MARK: Ending

    /// Forgets a transfer; its file stays.
    func remove(_ infoHash: InfoHash) {
        guard let transfer = byInfoHash.removeValue(forKey: infoHash) else { return }
        stopTorrent(of: transfer)
        transfer.journal?.close()
        if transfer.isPending {
            transfer.phase = .failed(CommandError("stopped", .interrupted))
            settleWaiters()
        }
    }

    /// Stops what a user runs; it is all recorded and comes back at the next log-in.
    func stop(user: String) {
        for transfer in inOrder where transfer.user == user { remove(transfer.infoHash) }
    }

    func stopAll() {
        for transfer in inOrder {
            stopTorrent(of: transfer)
        }
    }

    /// Runs `completion` when no record of a download is being written any more.
    func flushJournals(then completion: @escaping () -> Void) {
        let journals = byInfoHash.values.compactMap(\.journal)
        var open = journals.count
        if open == 0 { return completion() }
        for journal in journals {
            journal.close {
                open -= 1
                if open == 0 { completion() }
            }
        }
    }

    // MARK: Waiting

    /// Runs `completion` once the downloads of that name (all, for nil) have ended.
    /// - Returns: an id for `cancelWait`.
    func wait(
        name: String?, then completion: @escaping ([DownloadStatus]) -> Void
    ) -> Int {
        // One that ended before anybody waited is reported once.
        let awaited = inOrder.filter {
            guard $0.isDownload else { return false }
            if let name { return $0.name == name }
            return $0.isPending || !$0.wasAwaited
        }
        let id = nextNumber()
        waiters.append(Waiter(id: id, transfers: awaited, completion: completion))
        settleWaiters()
        return id
    }

    func cancelWait(_ id: Int) { waiters.removeAll { $0.id == id } }

    private func settleWaiters() {
        let done = waiters.filter { waiter in !waiter.transfers.contains(where: \.isPending) }
        waiters.removeAll { waiter in !waiter.transfers.contains(where: \.isPending) }
        for waiter in done {
            for transfer in waiter.transfers { transfer.wasAwaited = true }
            waiter.completion(waiter.transfers.map(\.status))
        }
    }
}
