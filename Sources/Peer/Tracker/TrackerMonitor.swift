import Reactor
import Wire

/// Watches the trackers of a client that has several: leaves the one in use when it falls silent,
/// and goes back to a nearer one that answers again. One that is degraded, that is without its
/// database, is in use only while all are.
///
/// The tracker in use is asked for its health about once a second. The others are asked now and
/// then, at intervals that grow while they don't answer; the pauses are random within bounds, so
/// that the peers of a tracker that has been started again don't all come at once.
final class TrackerMonitor {
    struct Limits {
        /// Between two questions to the tracker in use.
        var interval: Duration = .milliseconds(600)
        /// Without an answer for so long it is left.
        var patience: Duration = .milliseconds(1200)
        /// The pauses between questions to another tracker double from one to the other.
        var firstPause: Duration = .seconds(2)
        var longestPause: Duration = .seconds(60)
        /// A return waits for a random part of this.
        var returning: Duration = .seconds(10)
        /// So does leaving a tracker that is degraded.
        var leaving: Duration = .seconds(1)
        /// One tracker is nearer than another if it answers sooner by more than this; else their
        /// order in the list decides.
        var difference: Duration = .milliseconds(5)
    }

    private struct Known {
        /// The time of its last answer; nil: it didn't answer the last question.
        var latency: Duration?
        /// It said so in that answer.
        var isDegraded = false
        var pause: Duration
        var timer: TimerID?
        var connection: TrackerConnection?
    }

    private unowned let client: TrackerClient
    private let limits: Limits
    private var known: [Known]
    private var returnTimer: TimerID?

    init(client: TrackerClient, limits: Limits) {
        self.client = client
        self.limits = limits
        known = client.trackers.map { _ in Known(pause: limits.firstPause) }
        for place in known.indices { ask(place) }
    }

    /// Asks nobody any more.
    func close() {
        if let returnTimer { client.loop.cancel(returnTimer) }
        returnTimer = nil
        for place in known.indices {
            if let timer = known[place].timer { client.loop.cancel(timer) }
            known[place].timer = nil
            known[place].connection?.close()
            known[place].connection = nil
        }
    }

    /// The one to go to from one that failed: the nearest of those that answered last, else the
    /// next of the list.
    func best(after failed: Int) -> Int {
        known[failed].latency = nil
        let others = known.indices.filter { $0 != failed && known[$0].latency != nil }
        return others.reduce(nil) { best, place in
            best.map { isNearer(place, than: $0) ? place : $0 } ?? place
        } ?? (failed + 1) % known.count
    }

    // MARK: Questions

    private func ask(_ place: Int) {
        let connection =
            known[place].connection
            ?? TrackerConnection(
                loop: client.loop, endpoint: client.trackers[place], trust: client.trust,
                connectTimeout: limits.patience
            ) { [unowned self] _ in known[place].connection = nil }
        known[place].connection = connection
        var bytes: [UInt8] = []
        HTTPRequest.encode(
            .get, target: "/healthz", host: client.trackers[place].description,
            headers: client.commonHeaders, body: nil, into: &bytes)
        let (asked, wasUsed) = (client.loop.now, connection.requestCount > 0)
        connection.send(bytes, method: .get, timeout: limits.patience) {
            [unowned self] outcome in
            if connection.isClosed { known[place].connection = nil }
            heard(outcome, of: place, after: client.loop.now - asked, wasUsed: wasUsed)
        }
    }

    private func heard(
        _ outcome: TrackerConnection.Outcome, of place: Int, after latency: Duration,
        wasUsed: Bool
    ) {
        switch outcome {
        case .reply(let reply) where reply.status == 200:
            known[place].latency = latency
            known[place].pause = limits.firstPause
            let wasDegraded = known[place].isDegraded
            known[place].isDegraded = reply.body.starts(with: "degraded".utf8)
            if place == client.current, known[place].isDegraded, !wasDegraded { askOthers() }
            considerReturn()
        case .lost(_, beforeAnswer: true) where wasUsed:
            // A connection that was kept, closed by the tracker just when it was used again.
            return ask(place)
        case .reply, .malformed: failed(place, "its health is unknown")
        case .unreachable(let reason), .untrusted(let reason), .lost(let reason, _):
            failed(place, reason)
        case .timedOut: failed(place, "no answer within \(limits.patience)")
        }
        plan(place)
    }

    /// Asks those now that aren't in use: what they said last may be old.
    private func askOthers() {
        for place in known.indices where place != client.current {
            guard let timer = known[place].timer else { continue }
            client.loop.cancel(timer)
            known[place].timer = nil
            known[place].latency = nil
            ask(place)
        }
    }

    private func failed(_ place: Int, _ reason: String) {
        known[place].latency = nil
        if place == client.current { client.turn(from: client.trackers[place], reason) }
    }

    private func plan(_ place: Int) {
        var pause = limits.interval
        if place != client.current {
            // No connection is kept to who isn't in use.
            known[place].connection?.close()
            known[place].connection = nil
            pause =
                known[place].latency == nil
                ? known[place].pause : max(limits.longestPause, limits.firstPause)
            if known[place].latency == nil {
                known[place].pause = min(known[place].pause * 2, limits.longestPause)
            }
            pause = pause * Double.random(in: 0.5...1)
        }
        known[place].timer = client.loop.schedule(after: pause) { [unowned self] in
            known[place].timer = nil
            ask(place)
        }
    }

    // MARK: Returning

    private func isNearer(_ place: Int, than other: Int) -> Bool {
        guard let latency = known[place].latency else { return false }
        guard let others = known[other].latency else { return true }
        if known[place].isDegraded != known[other].isDegraded { return known[other].isDegraded }
        if latency + limits.difference < others { return true }
        return latency <= others + limits.difference && place < other
    }

    private func considerReturn() {
        guard returnTimer == nil, known.indices.contains(where: isBetter) else { return }
        let longest = known[client.current].isDegraded ? limits.leaving : limits.returning
        let wait = longest * Double.random(in: 0...1)
        returnTimer = client.loop.schedule(after: wait) { [unowned self] in
            returnTimer = nil
            let better = known.indices.filter(isBetter)
            let best = better.reduce(nil) { best, place in
                best.map { isNearer(place, than: $0) ? place : $0 } ?? place
            }
            if let best { client.move(to: best) }
        }
    }

    private func isBetter(_ place: Int) -> Bool {
        place != client.current && isNearer(place, than: client.current)
    }
}
