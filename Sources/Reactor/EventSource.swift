import CEpollShim

/// What the kernel reported of a descriptor, or what to report: epoll_ctl(2).
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Readiness(rawValue: UInt32(shim_epoll_in))
    static let writable = Readiness(rawValue: UInt32(shim_epoll_out))
    /// Reported whether asked for or not: the socket has a pending error.
    static let error = Readiness(rawValue: UInt32(shim_epoll_error))
    /// Reported whether asked for or not: both directions have ended.
    static let hangUp = Readiness(rawValue: UInt32(shim_epoll_hang_up))
}

/// A descriptor and what is done with its events: the base of streams, listeners and the like.
///
/// The loop's table holds a source from `watch` to `unregister`, and a source holds its loop: both
/// live until the source is closed, or the loop is shut down.
package class EventSource {
    package final let loop: EventLoop
    /// The descriptor, or -1 once closed.
    package final internal(set) var descriptor: Int32
    final var token = EventToken.none
    /// What epoll is asked to report; nil: the descriptor isn't in the epoll set.
    final var interest: Readiness?
    /// In the list of the sources to be serviced at the end of the turn.
    final var awaitsService = false

    init(loop: EventLoop, descriptor: Int32) {
        self.loop = loop
        self.descriptor = descriptor
    }

    /// Phase 3: the kernel reported `events` of the descriptor. It may be a false alarm.
    func handle(_ events: Readiness) {}

    /// Phase 6: the end of a turn in which the source asked for service.
    func service() {}

    /// Whether service will take so long that others should come first.
    var isBulky: Bool { false }

    /// Closes without any report, at the loop's shutdown.
    package func close() {}

    /// Has `service` called at the end of this turn; during that phase itself, of the next one. A
    /// bulky source may have to wait for its turn longer.
    final func requestService() {
        if awaitsService { return }
        awaitsService = true
        loop.enqueueForService(self)
    }

    /// Enters the loop's table and the epoll set.
    final func watch(for events: Readiness) throws(SystemError) {
        token = loop.register(self)
        interest = nil
        try setInterest(events)
    }

    /// Changes what is reported; nil takes the descriptor out of the epoll set, for the conditions
    /// that would be reported for ever, asked for or not.
    final func setInterest(_ events: Readiness?) throws(SystemError) {
        if interest == events { return }
        let result: Int32
        if let events {
            result =
                interest == nil
                ? shim_epoll_add(loop.poller, descriptor, events.rawValue, token.rawValue)
                : shim_epoll_modify(loop.poller, descriptor, events.rawValue, token.rawValue)
        } else {
            result = shim_epoll_remove(loop.poller, descriptor)
        }
        try check(result, "epoll_ctl")
        interest = events
    }

    /// Leaves the table and closes the descriptor, which leaves the epoll set by itself. Events of
    /// it that the loop still holds are stale from now on.
    final func unregister() {
        let descriptor = release()
        if descriptor >= 0 { SystemCall.close(descriptor) }
    }

    /// Leaves the table; the descriptor, open still, is the caller's.
    final func release() -> Int32 {
        if token != .none { loop.unregister(token) }
        token = .none
        interest = nil
        defer { descriptor = -1 }
        return descriptor
    }
}
