import PeerCore
import Reactor
import Wire

/// Whose blocks go out next, where the upload is limited.
///
/// A connection with released blocks waits in a queue. At its turn it sends a quantum's worth, and
/// goes to the end if it has more. Other messages don't wait: they are few, and are counted. While
/// there is no limit, nobody waits and nothing is counted.
final class UploadTurns {
    private let loop: EventLoop
    private var bucket: TokenBucket?
    private var queue = Queue<PeerConnection>()
    private var timer: TimerID?

    /// Nothing is gained by looking more often.
    private static let shortestWait: Duration = .milliseconds(1)
    /// Each as much as passes in a sixty-fourth of a second: a block at least, and as much at most
    /// as a stream sends at once.
    private static let quanta = 16 << 10...256 << 10

    init(loop: EventLoop) {
        self.loop = loop
    }

    /// Nil: as much as goes. Has its effect at once.
    var bytesPerSecond: Int? {
        get { bucket?.bytesPerSecond }
        set {
            guard let newValue else {
                bucket = nil
                return giveTurns()
            }
            if bucket == nil {
                bucket = TokenBucket(bytesPerSecond: newValue, at: loop.now)
            } else {
                bucket?.setRate(newValue, at: loop.now)
                schedule()
            }
        }
    }

    var isLimited: Bool { bucket != nil }

    /// Counts bytes that didn't wait.
    func charge(_ count: Int) {
        bucket?.take(count, at: loop.now)
    }

    /// Has a connection wait for its turn, if it doesn't yet.
    func enqueue(_ connection: PeerConnection) {
        guard !connection.awaitsTurn else { return }
        connection.awaitsTurn = true
        queue.append(connection)
        if timer == nil { schedule() }
    }

    private func schedule() {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard !queue.isEmpty else { return }
        var next = bucket?.nextTime(after: loop.now) ?? loop.now
        if next > loop.now { next = max(next, loop.now + Self.shortestWait) }
        timer = loop.schedule(at: next) { [unowned self] in
            timer = nil
            giveTurns()
        }
    }

    private func giveTurns() {
        while !queue.isEmpty, isTimeForNext { giveTurn(to: queue.removeFirst(), quantum) }
        schedule()
    }

    private var isTimeForNext: Bool {
        bucket.map { $0.nextTime(after: loop.now) <= loop.now } ?? true
    }

    private var quantum: Int {
        guard let rate = bytesPerSecond else { return .max }
        return min(max(rate / 64, Self.quanta.lowerBound), Self.quanta.upperBound)
    }

    private func giveTurn(to connection: PeerConnection, _ quantum: Int) {
        connection.awaitsTurn = false
        charge(connection.takeTurn(quantum: quantum))
    }
}
