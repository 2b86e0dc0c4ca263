import Glibc
import Reactor
import TrackerCore

/// The store on its own thread, for the loop's thread: what is asked is done in order, and each
/// answer comes back together with the events that the log has gained.
final class StoreWorker {
    /// Carries the store to its thread, the only one that touches it.
    private struct Confined: @unchecked Sendable {
        let store: any DirectoryStore
        let progress: Progress
    }

    /// How far the log has been read, and what was in the way when it was last tried; the worker
    /// thread's.
    private final class Progress: @unchecked Sendable {
        var readThrough: Int64
        /// `.unavailable` or `.busy`. Changes are refused at once then, rather than each after a
        /// wait of its own, but for those that look whether it is over.
        var obstacle: StoreError?
        /// The event that was read last, and over which connection.
        var last: RecordedEvent?
        var connectionNumber: Int

        init(readThrough: Int64, connectionNumber: Int) {
            (self.readThrough, self.connectionNumber) = (readThrough, connectionNumber)
        }
    }

    private struct Outcome<Value: Sendable>: Sendable {
        let result: Result<Value, StoreError>
        let events: Result<[RecordedEvent], StoreError>
        var obstacle: StoreError?
    }

    /// Runs its argument once what was given to `onEvents` is known wherever it has to be.
    var settle: (@escaping () -> Void) -> Void = { $0() }
    /// What kept a change from being made when it was last tried.
    private(set) var obstacle: StoreError?
    /// Called with the nanoseconds from each question to its answer.
    var onAnswer: (Int64) -> Void = { _ in }

    private let pool: WorkerPool
    private let confined: Confined
    private var awaitingEvents: [() -> Void] = []
    private var isCatchingUp = false
    private let onEvents: (Result<[RecordedEvent], StoreError>) -> Void

    private static let eventsPerRead = 1000

    /// - Parameters:
    ///   - readThrough: the place in the log that the projection stands for.
    ///   - onEvents: called on the loop's thread before the answer that they belong to.
    init(
        loop: EventLoop, store: any DirectoryStore, readThrough: Int64, queueLimit: Int,
        onEvents: @escaping (Result<[RecordedEvent], StoreError>) -> Void
    ) throws(SystemError) {
        pool = try WorkerPool(loop: loop, threads: 1, queueLimit: queueLimit)
        confined = Confined(
            store: store,
            progress: Progress(
                readThrough: readThrough, connectionNumber: store.connectionNumber))
        self.onEvents = onEvents
    }

    /// Seconds since 1970.
    static var wallClock: Int64 { Int64(time(nil)) }

    /// Performs the command; what it changed is in the projection when `then` is called.
    func perform(
        _ command: DirectoryCommand,
        then: @escaping (Result<DirectoryAnswer, StoreError>) -> Void
    ) {
        change(
            { (store) throws(StoreError) in
                try store.perform(command, at: StoreWorker.wallClock)
            }, then: then)
    }

    /// Runs something that changes the directory; the change is in the projection when `then` is
    /// called.
    func change<Value: Sendable>(
        _ work: @escaping @Sendable (any DirectoryStore) throws(StoreError) -> Value,
        looksAgain: Bool = false, then: @escaping (Result<Value, StoreError>) -> Void
    ) {
        // Who looks again may be waiting on the thread just now.
        if !looksAgain, let obstacle { return then(.failure(obstacle)) }
        let (confined, asked) = (confined, MonotonicTime.current)
        pool.run {
            // As it was asked before the obstacle was met, it has waited long enough.
            if !looksAgain, let obstacle = confined.progress.obstacle {
                return Outcome<Value>(
                    result: .failure(obstacle),
                    events: obstacle == .busy ? .success([]) : .failure(obstacle),
                    obstacle: obstacle)
            }
            let result: Result<Value, StoreError>
            do throws(StoreError) {
                result = .success(try work(confined.store))
            } catch {
                result = .failure(error)
            }
            let events = StoreWorker.newEvents(confined)
            let obstacle = events.obstacle ?? result.obstacle
            confined.progress.obstacle = obstacle
            return Outcome(result: result, events: events, obstacle: obstacle)
        } then: { [onEvents, weak self] outcome in
            self?.report(asked)
            switch outcome {
            case .success(let outcome):
                self?.obstacle = outcome.obstacle
                onEvents(outcome.events)
                guard let self else { return then(outcome.result) }
                settle { then(outcome.result) }
            case .failure(let error): then(.failure(StoreError(refusedBy: error)))
            }
        }
    }

