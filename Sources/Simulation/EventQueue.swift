import Wire

/// What happens when, in order of time; what was scheduled first comes first at the same time.
package struct EventQueue<Event> {
    private struct Entry {
        var instant: Instant
        var sequence: UInt64
        var event: Event

        func precedes(_ other: Entry) -> Bool {
            (instant, sequence) < (other.instant, other.sequence)
        }
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var lastSequence: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package var nextInstant: Instant? { entries.first?.instant }

    package mutating func schedule(_ event: Event, at instant: Instant) {
        lastSequence += 1
        entries.append(Entry(instant: instant, sequence: lastSequence, event: event))
        var child = entries.count - 1
        while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest event, which leaves the queue.
    package mutating func next() -> (instant: Instant, event: Event)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (first.instant, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < entries.count && entries[child].precedes(entries[least]) {
                least = child
            }
            guard least != parent else { return }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
