import Wire

/// The endpoints a swarm knows, and when to connect to which.
///
/// A failed attempt, or a connection of no use, doubles the wait before the next one, with
/// jitter so that peers that failed together don't return together.
struct Connector {
    private enum State: Equatable {
        /// May be tried at `Known.nextAttempt`. Exits: `connecting`, `connected`, `barred`.
        case idle
        /// Exits: `connected`, `idle`, `barred`.
        case connecting
        /// There are `users` connections to it. Exits: `idle`, `barred`.
        case connected
        /// This peer itself, or a banned one. No exits.
        case barred
    }

    private struct Known {
        var endpoint: Endpoint
        var state = State.idle
        var failures = 0
        /// Connections to the peer that listens there.
        var users = 0
        var nextAttempt: Instant
        var isSeed = false
    }

    private let limit: Int
    private let delay: Duration
    private let maxDelay: Duration
    private var random: SeededRandom
    private var known: [Known] = []
    private var indices: [Endpoint: Int] = [:]
    /// Where the next search begins, so that everyone has a turn.
    private var cursor = 0
    /// No attempt is due before; nil for never. May be too early, never too late.
    private var earliest: Instant?
    /// Connections asked for and not answered yet.
    private(set) var halfOpenCount = 0

    init(limit: Int, delay: Duration, maxDelay: Duration, seed: UInt64) {
        self.limit = limit
        self.delay = delay
        self.maxDelay = maxDelay
        random = SeededRandom(seed: seed)
    }

    var knownCount: Int { known.count }

    /// All that may be connected to, or are, in the order in which they became known.
    var usable: [Endpoint] { known.filter { $0.state != .barred }.map(\.endpoint) }

    /// When `next` may have something; nil for never.
    var deadline: Instant? { earliest }

    /// Learns of an endpoint, from a tracker or a user. Known ones keep their back-off.
    mutating func add(_ endpoint: Endpoint, at now: Instant) {
        guard endpoint.port != 0, !endpoint.address.isUnspecified,
            indices[endpoint] == nil, let index = insert(endpoint, at: now)
        else { return }
        noteAttempt(index)
    }

    /// Up to `count` endpoints that are due now; each counts as half-open until `connected`,
    /// `failed` or `left`.
    mutating func next(_ count: Int, isSeeding: Bool, at now: Instant) -> [Endpoint] {
        guard count > 0, let earliest, earliest <= now else { return [] }
        self.earliest = nil
        var chosen: [Endpoint] = []
        let begin = cursor
        for step in known.indices {
            let index = (begin + step) % known.count
            guard known[index].state == .idle, !(isSeeding && known[index].isSeed) else { continue }
            if known[index].nextAttempt <= now, chosen.count < count {
                known[index].state = .connecting
                halfOpenCount += 1
                chosen.append(known[index].endpoint)
                cursor = index + 1
            } else {
                noteAttempt(index)
            }
        }
        return chosen
    }

    /// The connection asked for is up.
    mutating func connected(_ endpoint: Endpoint) {
        guard let index = indices[endpoint], known[index].state != .barred else { return }
        if known[index].state == .connecting { halfOpenCount -= 1 }
        known[index].state = .connected
        known[index].users += 1
    }

    /// A connected peer listens at this endpoint: there is no need to connect to it. False when
    /// it is barred.
    mutating func occupy(_ endpoint: Endpoint, at now: Instant) -> Bool {
        guard let index = indices[endpoint] ?? insert(endpoint, at: now) else { return true }
        switch known[index].state {
        case .idle: known[index].state = .connected
        case .connecting, .connected: break
        case .barred: return false
        }
        known[index].users += 1
        return true
    }

    /// The connection could not be made.
    mutating func failed(_ endpoint: Endpoint, at now: Instant) {
        guard let index = indices[endpoint], known[index].state == .connecting else { return }
        halfOpenCount -= 1
        if known[index].users > 0 {
            known[index].state = .connected
        } else {
            rest(index, wasUseful: false, now)
        }
    }

    /// A connection has ended, of those that were `connected` or did `occupy`; `wasUseful` when
    /// something had come of it.
    mutating func left(
        _ endpoint: Endpoint, wasUseful: Bool, isSeed: Bool, at now: Instant
    ) {
        guard let index = indices[endpoint], known[index].users > 0 else { return }
        known[index].users -= 1
        guard known[index].users == 0, known[index].state == .connected else { return }
        known[index].isSeed = isSeed
        rest(index, wasUseful: wasUseful, now)
    }

    /// Never connect to it again.
    mutating func bar(_ endpoint: Endpoint, at now: Instant) {
        guard let index = indices[endpoint] ?? insert(endpoint, at: now) else { return }
        if known[index].state == .connecting { halfOpenCount -= 1 }
        known[index].state = .barred
    }

    func isBarred(_ endpoint: Endpoint) -> Bool {
        indices[endpoint].map { known[$0].state == .barred } ?? false
    }

    /// Forgets what was asked for and not answered, and every wait.
    mutating func restart(at now: Instant) {
        halfOpenCount = 0
        earliest = nil
        for index in known.indices where known[index].state != .barred {
            known[index].state = .idle
            known[index].failures = 0
            known[index].users = 0
            known[index].nextAttempt = now
            noteAttempt(index)
        }
    }

    private mutating func rest(_ index: Int, wasUseful: Bool, _ now: Instant) {
        known[index].state = .idle
        known[index].failures = wasUseful ? 0 : known[index].failures + 1
        let doublings = min(max(known[index].failures - 1, 0), 16)
        let wait = min(delay * (1 << doublings), maxDelay)
        // Between three quarters and five quarters of it.
        let jittered = wait / 4 * 3 + wait * random.below(1_000) / 2_000
        known[index].nextAttempt = now.advanced(by: jittered)
        noteAttempt(index)
    }

    private mutating func noteAttempt(_ index: Int) {
        earliest = min(earliest ?? .distantFuture, known[index].nextAttempt)
    }

    /// A new idle entry; where there is no room, in place of one that failed most often.
    private mutating func insert(_ endpoint: Endpoint, at now: Instant) -> Int? {
        let entry = Known(endpoint: endpoint, nextAttempt: now)
        guard known.count >= limit else {
            known.append(entry)
            indices[endpoint] = known.count - 1
            return known.count - 1
        }
        var victim: Int?
        for index in known.indices where known[index].state == .idle && known[index].failures > 0 {
            if known[index].failures > victim.map({ known[$0].failures }) ?? 0 { victim = index }
        }
        guard let victim else { return nil }
        indices[known[victim].endpoint] = nil
        known[victim] = entry
        indices[endpoint] = victim
        return victim
    }
}
