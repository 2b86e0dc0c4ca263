import Glibc
import Synchronization

/// A call that blocks, made on a thread of its own, so that the shell's thread stays awake to
/// draw progress and to hear of a stop.
final class BlockingCall<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, CommandError>?>(nil)
    private let wake: WakeDescriptor

    /// Starts `body`; `wake` is raised when it has ended.
    init(
        wake: WakeDescriptor, _ body: @escaping @Sendable () throws(CommandError) -> Value
    ) throws(CommandError) {
        self.wake = wake
        let job = Unmanaged.passRetained(
            ThreadJob { [self] in
                let result = Result { () throws(CommandError) in try body() }
                outcome.withLock { $0 = result }
                wake.raise()
            })
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let code = pthread_create(&thread, &attributes, ThreadJob.run, job.toOpaque())
        guard code == 0 else {
            job.release()
            throw CommandError("can't start a thread: \(String(cString: strerror(code)))")
        }
    }

    /// What came out; nil while it runs.
    var result: Result<Value, CommandError>? { outcome.withLock { $0 } }
}

private final class ThreadJob: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }

    static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        guard let job = $0 else { return nil }
        Unmanaged<ThreadJob>.fromOpaque(job).takeRetainedValue().body()
        return nil
    }
}
