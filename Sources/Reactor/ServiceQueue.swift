/// Sources in the order in which they came; each is in it once at most.
struct ServiceQueue {
    private var sources: ContiguousArray<EventSource?> = []
    private var head = 0

    var count: Int { sources.count - head }

    mutating func append(_ source: EventSource) { sources.append(source) }

    mutating func popFirst() -> EventSource? {
        guard head < sources.count else { return nil }
        let source = sources[head].take()
        head += 1
        if head == sources.count {
            sources.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head * 2 >= sources.count {
            sources.removeFirst(head)
            head = 0
        }
        return source
    }

    mutating func removeAll() {
        sources.removeAll()
        head = 0
    }
}
