import Glibc
import Synchronization

/// A pipe that makes a thread's poll(2) return; from any thread and from signal handlers' threads.
final class WakeDescriptor: Sendable {
    /// Readable once ``raise()`` was called, until ``drain()``.
    let readable: Int32
    private let writable: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        // Without two descriptors there is no shell to run.
        guard pipe(&ends) == 0 else {
            fatalError("pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        readable = ends[0]
        writable = ends[1]
    }

    deinit {
        close(readable)
        close(writable)
    }

    func raise() {
        var byte: UInt8 = 1
        // A full pipe wakes as well as one byte more.
        _ = write(writable, &byte, 1)
    }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(readable, &bytes, bytes.count) > 0 {}
    }
}

/// Waits for input and for others' wake-ups at once.
struct InputWait {
    private(set) var isInputReady = false
    private(set) var isAwake = false

    /// Blocks until `input` has something to read (its end counts), `wake` was raised, or
    /// `milliseconds` have passed (-1: no end).
    init(input: Int32?, wake: WakeDescriptor, milliseconds: Int32) {
        var descriptors = [pollfd(fd: wake.readable, events: Int16(POLLIN), revents: 0)]
        if let input {
            descriptors.append(pollfd(fd: input, events: Int16(POLLIN), revents: 0))
        }
        guard poll(&descriptors, nfds_t(descriptors.count), milliseconds) > 0 else { return }
        isAwake = descriptors[0].revents != 0
        isInputReady = input != nil && descriptors[1].revents != 0
    }
}

/// What other threads tell the shell's thread: stop, interrupt, notices. They leave it here and
/// wake the shell.
final class ShellControl: Sendable {
    /// What an interrupt would mean now.
    enum Phase {
        /// Nothing that can be given up: the program stops.
        case idle
        /// A line is being typed: it is given up, unless it is empty.
        case editing(isEmpty: Bool)
        /// A command that can be given up.
        case cancellable(Cancellation)
    }

    private struct State {
        var phase = Phase.idle
        var isStopping = false
        var isInterrupted = false
        var notices: [NodeNotice] = []
    }

    /// Older notices give way: nobody reads a thousand lines that came in at once.
    private static let noticeLimit = 100

    let wake = WakeDescriptor()
    private let state = Mutex(State())

    var isStopping: Bool { state.withLock { $0.isStopping } }

    // MARK: Any thread

    /// The user pressed Ctrl-C. Answers whether the shell makes use of it.
    func interrupt() -> Bool {
        let (isUsed, cancellation) = state.withLock { state -> (Bool, Cancellation?) in
            switch state.phase {
            case .idle, .editing(isEmpty: true): return (false, nil)
            case .editing(isEmpty: false):
                state.isInterrupted = true
                return (true, nil)
            case .cancellable(let cancellation): return (true, cancellation)
            }
        }
        cancellation?.cancel()
        if isUsed { wake.raise() }
        return isUsed
    }

    /// The peer stops: whatever the shell waits for, it leaves.
    func stop() {
        let cancellation = state.withLock { state -> Cancellation? in
            state.isStopping = true
            if case .cancellable(let cancellation) = state.phase { return cancellation }
            return nil
        }
        cancellation?.cancel()
        wake.raise()
    }

    func add(_ notice: NodeNotice) {
        state.withLock { state in
            if state.notices.count == Self.noticeLimit { state.notices.removeFirst() }
            state.notices.append(notice)
        }
        wake.raise()
    }

    // MARK: The shell's thread

    func enter(_ phase: Phase) {
        let cancellation = state.withLock { state -> Cancellation? in
            state.phase = phase
            if case .cancellable(let cancellation) = phase, state.isStopping {
                return cancellation
            }
            return nil
        }
        cancellation?.cancel()
    }

    /// Whether there was an interrupt since the last call.
    func takeInterrupt() -> Bool {
        state.withLock { state in
            defer { state.isInterrupted = false }
            return state.isInterrupted
        }
    }

    /// Drops notices that tell what was told already.
    func dropNotices(where isTold: (NodeNotice) -> Bool) {
        state.withLock { $0.notices.removeAll(where: isTold) }
    }

    func takeNotices() -> [NodeNotice] {
        state.withLock { state in
            defer { state.notices = [] }
            return state.notices
        }
    }
}
