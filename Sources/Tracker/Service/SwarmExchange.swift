import Reactor
import TrackerCore

/// What a reactor tells the tracker's other reactors of its announces: gathered for some
/// milliseconds, so that a message costs little for each.
final class SwarmExchange {
    private let loop: EventLoop
    private let others: [LoopBound<AnnounceService>]
    private var gathered: [SwarmChange] = []
    private var timer: TimerID?

    private static let gathering = Duration.milliseconds(10)
    private static let mostGathered = 1024

    init(loop: EventLoop, others: [LoopBound<AnnounceService>]) {
        self.loop = loop
        self.others = others
    }

    func add(_ change: SwarmChange) {
        gathered.append(change)
        if gathered.count >= Self.mostGathered { return send() }
        guard timer == nil else { return }
        timer = loop.schedule(after: Self.gathering) { [unowned self] in send() }
    }

    private func send() {
        if let timer { loop.cancel(timer) }
        timer = nil
        let changes = gathered
        gathered = []
        gathered.reserveCapacity(min(changes.count, Self.mostGathered))
        for other in others { other.submit { $0.take(changes) } }
    }
}
