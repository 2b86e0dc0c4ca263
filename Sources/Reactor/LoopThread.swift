/// A loop that turns on a thread of its own until it is stopped.
///
/// What lives on the loop was made before by whoever starts the thread, who doesn't touch it from
/// then on but by submitting jobs, until the thread has been joined.
package struct LoopThread: Sendable {
    private let thread: PosixThread

    package init(running loop: EventLoop) throws(SystemError) {
        let loop = LoopBound(loop, on: loop)
        thread = try PosixThread { loop.unopened.run() }
    }

    /// Waits for its end; once.
    package func join() { thread.join() }
}
