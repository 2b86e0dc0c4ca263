import Synchronization

/// Why a pool didn't do a piece of work.
package enum WorkerPoolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// As much waits already as the pool allows.
    case queueFull
    /// The pool has been shut down.
    case shutDown

    package var description: String {
        switch self {
        case .queueFull: "too much work is waiting already"
        case .shutDown: "no more work is done, the program is stopping"
        }
    }
}

/// A few threads for what blocks: files, databases, hashing, key derivation, look-up of names.
///
/// Work goes out from the loop's thread, runs on one of the threads, first come first served, and
/// its result comes back to the loop, in phase 5. Every `then` is called exactly once.
package final class WorkerPool {
    private let loop: EventLoop
    private let queue: WorkQueue
    private let finished = FinishedWork()
    private var threads: [PosixThread] = []
    private var isShutDown = false

    /// Starts `threads` threads; up to `queueLimit` pieces of work may wait for one of them.
    package init(loop: EventLoop, threads count: Int, queueLimit: Int = 1024) throws(SystemError) {
        precondition(count > 0 && queueLimit > 0)
        self.loop = loop
        queue = WorkQueue(limit: queueLimit)
        for _ in 0..<count {
            threads.append(try PosixThread(worker()))
        }
    }

    /// Runs `work` on one of the threads, then `then` with its result on the loop's thread, never
    /// within this call. Work that is refused fails with a `WorkerPoolError`.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value,
        then: @escaping (Result<Value, any Error>) -> Void
    ) {
        let item = TypedWorkItem(work: work, then: then)
        if isShutDown {
            finish(item, refusal: .shutDown)
        } else if !queue.append(item) {
            finish(item, refusal: .queueFull)
        }
    }

    /// Does all that has been accepted, ends the threads, and calls what remains of `then`s before
    /// it returns. Blocks as long as the work does.
    package func shutdown() {
        if isShutDown { return }
        isShutDown = true
        queue.close()
        for thread in threads { thread.join() }
        threads = []
        finished.completeAll()
    }

    /// Takes no more work and waits for nothing: a thread that is stuck in a read, say, ends with
    /// the process. What comes of the rest is not told.
    package func abandon() {
        if isShutDown { return }
        isShutDown = true
        // Before they may end.
        for thread in threads { thread.detach() }
        threads = []
        queue.close()
    }

    private func finish(_ item: WorkItem, refusal: WorkerPoolError) {
        finished.add(item, refusal: refusal)
        let finished = finished
        loop.submitter.submit { finished.completeAll() }
    }

    /// What each thread does.
    private func worker() -> @Sendable () -> Void {
        { [queue, finished, submitter = loop.submitter] in
            while let item = queue.next() {
                item.perform()
                if finished.add(item, refusal: nil) {
                    submitter.submit { finished.completeAll() }
                }
            }
        }
    }

    deinit {
        queue.close()
        for thread in threads { thread.join() }
    }
}

/// What has been done and not yet been reported.
final class FinishedWork: Sendable {
    private struct Entry {
        let item: WorkItem
        let refusal: WorkerPoolError?
    }

    private let entries = Mutex<[Entry]>([])

    /// Whether it is the first since the last `completeAll`.
    @discardableResult
    func add(_ item: WorkItem, refusal: WorkerPoolError?) -> Bool {
        entries.withLock { entries in
            entries.append(Entry(item: item, refusal: refusal))
            return entries.count == 1
        }
    }

    /// On the loop's thread.
    func completeAll() {
        let batch = entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
        for entry in batch { entry.item.complete(refusal: entry.refusal) }
    }
}
