/// What users asked for at the same time and were answered: each founds groups and leaves them,
/// which deletes them. It is right if one order of the commands, in which each has its place between
/// its start and its end, explains all answers (Herlihy and Wing, Linearizability, 1990). Groups
/// don't depend on each other, so that each has an order of its own.
struct CommandHistory {
    enum Action {
        case create
        case leave
        /// Nobody's command: who owns the group is read.
        case look
    }

    enum Answer: Hashable {
        case done
        /// To `create`.
        case exists
        /// To `leave`.
        case absent
        case notMember
        /// To `look`; nil: there is no such group.
        case owner(String?)
        /// It was done, or not, or is done later.
        case unknown
    }

    struct Call {
        var group: String
        var user: String
        var action: Action
        var start: ContinuousClock.Instant
        var end: ContinuousClock.Instant
        var answer: Answer
    }

    /// Of commands that were refused, there is nothing to be explained: they are left out.
    var calls: [Call] = []

    /// The groups whose answers no order explains.
    var unexplained: [String] {
        Dictionary(grouping: calls, by: \.group).filter { !Order(of: $0.value).exists }
            .keys.sorted()
    }
}

/// Looks for an order of the calls of one group, from state to state as Wing and Gong do (Testing
/// and Verifying Concurrent Objects, 1993), each state once.
private struct Order {
    fileprivate struct State: Hashable {
        /// By the numbers of the calls.
        var done: [UInt64]
        var owner: String?

        func has(_ number: Int) -> Bool { done[number / 64] & 1 << (number % 64) != 0 }

        mutating func add(_ number: Int) { done[number / 64] |= 1 << (number % 64) }
    }

    private let calls: [CommandHistory.Call]

    init(of calls: [CommandHistory.Call]) {
        self.calls = calls.sorted { $0.start < $1.start }
    }

    var exists: Bool {
        let first = State(done: .init(repeating: 0, count: calls.count / 64 + 1), owner: nil)
        var (seen, toVisit): (Set<State>, [State]) = ([first], [first])
        while let state = toVisit.popLast() {
            let missing = calls.indices.filter { !state.has($0) && calls[$0].answer != .unknown }
            // What starts after another one has ended doesn't come before it.
            guard let end = missing.map({ calls[$0].end }).min() else { return true }
            for number in calls.indices where !state.has(number) && calls[number].start <= end {
                guard let next = state.after(calls[number], number) else { continue }
                if seen.insert(next).inserted { toVisit.append(next) }
            }
        }
        return false
    }
}

extension Order.State {
    /// Nil where the call's answer would have been another one.
    fileprivate func after(_ call: CommandHistory.Call, _ number: Int) -> Self? {
        var next = self
        next.add(number)
        let answer: CommandHistory.Answer
        switch call.action {
        case .create:
            answer = owner == nil ? .done : .exists
            if owner == nil { next.owner = call.user }
        case .leave:
            answer = owner == nil ? .absent : owner == call.user ? .done : .notMember
            if owner == call.user { next.owner = nil }
        case .look: answer = .owner(owner)
        }
        // One that changes nothing need not have been done.
        if call.answer == .unknown { return answer == .done ? next : nil }
        return call.answer == answer ? next : nil
    }
}