    /// Reads what other trackers have appended; it is in the projection when `then` is called.
    /// Whatever was committed before the call is read; calls that come together share a reading.
    func catchUp(then: @escaping () -> Void = {}) {
        awaitingEvents.append(then)
        if !isCatchingUp { readOthersEvents() }
    }

    private func readOthersEvents() {
        isCatchingUp = true
        let callers = awaitingEvents
        awaitingEvents = []
        let confined = confined
        change(
            { (store) throws(StoreError) in
                if confined.progress.obstacle == .busy { try store.tryWriting() }
            }, looksAgain: true,
            then: { [weak self] (_: Result<Void, StoreError>) in
                for caller in callers { caller() }
                guard let self else { return }
                isCatchingUp = false
                if !awaitingEvents.isEmpty { readOthersEvents() }
            })
    }

    /// Runs something that only reads.
    func read<Value: Sendable>(
        _ work: @escaping @Sendable (any DirectoryStore) throws(StoreError) -> Value,
        then: @escaping (Result<Value, StoreError>) -> Void
    ) {
        let (confined, asked) = (confined, MonotonicTime.current)
        pool.run {
            if case .unavailable? = confined.progress.obstacle {
                throw StoreError.unavailable(reason: "it was away a moment ago")
            }
            return try work(confined.store)
        } then: { [weak self] result in
            self?.report(asked)
            then(result.mapError { $0 as? StoreError ?? StoreError(refusedBy: $0) })
        }
    }

    private func report(_ asked: MonotonicTime) {
        onAnswer(MonotonicTime.current.nanoseconds - asked.nanoseconds)
    }

    /// Finishes what has been asked and ends the thread.
    func shutdown() { pool.shutdown() }

    private static func newEvents(
        _ confined: Confined
    ) -> Result<[RecordedEvent], StoreError> {
        var events: [RecordedEvent] = []
        // Moved on only with the whole answer: what was read before a failure is read again.
        var readThrough = confined.progress.readThrough
        do throws(StoreError) {
            try requireWhatWasRead(confined)
            while true {
                let batch = try confined.store.events(
                    after: readThrough, limit: eventsPerRead)
                guard let last = batch.last else {
                    confined.progress.readThrough = readThrough
                    confined.progress.last = events.last ?? confined.progress.last
                    return .success(events)
                }
                readThrough = last.sequence
                events += batch
            }
        } catch {
            return .failure(error)
        }
    }
}

extension StoreWorker {
    /// A server that has taken over from one that didn't wait for it may lack the last events.
    private static func requireWhatWasRead(_ confined: Confined) throws(StoreError) {
        let progress = confined.progress
        guard confined.store.connectionNumber != progress.connectionNumber else { return }
        if let last = progress.last {
            let found = try confined.store.events(after: last.sequence - 1, limit: 1).first
            guard found == last else { throw .wentBack }
        }
        progress.connectionNumber = confined.store.connectionNumber
    }
}

extension Result where Failure == StoreError {
    fileprivate var obstacle: StoreError? {
        switch self {
        case .failure(.unavailable(let reason)): .unavailable(reason: reason)
        case .failure(.busy): .busy
        default: nil
        }
    }
}

extension StoreError {
    /// The queue is full, or the program is stopping: trying again helps.
    fileprivate init(refusedBy error: any Error) { self = .busy }
}
