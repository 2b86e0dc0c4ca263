import Wire

/// What happens when, in order of time; what was scheduled first comes first at the same time.
package struct EventQueue<Event> {
    private struct Entry {
        var instant: Int64
        var sequence: UInt64
        /// Of the event in `events`.
        var slot: Int32

        func precedes(_ other: Entry) -> Bool {
            instant != other.instant ? instant < other.instant : sequence < other.sequence
        }
    }

    /// A heap with four children to each entry: half as deep as one with two, and the children
    /// lie together.
    private var entries: [Entry] = []
    private var events: [Event?] = []
    private var freeSlots: [Int32] = []
    private var lastSequence: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }
    package var nextInstant: Instant? {
        entries.first.map { Instant(nanoseconds: $0.instant) }
    }

    package mutating func schedule(_ event: Event, at instant: Instant) {
        let slot: Int32
        if let free = freeSlots.popLast() {
            slot = free
            events[Int(slot)] = event
        } else {
            slot = Int32(events.count)
            events.append(event)
        }
        lastSequence += 1
        let entry = Entry(instant: instant.nanoseconds, sequence: lastSequence, slot: slot)
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) >> 2
            guard entry.precedes(entries[parent]) else { break }
            entries[child] = entries[parent]
            child = parent
        }
        entries[child] = entry
    }

    /// The earliest event, which leaves the queue.
    package mutating func next() -> (instant: Instant, event: Event)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty { sink(last) }
        freeSlots.append(first.slot)
        guard let event = events[Int(first.slot)].take() else { return nil }
        return (Instant(nanoseconds: first.instant), event)
    }

    /// Finds the place of an entry that the first place is free for.
    private mutating func sink(_ entry: Entry) {
        var parent = 0
        while true {
            let begin = 4 * parent + 1
            guard begin < entries.count else { break }
            var least = begin
            for child in begin + 1..<max(begin + 1, min(begin + 4, entries.count))
            where entries[child].precedes(entries[least]) {
                least = child
            }
            guard entries[least].precedes(entry) else { break }
            entries[parent] = entries[least]
            parent = least
        }
        entries[parent] = entry
    }
}
