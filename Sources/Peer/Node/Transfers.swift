import Glibc
import PeerCore
import Reactor
import Wire

/// All that this node shares and downloads; the observer of its torrents.
final class Transfers: TorrentObserver {
    unowned let node: Node
    /// One for each info-hash: a torrent runs once in a node.
    private(set) var byInfoHash: [InfoHash: Transfer] = [:]
    /// The downloads that take bytes, or put a file in place.
    private var active: [InfoHash: Transfer] = [:]
    var queue: DownloadQueue
    /// Looks at the progress of those that are active while others wait.
    var queueTimer: TimerID?
    private var lastNumber = 0
    var waiters: [Waiter] = []

    init(node: Node) {
        self.node = node
        queue = DownloadQueue(limit: node.configuration.maxDownloads)
    }

    /// In the order in which they are best stopped: those whose turn would come by it first.
    var inactiveFirst: [Transfer] {
        byInfoHash.values.filter { !$0.isActive } + active.values
    }

    var inOrder: [Transfer] { byInfoHash.values.sorted { $0.number < $1.number } }

    var downloads: [DownloadStatus] {
        inOrder.filter { transfer in
            if case .leaving = transfer.phase { false } else { transfer.isDownload }
        }.map(\.status)
    }

    var activeCount: Int { active.count }

    var activeTorrents: [Torrent] { active.values.compactMap(\.torrent) }

    var activeDownloads: [DownloadStatus] {
        active.values.sorted { $0.number < $1.number }.map(\.status)
    }

    func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    func add(_ transfer: Transfer) {
        byInfoHash[transfer.infoHash] = transfer
        if transfer.isActive { active[transfer.infoHash] = transfer }
    }

    /// Brings a transfer to its next phase, with all that follows from it elsewhere.
    func move(_ transfer: Transfer, to phase: Transfer.Phase) {
        let wasActive = transfer.isActive
        transfer.setPhase(phase)
        active[transfer.infoHash] = transfer.isActive ? transfer : nil
        if transfer.isActive != wasActive { node.activeDownloadsChanged() }
        switch phase {
        case .opening, .downloading:
            return
        case .queued:
            queue.append(transfer.infoHash)
        case .paused, .finishing, .sharing, .stopped, .failed, .leaving:
            queue.remove(transfer.infoHash)
        }
        if !transfer.isPending { settleWaiters(of: transfer) }
        startWaiting()
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
        transfer.inPlace = record.identities
        add(transfer)
        let content = SharedContent(
            info, in: node.root, path: record.path, identities: record.identities,
            edgesPath: node.edgesPath(of: record.infoHash), cache: node.files)
        let selection = SharedContent.selection(info, record.identities)
        transfer.selection = selection
        let pieces = selection?.pieces(of: info) ?? Bitfield(fullOf: info.pieceCount)
        startTorrent(of: transfer, content, have: pieces)
    }

    func startTorrent(
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
        if node.limits != RateLimits() { node.tellLimits(to: torrent) }
        if let link = transfer.magnetLink { torrent.deliver(.found(link.peers)) }
    }

    // MARK: Finishing

    /// Every piece is verified: checks the whole and puts the file in its place.
    func finish(_ transfer: Transfer) {
        guard case .downloading = transfer.phase, let download = transfer.download else { return }
        move(transfer, to: .finishing)
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
        transfer.closeDownload()
        let share = transfer.share(of: identities)
        transfer.inPlace = identities
        let store = node.store
        let uselessEdges = transfer.selection == nil ? node.edgesPath(of: transfer.infoHash) : nil
        node.stateWorker.run {
            try store.completeDownload(as: share)
            if let uselessEdges { unlink(uselessEdges) }
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

    /// A download comes to its end, good or bad.
    func end(_ transfer: Transfer, _ phase: Transfer.Phase) {
        if case .failed(let error) = phase {
            stopTorrent(of: transfer)
            transfer.closeDownload()
            node.record(.failed(reason: error.message), of: transfer)
        }
        move(transfer, to: phase)
        if transfer.isDownload { node.noticeHandler(.downloadEnded(transfer.status)) }
        node.logger.info(
            "transfer ended",
            ["name": transfer.name, "group": transfer.group, "phase": "\(phase)"])
    }

    func stopTorrent(of transfer: Transfer) {
        transfer.stopTorrent()
        node.torrents[transfer.infoHash] = nil
        transfer.whenOpened.take()?(nil)
    }

    // MARK: TorrentObserver

    func torrent(_ torrent: Torrent, didComplete piece: Int) {
        let transfer = byInfoHash[torrent.infoHash]
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
            stopTorrent(of: transfer)
            move(transfer, to: .stopped)
            if !transfer.group.isEmpty {
                node.shareIsUnavailable(
                    transfer.infoHash, pieceCount: transfer.info.pieceCount)
            }
        case .opening, .downloading, .finishing:
            end(transfer, .failed(error))
        case .queued, .paused, .stopped, .failed, .leaving: break
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
        transfer.closeDownload()
        if transfer.isPending {
            move(transfer, to: .failed(CommandError("stopped", .interrupted)))
        } else {
            active[infoHash] = nil
        }
    }

    /// Stops what a user runs; it is all recorded and comes back at the next log-in.
    func stop(user: String) {
        for transfer in inactiveFirst where transfer.user == user { remove(transfer.infoHash) }
    }

    func stopAll() {
        if let queueTimer { node.loop.cancel(queueTimer) }
        queueTimer = nil
        for transfer in inOrder {
            stopTorrent(of: transfer)
        }
    }
}
