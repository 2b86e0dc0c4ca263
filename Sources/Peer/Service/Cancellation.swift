import Synchronization

/// Lets one thread ask another to give up what it is doing; set once.
package final class Cancellation: Sendable {
    private let state = Mutex<(isCancelled: Bool, handlers: [@Sendable () -> Void])>((false, []))

    package init() {}

    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Cancels, and runs the handlers on the calling thread. Further calls do nothing.
    package func cancel() {
        let handlers = state.withLock { state in
            state.isCancelled = true
            defer { state.handlers = [] }
            return state.handlers
        }
        for handler in handlers { handler() }
    }

    /// Runs `handler` at cancellation; at once where that has been.
    package func onCancel(_ handler: @escaping @Sendable () -> Void) {
        let isCancelled = state.withLock { state in
            if !state.isCancelled { state.handlers.append(handler) }
            return state.isCancelled
        }
        if isCancelled { handler() }
    }
}
