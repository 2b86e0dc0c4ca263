import Glibc
import Reactor
import TrackerCore

/// The swarms' log for the loop's thread: gathers what this tracker has to tell and publishes it in
/// batches, and reads what the others have told. The database is on a thread of its own.
final class SwarmLogFollower {
    private struct Confined: @unchecked Sendable {
        let log: any SwarmLog
    }

    /// From the first record to its batch's being published.
    private static let gathering = Duration.milliseconds(10)
    /// A tracker with nothing to tell is heard of this often.
    private static let heartbeat = Duration.seconds(2)
    /// After so long without a batch of ours the others may have taken this tracker for gone.
    private static let gap = Duration.seconds(10)
    private static let pruning = Duration.seconds(30)
    static let batchesPerRead = 256

    /// Batches in their order; whether there were no more.
    var onBatches: ([SwarmLogEntry], _ isCurrent: Bool) -> Void = { _, _ in }
    /// Said once until it works again.
    var onFailure: (StoreError) -> Void = { _ in }
    /// It works again after a failure.
    var onRecovery: () -> Void = {}
    /// Nothing of this tracker was published for a while, and now it is.
    var onGap: () -> Void = {}
    /// Records that weren't published, since the database was away for too long.
    private(set) var droppedRecords = 0

    private let loop: EventLoop
    private let confined: Confined
    private let instance: TrackerInstance
    private let pool: WorkerPool
    /// What waits to be published.
    private var gathered = TrackerBatch()
    /// A batch whose publishing has failed, with the number of its records.
    private var unpublished: (body: [UInt8], count: Int)?
    private var flushTimer: TimerID?
    private var isPublishing = false
    private var isReading = false
    private var mustReadAgain = false
    private var hasFailed = false
    private var lastPublished: MonotonicTime
    private var lastPruned: MonotonicTime
    private var isShutDown = false
    /// What was read, all before it included.
    var readThrough: Int64 = 0

    /// More wait only while the database is away; the peers tell them again.
    private static let mostGathered = 100_000

    init(loop: EventLoop, log: any SwarmLog, instance: TrackerInstance) throws(SystemError) {
        self.loop = loop
        self.instance = instance
        confined = Confined(log: log)
        pool = try WorkerPool(loop: loop, threads: 1)
        (lastPublished, lastPruned) = (loop.now, loop.now)
    }

    // MARK: Publishing

    func tell(_ record: PresenceRecord) {
        guard gathered.presence.count < Self.mostGathered else {
            droppedRecords += 1
            return
        }
        gathered.presence.append(record)
        guard flushTimer == nil, !isPublishing, !isShutDown else { return }
        flushTimer = loop.schedule(after: Self.gathering) { [unowned self] in
            flushTimer = nil
            publish()
        }
    }

    private func publish() {
        guard !isPublishing else { return }
        isPublishing = true
        let batch = unpublished ?? (gathered.encoded, gathered.presence.count)
        if unpublished == nil { gathered = TrackerBatch() }
        pool.run { [confined, instance] in
            try confined.log.publish(batch.body, by: instance, at: StoreWorker.wallClock)
        } then: { [weak self] result in
            self?.published(batch, result)
        }
    }

    private func published(_ batch: (body: [UInt8], count: Int), _ result: Result<Void, any Error>)
    {
        isPublishing = false
        switch result {
        case .success:
            unpublished = nil
            let wasSilentFor = loop.now - lastPublished
            lastPublished = loop.now
            if wasSilentFor > Self.gap { onGap() }
            if !gathered.isEmpty, !isShutDown { publish() }
        case .failure(let error):
            // Tried again at the next beat.
            unpublished = batch
            failed(error)
        }
    }

    /// To be called about once a second: shows that this tracker lives, tries again what failed, and
    /// forgets what nobody needs any more.
    func beat(keeping lifetime: Duration) {
        if unpublished != nil || !gathered.isEmpty || loop.now - lastPublished >= Self.heartbeat {
            publish()
        }
        guard loop.now - lastPruned >= Self.pruning else { return }
        lastPruned = loop.now
        let kept = max(lifetime, .seconds(120))
        let oldest = StoreWorker.wallClock - kept.components.seconds
        pool.run { [confined] in
            try confined.log.prune(before: oldest)
        } then: { [weak self] result in
            if case .failure(let error) = result { self?.failed(error) }
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
        } then: { [weak self] result in
            self?.received(result)
        }
    }

    private func received(_ result: Result<[SwarmLogEntry], any Error>) {
        isReading = false
        switch result {
        case .success(let batches):
            if hasFailed { onRecovery() }
            hasFailed = false
            readThrough = batches.last?.sequence ?? readThrough
            let isCurrent = batches.count < Self.batchesPerRead
            onBatches(batches.filter { $0.tracker != instance }, isCurrent)
            if mustReadAgain || !isCurrent, !isShutDown { read() }
        case .failure(let error): failed(error)
        }
    }

    private func failed(_ error: any Error) {
        guard !hasFailed, !isShutDown else { return }
        hasFailed = true
        onFailure(error as? StoreError ?? .busy)
    }

    /// Publishes what is left and ends the thread.
    func shutdown() {
        if let flushTimer { loop.cancel(flushTimer) }
        flushTimer = nil
        isShutDown = true
        if !gathered.isEmpty { publish() }
        pool.shutdown()
    }
}
