import PeerCore
import Reactor
import Wire

/// Tells the tracker which pieces of the groups' files are here: changes are gathered for a second
/// and sent in one call; what couldn't be sent is sent when the tracker is back.
final class HoldingsReporter {
    private static let delay: Duration = .seconds(1)
    /// Bitfields in one call; with 2,000 pieces each that is about 100 KiB.
    private static let batchSize = 256

    private unowned let node: Node
    private var dirty: Set<InfoHash> = []
    private var timer: TimerID?
    private var isSending = false
    /// A batch was refused.
    private var sendsSingly = false
    private var isStopped = false

    init(node: Node) {
        self.node = node
    }

    func changed(_ infoHash: InfoHash) {
        dirty.insert(infoHash)
        schedule()
    }

    /// The tracker knows nothing of this session's holdings.
    func reportAll() {
        for transfer in node.transfers.inOrder where !transfer.group.isEmpty {
            dirty.insert(transfer.infoHash)
        }
        dirty.formUnion(node.session?.unavailable.keys.map { $0 } ?? [])
        schedule()
    }

    func stop() {
        isStopped = true
        if let timer { node.loop.cancel(timer) }
        timer = nil
    }

    private func schedule() {
        guard timer == nil, !isSending, !isStopped, !dirty.isEmpty else { return }
        timer = node.loop.schedule(after: Self.delay) { [unowned self] in
            timer = nil
            send()
        }
    }

    private func send() {
        let batch = dirty.sorted().prefix(sendsSingly ? 1 : Self.batchSize)
        dirty.subtract(batch)
        if dirty.isEmpty { sendsSingly = false }
        let holdings = batch.compactMap { holding(of: $0) }
        guard !holdings.isEmpty else { return }
        isSending = true
        node.tracker.report(HoldingsReport(holdings: holdings)) { [weak self] result in
            guard let self else { return }
            isSending = false
            switch result {
            case .success: break
            // One of them is refused for good, a group that was left or a file that is gone:
            // the others go one by one.
            case .failure(.refused(400..<500, _, _)):
                if batch.count > 1 {
                    dirty.formUnion(batch)
                    sendsSingly = true
                }
            case .failure: dirty.formUnion(batch)
            }
            schedule()
        }
    }

    private func holding(of infoHash: InfoHash) -> Holding? {
        if let pieceCount = node.session?.unavailable[infoHash] {
            let nothing = Bitfield(bitCount: pieceCount)
            return Holding(infoHash: infoHash, bitfield: Base64Bytes(nothing.wireBytes))
        }
        guard let transfer = node.transfers.byInfoHash[infoHash], !transfer.group.isEmpty else {
            return nil
        }
        // Without a torrent there is nothing to be had, but of a share, which is an empty file.
        let have =
            transfer.torrent?.swarm.have ?? Bitfield(bitCount: transfer.info.pieceCount)
        return Holding(infoHash: infoHash, bitfield: Base64Bytes(have.wireBytes))
    }
}
