/// A first-in, first-out queue that holds what it grew to: nothing is moved or allocated once it
/// has. One of this module, as the compiler makes code for each kind of element of those only.
package struct Ring<Element> {
    private var slots: ContiguousArray<Element?> = []
    private var head = 0
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }
    package var first: Element? { count == 0 ? nil : slots[head] }

    package mutating func append(_ element: Element) {
        if count == slots.count { grow() }
        slots[(head + count) & (slots.count - 1)] = element
        count += 1
    }

    /// The first element, which leaves the queue; there has to be one.
    package mutating func removeFirst() -> Element {
        guard let element = slots[head].take() else { preconditionFailure("an empty queue") }
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return element
    }

    /// To the next power of two.
    private mutating func grow() {
        var larger = ContiguousArray<Element?>(repeating: nil, count: max(4, 2 * slots.count))
        for index in 0..<count {
            larger[index] = slots[(head + index) & (slots.count - 1)].take()
        }
        slots = larger
        head = 0
    }
}
