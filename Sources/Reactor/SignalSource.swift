import CEpollShim
import Glibc

/// Signals as events of a loop, by signalfd(2): the handler runs like any other callback, and may
/// do anything.
package final class SignalSource: EventSource {
    private var onSignal: ((Int32) -> Void)?

    /// Blocks `signals` in the calling thread and those it starts later, so that they wait for a
    /// `SignalSource`. A program calls this before it starts its first thread; a thread that has
    /// them unblocked would be interrupted instead.
    package static func block(_ signals: [Int32]) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Blocks `signals` in the calling thread, and calls `onSignal` with the number of each that
    /// comes. Signals of one number that come together are one.
    package init(
        loop: EventLoop, signals: [Int32], onSignal: @escaping (Int32) -> Void
    ) throws(SystemError) {
        SignalSource.block(signals)
        self.onSignal = onSignal
        super.init(
            loop: loop, descriptor: try check(shim_signalfd(signals, signals.count), "signalfd"))
        do throws(SystemError) {
            try watch(for: .readable)
        } catch {
            close()
            throw error
        }
    }

    /// Stops listening. The signals stay blocked, and are lost.
    package override func close() {
        _ = onSignal.take()
        unregister()
    }

    override func handle(_ events: Readiness) {
        while let onSignal {
            let number = shim_signalfd_read(descriptor)
            if number < 0 { return }
            onSignal(number)
        }
    }
}
