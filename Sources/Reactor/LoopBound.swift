/// A value that belongs to a loop's thread, carried through other threads unopened.
///
/// What lives on a loop isn't Sendable, so that the compiler keeps other threads away from it; this
/// is the one way to name it in what they submit. Let the last reference to an object go on the
/// loop's thread: whoever keeps a `LoopBound` elsewhere must not outlive the loop's own reference.
package struct LoopBound<Value>: @unchecked Sendable {
    private let value: Value
    package let submitter: LoopSubmitter

    package init(_ value: Value, on loop: EventLoop) {
        self.value = value
        submitter = loop.submitter
    }

    /// Runs `body` with the value on the loop's thread; from any thread. False if the loop has been
    /// shut down.
    @discardableResult
    package func submit(_ body: @escaping @Sendable (Value) -> Void) -> Bool {
        submitter.submit { body(value) }
    }

    /// The value, for the thread that is about to turn the loop.
    var unopened: Value { value }

    /// The value, for code that runs on the loop's thread; traps elsewhere.
    package var onLoop: Value {
        precondition(submitter.isOnLoopThread, "a loop's value was opened on another thread")
        return value
    }
}
