import Glibc
import Reactor
import TrackerCore

/// The swarms' log for the loop's thread: gathers what this tracker has to tell and publishes it in
/// batches, and reads what the others have told. The database is on a thread of its own. Every announce
/// comes by here: there are no weak references to it, which would make each strong one dear.
final class SwarmLogFollower {
    private struct Confined: @unchecked Sendable {
        let log: any SwarmLog
    }

    /// From the first record to its batch's being published, and from the first change of a swarm.
    private static let gathering = (
        records: Duration.milliseconds(10), swarms: Duration.milliseconds(100)
    )
    /// A tracker with nothing to tell is heard of this often.
    private static let heartbeat = Duration.seconds(2)
    /// After so long without a batch of ours the others may have taken this tracker for gone.
    private static let gap = Duration.seconds(10)
    private static let pruning = Duration.seconds(30)
    static let batchesPerRead = 64

    /// Batches in their order; whether there were no more.
    var onBatches: ([SwarmLogEntry], _ isCurrent: Bool) -> Void = { _, _ in }
    /// Said once until it works again.
    var onFailure: (StoreError) -> Void = { _ in }
    /// It works again after a failure.
    var onRecovery: () -> Void = {}
    /// Nothing of this tracker was published for a while, and now it is.
    var onGap: () -> Void = {}
    /// The name of a user, which stands for its number in the log.
    var nameOfUser: (UserIndex) -> String = { _ in "" }
    /// Records and changes that were published.
    private(set) var publishedCount = 0
    /// Those that weren't, since the database was away for too long.
    private(set) var droppedCount = 0

    private let loop: EventLoop
    private let confined: Confined
    private let instance: TrackerInstance
    private let pool: WorkerPool
    /// What waits to be published.
    private var records: [PresenceRecord] = []
    private var changes: [SwarmChange] = []
    /// A batch whose publishing has failed.
    private var unpublished: Batch?
    private var flushTimer: TimerID?
    private var flushIsNear = false
    private var isPublishing = false
    private var isReading = false
    private var mustReadAgain = false
    /// What doesn't work just now.
    private var failing: Set<Activity> = []
    private var lastPublished: MonotonicTime
    private var lastPruned: MonotonicTime
    private var isShutDown = false
    /// What was read, all before it included.
    var readThrough: Int64 = 0

    /// More wait only while the database is away; the peers tell them again.
    private static let mostGathered = 500_000
    private static let changesPerBatch = 8_192

    private enum Activity {
        case publishing
        case reading
    }

    private struct Batch {
        let body: [UInt8]
        /// Of records and changes.
        let count: Int
    }

    init(loop: EventLoop, log: any SwarmLog, instance: TrackerInstance) throws(SystemError) {
        self.loop = loop
        self.instance = instance
        confined = Confined(log: log)
        pool = try WorkerPool(loop: loop, threads: 1)
        (lastPublished, lastPruned) = (loop.now, loop.now)
    }

    /// What others tell isn't heard, or what is told here isn't.
    var isFailing: Bool { !failing.isEmpty }

    // MARK: Publishing

    func tell(_ record: PresenceRecord) {
        guard records.count < Self.mostGathered else {
            droppedCount += 1
            return
        }
        records.append(record)
        if records.count == 1 { flush(within: Self.gathering.records) }
    }

    func tell(_ change: SwarmChange) {
        guard changes.count < Self.mostGathered else {
            droppedCount += 1
            return
        }
        changes.append(change)
        if changes.count == 1 { flush(within: Self.gathering.swarms) }
        if changes.count == Self.changesPerBatch { flush(within: .zero) }
    }

    private func flush(within wait: Duration) {
        let isNear = wait < Self.gathering.swarms
        guard !isPublishing, !isShutDown, flushTimer == nil || isNear && !flushIsNear else {
            return
        }
        if let flushTimer { loop.cancel(flushTimer) }
        flushIsNear = isNear
        flushTimer = loop.schedule(after: wait) { [unowned self] in
            flushTimer = nil
            publish()
        }
    }

