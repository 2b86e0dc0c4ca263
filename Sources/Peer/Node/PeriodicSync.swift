import Reactor

/// Syncs a download to the disk every few seconds, so that a loss of power costs little.
final class PeriodicSync {
    private static let interval: Duration = .seconds(5)

    private let download: DownloadContent
    private unowned let node: Node
    private var timer: TimerID?
    private var isEnded = false
    private let onFailure: (CommandError) -> Void

    /// - Parameter onFailure: called when what was downloaded can't be synced.
    init(
        of download: DownloadContent, node: Node, onFailure: @escaping (CommandError) -> Void
    ) {
        self.download = download
        self.node = node
        self.onFailure = onFailure
        schedule()
    }

    func end() {
        isEnded = true
        if let timer { node.loop.cancel(timer) }
        timer = nil
    }

    private func schedule() {
        timer = node.loop.schedule(after: Self.interval) { [weak self] in self?.sync() }
    }

    private func sync() {
        let download = download
        node.diskWorkers.run {
            try download.sync()
        } then: { [self] result in
            guard !isEnded else { return }
            switch result {
            case .failure(let error): onFailure(CommandError(wrapping: error))
            case .success: schedule()
            }
        }
    }
}
