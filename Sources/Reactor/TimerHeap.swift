/// Names a timer; stays distinct from every other timer's when the timer has fired or been
/// cancelled.
package struct TimerID: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32
}

/// Timers in order of deadline, then of their making: a binary heap in which every timer knows its
/// place, so that inserting, cancelling and taking the first are O(log n).
struct TimerHeap {
    private struct Node {
        let deadline: MonotonicTime
        let sequence: UInt64
        let slot: UInt32

        func precedes(_ other: Node) -> Bool {
            deadline == other.deadline ? sequence < other.sequence : deadline < other.deadline
        }
    }

    private struct Slot {
        var generation: UInt32
        /// Index in `heap` while `body` isn't nil.
        var position: Int
        var body: (() -> Void)?
    }

    private var heap: ContiguousArray<Node> = []
    private var slots: ContiguousArray<Slot> = []
    private var freeSlots: ContiguousArray<UInt32> = []
    /// The sequence number of the next timer: those made earlier are below it.
    private(set) var nextSequence: UInt64 = 0

    var count: Int { heap.count }
    var firstDeadline: MonotonicTime? { heap.first?.deadline }

    mutating func insert(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerID {
        let slot = freeSlots.popLast() ?? UInt32(slots.count)
        if Int(slot) == slots.count { slots.append(Slot(generation: 0, position: 0, body: nil)) }
        slots[Int(slot)].body = body
        heap.append(Node(deadline: deadline, sequence: nextSequence, slot: slot))
        nextSequence += 1
        siftUp(from: heap.count - 1)
        return TimerID(slot: slot, generation: slots[Int(slot)].generation)
    }

    /// Takes a timer out; nil if it has fired or been cancelled. The caller drops what comes back
    /// once the heap is free again, since what dies with it may cancel timers of its own.
    mutating func cancel(_ timer: TimerID) -> (() -> Void)? {
        let slot = Int(timer.slot)
        guard slots[slot].generation == timer.generation else { return nil }
        return remove(at: slots[slot].position)
    }

    /// Takes the first timer out if it is due, and older than sequence number `limit`.
    mutating func popDue(at now: MonotonicTime, below limit: UInt64) -> (() -> Void)? {
        guard let first = heap.first, first.deadline <= now, first.sequence < limit else {
            return nil
        }
        return remove(at: 0)
    }

    private mutating func remove(at position: Int) -> (() -> Void)? {
        let node = heap[position]
        let last = heap.removeLast()
        if position < heap.count {
            place(last, at: position)
            siftDown(from: position)
            siftUp(from: position)
        }
        let slot = Int(node.slot)
        let body = slots[slot].body
        slots[slot].body = nil
        slots[slot].generation &+= 1
        freeSlots.append(node.slot)
        return body
    }

    private mutating func place(_ node: Node, at position: Int) {
        heap[position] = node
        slots[Int(node.slot)].position = position
    }

    private mutating func siftUp(from start: Int) {
        var position = start
        let node = heap[position]
        while position > 0 {
            let parent = (position - 1) / 2
            if !node.precedes(heap[parent]) { break }
            place(heap[parent], at: position)
            position = parent
        }
        place(node, at: position)
    }

    private mutating func siftDown(from start: Int) {
        var position = start
        let node = heap[position]
        while true {
            var child = 2 * position + 1
            if child >= heap.count { break }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            if !heap[child].precedes(node) { break }
            place(heap[child], at: position)
            position = child
        }
        place(node, at: position)
    }
}
