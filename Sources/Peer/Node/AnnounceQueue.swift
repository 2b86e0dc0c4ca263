import PeerCore
import Reactor

/// Announces of what is here as a whole, which nobody waits for: after a log-in there may be one
/// for each of many thousand shares. A few are under way at a time, each begun a moment after the
/// one before, so that neither the tracker nor what else is asked of it notices. On the loop's
/// thread.
final class AnnounceQueue {
    /// Makes an announce, and calls what it is given when that has ended.
    typealias Start = (_ ended: @escaping () -> Void) -> Void

    /// Under way at a time.
    static let limit = 2
    /// From the beginning of one to that of the next: 200 a second.
    private static let spacing: Duration = .milliseconds(5)

    private let loop: EventLoop
    private var waiting = Queue<Start>()
    private var underWay = 0
    private var timer: TimerID?

    init(loop: EventLoop) {
        self.loop = loop
    }

    func append(_ start: @escaping Start) {
        waiting.append(start)
        pump()
    }

    private func pump() {
        guard timer == nil, underWay < Self.limit, !waiting.isEmpty else { return }
        underWay += 1
        timer = loop.schedule(after: Self.spacing) { [unowned self] in
            timer = nil
            pump()
        }
        var hasEnded = false
        waiting.removeFirst()({ [weak self] in
            precondition(!hasEnded, "an announce ends once")
            hasEnded = true
            guard let self else { return }
            underWay -= 1
            pump()
        })
    }
}
