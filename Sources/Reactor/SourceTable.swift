/// Names a source to the kernel: a slot of the table, and which of the slot's users it was.
///
/// An event carries the token its descriptor was registered with. When the source has been closed
/// since, in the same turn too, the slot's generation has moved on and the event is dropped, even
/// if the slot or the descriptor's number is in use again.
struct EventToken: Equatable {
    let rawValue: UInt64

    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(slot: UInt32, generation: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(slot)
    }

    var slot: Int { Int(UInt32(truncatingIfNeeded: rawValue)) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

    /// No source.
    static let none = EventToken(rawValue: .max)
    /// The loop's own wake-up.
    static let wakeUp = EventToken(rawValue: .max - 1)
}

/// The open sources of a loop, found by token.
struct SourceTable {
    private var sources: ContiguousArray<EventSource?> = []
    /// Apart from the sources, so that a look-up of a stale token touches no reference count.
    private var generations: ContiguousArray<UInt32> = []
    private var freeSlots: ContiguousArray<UInt32> = []

    /// The number of open sources.
    var count: Int { sources.count - freeSlots.count }

    var all: [EventSource] { sources.compactMap { $0 } }

    /// The source, unless it has been removed.
    subscript(token: EventToken) -> EventSource? {
        let slot = token.slot
        guard slot < generations.count, generations[slot] == token.generation else { return nil }
        return sources[slot]
    }

    mutating func insert(_ source: EventSource) -> EventToken {
        if let slot = freeSlots.popLast() {
            sources[Int(slot)] = source
            return EventToken(slot: slot, generation: generations[Int(slot)])
        }
        sources.append(source)
        generations.append(0)
        return EventToken(slot: UInt32(sources.count - 1), generation: 0)
    }

    mutating func remove(_ token: EventToken) {
        let slot = token.slot
        guard generations[slot] == token.generation else { return }
        generations[slot] &+= 1
        sources[slot] = nil
        freeSlots.append(UInt32(slot))
    }
}
