/// A first-in, first-out queue over one array, for small trivial elements.
/// Indices count from the first element still queued.
package struct Queue<Element> {
    private var elements: [Element] = []
    private var head = 0

    package init() {}

    package var count: Int { elements.count - head }
    package var isEmpty: Bool { elements.count == head }
    package var first: Element? { isEmpty ? nil : elements[head] }

    package subscript(index: Int) -> Element {
        get { elements[head + index] }
        set { elements[head + index] = newValue }
    }

    package mutating func append(_ element: Element) {
        elements.append(element)
    }

    package mutating func removeFirst() -> Element {
        let element = elements[head]
        head += 1
        reclaim()
        return element
    }

    package mutating func remove(at index: Int) -> Element {
        guard index > 0 else { return removeFirst() }
        return elements.remove(at: head + index)
    }

    package mutating func removeAll() {
        elements.removeAll(keepingCapacity: true)
        head = 0
    }

    /// Moving the rest down costs as many steps as were removed since it was done last.
    private mutating func reclaim() {
        if head == elements.count {
            removeAll()
        } else if head >= 32 && head * 2 >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
    }
}
