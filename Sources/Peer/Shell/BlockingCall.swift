import Reactor
import Synchronization

/// A call that blocks, made on a thread of its own, so that the shell's thread stays awake to
/// draw progress and to hear of a stop. Its result must be taken.
final class BlockingCall<Value: Sendable> {
    private final class Outcome: Sendable {
        let state = Mutex<Result<Value, CommandError>?>(nil)
    }

    private let outcome = Outcome()
    private let thread: PosixThread

    /// Starts `body`; `wake` is raised when it has ended.
    init(
        wake: WakeDescriptor, _ body: @escaping @Sendable () throws(CommandError) -> Value
    ) throws(CommandError) {
        let outcome = outcome
        do throws(SystemError) {
            thread = try PosixThread {
                let result = Result { () throws(CommandError) in try body() }
                outcome.state.withLock { $0 = result }
                wake.raise()
            }
        } catch {
            throw CommandError("a thread can't be started: \(error)")
        }
    }

    /// What came out, once; nil while it runs.
    func takeResult() -> Result<Value, CommandError>? {
        guard let result = outcome.state.withLock({ $0 }) else { return nil }
        thread.join()
        return result
    }
}
