import CEpollShim
import Glibc
import Synchronization

/// The door to a loop from other threads: jobs go in, and run on the loop's thread.
package final class LoopSubmitter: Sendable {
    private struct Inbox {
        var jobs: [@Sendable () -> Void] = []
        /// The eventfd has been written and not yet read: no need to write it again.
        var isSignalled = false
        /// The loop has been shut down.
        var isClosed = false
    }

    /// An eventfd(2), readable while jobs wait.
    let descriptor: Int32
    private let inbox = Mutex(Inbox())
    /// The thread that turns the loop: pthread_self(3).
    private let owner = Atomic<UInt>(UInt(pthread_self()))

    init() throws(SystemError) {
        descriptor = try check(shim_eventfd(), "eventfd")
    }

    deinit { SystemCall.close(descriptor) }

    /// Runs `job` on the loop's thread, in the order of submission, in phase 5 of a later turn.
    /// From any thread, the loop's own too. Never blocks.
    ///
    /// False if the loop has been shut down: the job is not kept. Jobs that the loop hasn't got to
    /// by then are let go without having run, on the loop's thread; whoever waits for one learns of
    /// it by what dies with it.
    @discardableResult
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, mustSignal) = inbox.withLock { inbox in
            if inbox.isClosed { return (false, false) }
            inbox.jobs.append(job)
            defer { inbox.isSignalled = true }
            return (true, !inbox.isSignalled)
        }
        if mustSignal {
            // EAGAIN would mean that the counter is full, and so the descriptor readable.
            var one: UInt64 = 1
            _ = SystemCall.retrying { write(descriptor, &one, MemoryLayout<UInt64>.size) }
        }
        return isTaken
    }

    /// Takes no more jobs, and lets go of those that wait.
    func close() {
        inbox.withLock { $0.isClosed = true }
        _ = takeJobs()
    }

    /// Takes what has been submitted so far, and makes the next submission signal again.
    func takeJobs() -> [@Sendable () -> Void] {
        var count: UInt64 = 0
        _ = SystemCall.retrying { read(descriptor, &count, MemoryLayout<UInt64>.size) }
        return inbox.withLock { inbox in
            inbox.isSignalled = false
            defer { inbox.jobs = [] }
            return inbox.jobs
        }
    }

    /// The calling thread turns the loop from now on.
    func adoptCurrentThread() { owner.store(UInt(pthread_self()), ordering: .relaxed) }

    /// Whether the calling thread is the one that turns the loop, or that made it if none does yet.
    package var isOnLoopThread: Bool { owner.load(ordering: .relaxed) == UInt(pthread_self()) }
}
