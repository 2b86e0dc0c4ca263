import Glibc

/// Work on its way from a loop to the threads of a pool: first in, first out, bounded.
///
/// POSIX's mutex and condition variable, since Swift's `Mutex` has nothing to wait on.
final class WorkQueue: @unchecked Sendable {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let isUseful = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Below the lock.
    private var waiting: ContiguousArray<WorkItem> = []
    private var first = 0
    private var isClosed = false

    private let limit: Int

    init(limit: Int) {
        self.limit = limit
        pthread_mutex_init(lock, nil)
        pthread_cond_init(isUseful, nil)
    }

    deinit {
        pthread_cond_destroy(isUseful)
        pthread_mutex_destroy(lock)
        isUseful.deallocate()
        lock.deallocate()
    }

    /// Whether there was room.
    func append(_ item: WorkItem) -> Bool {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        if waiting.count - first >= limit { return false }
        waiting.append(item)
        pthread_cond_signal(isUseful)
        return true
    }

    /// The next item, waiting for it; nil once the queue is closed and empty.
    func next() -> WorkItem? {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        while first == waiting.count {
            if isClosed { return nil }
            pthread_cond_wait(isUseful, lock)
        }
        let item = waiting[first]
        first += 1
        if first == waiting.count || first >= limit {
            waiting.removeSubrange(0..<first)
            first = 0
        }
        return item
    }

    /// Lets the threads that wait for work go, once what is queued has been done.
    func close() {
        pthread_mutex_lock(lock)
        isClosed = true
        pthread_cond_broadcast(isUseful)
        pthread_mutex_unlock(lock)
    }
}