    /// What comes next in the log; an empty batch where there is nothing.
    private func nextBatch() -> Batch {
        if let unpublished { return unpublished }
        var batch = TrackerBatch()
        batch.presence = records
        records = []
        let some = Array(changes.prefix(Self.changesPerBatch))
        changes.removeFirst(some.count)
        if !some.isEmpty {
            batch.swarms = SwarmBatch(time: StoreWorker.wallClock, changes: some)
                .encoded(name: nameOfUser)
        }
        return Batch(body: batch.encoded, count: batch.presence.count + some.count)
    }

    private func publish() {
        guard !isPublishing else { return }
        isPublishing = true
        let batch = nextBatch()
        pool.run { [confined, instance] in
            try confined.log.publish(batch.body, by: instance, at: StoreWorker.wallClock)
        } then: { [self] result in
            published(batch, result)
        }
    }

    private func published(_ batch: Batch, _ result: Result<Void, any Error>) {
        isPublishing = false
        switch result {
        case .success:
            worked(.publishing)
            unpublished = nil
            publishedCount += batch.count
            let wasSilentFor = loop.now - lastPublished
            lastPublished = loop.now
            if wasSilentFor > Self.gap { onGap() }
            flushRest()
        case .failure(let error):
            // Tried again at the next beat.
            unpublished = batch
            failed(.publishing, error)
        }
    }

    /// What was told while a batch was being published.
    private func flushRest() {
        if changes.count >= Self.changesPerBatch {
            publish()
        } else if !records.isEmpty {
            flush(within: Self.gathering.records)
        } else if !changes.isEmpty {
            flush(within: Self.gathering.swarms)
        }
    }

    /// To be called about once a second: shows that this tracker lives, tries again what failed, and
    /// forgets what nobody needs any more.
    func beat(keeping lifetime: Duration) {
        if unpublished != nil || loop.now - lastPublished >= Self.heartbeat { publish() }
        guard loop.now - lastPruned >= Self.pruning else { return }
        lastPruned = loop.now
        let kept = max(lifetime, .seconds(120)) + .seconds(10)
        let oldest = StoreWorker.wallClock - kept.components.seconds
        pool.run { [confined] in
            try confined.log.prune(before: oldest)
        } then: { [self] result in
            if case .failure(let error) = result { failed(.publishing, error) }
        }
    }

    // MARK: Reading

    /// Reads what is new; calls that come together share a reading.
    func read() {
        guard !isReading else {
            mustReadAgain = true
            return
        }
        isReading = true
        mustReadAgain = false
        pool.run { [confined, readThrough] in
            try confined.log.batches(after: readThrough, limit: Self.batchesPerRead)
        } then: { [self] result in
            received(result)
        }
    }

    private func received(_ result: Result<[SwarmLogEntry], any Error>) {
        isReading = false
        switch result {
        case .success(let batches):
            worked(.reading)
            readThrough = batches.last?.sequence ?? readThrough
            let isCurrent = batches.count < Self.batchesPerRead
            onBatches(batches.filter { $0.tracker != instance }, isCurrent)
            if mustReadAgain || !isCurrent, !isShutDown { read() }
        case .failure(let error): failed(.reading, error)
        }
    }

    private func failed(_ activity: Activity, _ error: any Error) {
        guard !isShutDown else { return }
        if failing.isEmpty { onFailure(error as? StoreError ?? .busy) }
        failing.insert(activity)
    }

    private func worked(_ activity: Activity) {
        guard failing.remove(activity) != nil, failing.isEmpty else { return }
        onRecovery()
    }

    /// Publishes what is left and ends the thread.
    func shutdown() {
        if let flushTimer { loop.cancel(flushTimer) }
        flushTimer = nil
        isShutDown = true
        if !records.isEmpty || !changes.isEmpty { publish() }
        pool.shutdown()
    }
}
