import Foundation

/// Asks again and again, for 10 s at most, until something holds: for what other threads do.
struct LimitedPoll {
    let holds: Bool

    init(_ condition: () -> Bool) {
        let deadline = Date().addingTimeInterval(10)
        while !condition() {
            guard Date() < deadline else {
                holds = false
                return
            }
            sched_yield()
        }
        holds = true
    }
}
