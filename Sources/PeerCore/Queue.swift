/// A first-in, first-out queue over one array, for small trivial elements.
/// Indices count from the first element still queued.
///
/// Other modules use it where every nanosecond counts: what is inlinable is specialized there.
@frozen
package struct Queue<Element> {
    @usableFromInline var elements: [Element] = []
    @usableFromInline var head = 0

    @inlinable package init() {}

    @inlinable package var count: Int { elements.count - head }
    @inlinable package var isEmpty: Bool { elements.count == head }
    @inlinable package var first: Element? { isEmpty ? nil : elements[head] }

    @inlinable package subscript(index: Int) -> Element {
        get { elements[head + index] }
        set { elements[head + index] = newValue }
    }

    @inlinable
    package mutating func append(_ element: Element) {
        elements.append(element)
    }

    @inlinable
    package mutating func removeFirst() -> Element {
        let element = elements[head]
        head += 1
        reclaim()
        return element
    }

    @inlinable
    package mutating func remove(at index: Int) -> Element {
        guard index > 0 else { return removeFirst() }
        return elements.remove(at: head + index)
    }

    @inlinable
    package mutating func removeAll() {
        elements.removeAll(keepingCapacity: true)
        head = 0
    }

    /// Moving the rest down costs as many steps as were removed since it was done last.
    @inlinable @inline(__always)
    mutating func reclaim() {
        if head == elements.count {
            removeAll()
        } else if head >= 32 && head * 2 >= elements.count {
            elements.removeFirst(head)
            head = 0
        }
    }
}
