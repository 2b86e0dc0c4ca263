import Wire

/// Deadlines of many things that all have the same length of time, such as the idle time of
/// connections: starting one over, removing one, and finding those that are over cost O(1) each,
/// however many there are.
///
/// Things are named by small numbers (slots), each in the queue at most once.
package struct TimeoutQueue: Sendable {
    private struct Node {
        var previous: Int32 = TimeoutQueue.none
        var next: Int32 = TimeoutQueue.none
        var deadline = Instant.distantFuture
        var isQueued = false
    }

    private static let none: Int32 = -1

    private let nanoseconds: Int64
    private let tolerance: Int64
    private var nodes: [Node] = []
    private var first = TimeoutQueue.none
    private var last = TimeoutQueue.none

    /// - Parameter tolerance: who is started over so soon after the last time keeps its deadline: of
    ///   what happens all the time little is written down.
    package init(duration: Duration, tolerance: Duration = .zero) {
        nanoseconds = duration.nanosecondsSaturating
        self.tolerance = tolerance.nanosecondsSaturating
    }

    package func contains(_ slot: Int) -> Bool { slot < nodes.count && nodes[slot].isQueued }

    /// Gives the slot the whole time from now, the tolerance apart, whether it was in the queue or
    /// not.
    package mutating func restart(_ slot: Int, at now: Instant) {
        let (sum, isEver) = now.nanoseconds.addingReportingOverflow(nanoseconds)
        let deadline = Instant(nanoseconds: isEver ? .max : sum)
        if contains(slot) {
            if deadline.nanoseconds - nodes[slot].deadline.nanoseconds < tolerance { return }
            remove(slot)
        }
        while nodes.count <= slot { nodes.append(Node()) }
        nodes[slot] = Node(previous: last, deadline: deadline, isQueued: true)
        if last == Self.none { first = Int32(slot) } else { nodes[Int(last)].next = Int32(slot) }
        last = Int32(slot)
    }

    /// Takes the slot out; does nothing if it isn't in.
    package mutating func remove(_ slot: Int) {
        guard contains(slot) else { return }
        let node = nodes[slot]
        if node.previous == Self.none {
            first = node.next
        } else {
            nodes[Int(node.previous)].next = node.next
        }
        if node.next == Self.none {
            last = node.previous
        } else {
            nodes[Int(node.next)].previous = node.previous
        }
        nodes[slot] = Node()
    }

    /// Takes out and returns a slot whose time is over; nil when there is none.
    package mutating func popExpired(at now: Instant) -> Int? {
        guard first != Self.none, nodes[Int(first)].deadline <= now else { return nil }
        let slot = Int(first)
        remove(slot)
        return slot
    }
}
