import PeerCore
import Reactor
import Wire

/// Keeps the record of a download's verified pieces in the state store.
///
/// A piece is recorded right after it is verified: records in flight at a time are one, and the
/// next carries all that has come meanwhile. Every few seconds the file is synced, and what was
/// verified before is then recorded as safe from power loss too.
final class ResumeJournal {
    private static let syncInterval: Duration = .seconds(5)

    private let infoHash: InfoHash
    private let download: DownloadContent
    private unowned let node: Node
    private var verified: Bitfield
    private var synced: Bitfield
    private var isDirty = false
    private var isWriting = false
    private var isSyncing = false
    private var isClosed = false
    private var timer: TimerID?
    private let onFailure: (CommandError) -> Void
    private var whenWritten: [() -> Void] = []

    /// - Parameter onFailure: called when what was downloaded can't be synced.
    init(
        infoHash: InfoHash, download: DownloadContent, verified: Bitfield, node: Node,
        onFailure: @escaping (CommandError) -> Void
    ) {
        self.onFailure = onFailure
        self.infoHash = infoHash
        self.download = download
        self.node = node
        self.verified = verified
        // What was believed at the start had been recorded as it was found; it is synced anew.
        self.synced = Bitfield(bitCount: verified.bitCount)
        isDirty = true
        write()
        scheduleSync()
    }

    func record(piece: Int) {
        verified.insert(piece)
        isDirty = true
        write()
    }

    /// Ends the journal; `completion` runs once nothing is being written any more.
    func close(then completion: @escaping () -> Void = {}) {
        isClosed = true
        if let timer { node.loop.cancel(timer) }
        timer = nil
        if isWriting { whenWritten.append(completion) } else { completion() }
    }

    private func write() {
        guard isDirty, !isWriting else { return }
        isDirty = false
        isWriting = true
        let record = Resume(
            bootID: node.bootID, device: download.identity.device,
            inode: download.identity.inode, verified: verified.wireBytes, synced: synced.wireBytes)
        let (store, infoHash) = (node.store, infoHash)
        node.stateWorker.run {
            try store.save(record, for: infoHash)
        } then: { [self] result in
            isWriting = false
            if case .failure(let error) = result {
                node.logger.error(
                    "resume record not written",
                    ["info_hash": infoHash.hex, "error": String(describing: error)])
            } else {
                write()
            }
            if !isWriting {
                for completion in whenWritten { completion() }
                whenWritten = []
            }
        }
    }

    private func scheduleSync() {
        timer = node.loop.schedule(after: Self.syncInterval) { [weak self] in self?.sync() }
    }

    private func sync() {
        guard !isClosed, !isSyncing, verified != synced else {
            if !isClosed { scheduleSync() }
            return
        }
        isSyncing = true
        let (download, before) = (download, verified)
        node.diskWorkers.run {
            try download.sync()
        } then: { [self] result in
            isSyncing = false
            guard !isClosed else { return }
            switch result {
            case .failure(let error): onFailure(CommandError(wrapping: error))
            case .success:
                synced = before
                isDirty = true
                write()
                scheduleSync()
            }
        }
    }
}
