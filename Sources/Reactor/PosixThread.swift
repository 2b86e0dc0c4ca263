import Glibc

/// A thread, joined or detached in the end. It takes no signals: those are for the loop.
package struct PosixThread: Sendable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    package init(_ run: @escaping @Sendable () -> Void) throws(SystemError) {
        try self.init(attributes: nil, run)
    }

    /// Starts a thread that nobody will wait for.
    package static func startDetached(_ run: @escaping @Sendable () -> Void) throws(SystemError) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        _ = try PosixThread(attributes: &attributes, run)
    }

    private init(
        attributes: UnsafePointer<pthread_attr_t>?, _ run: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        var all = sigset_t()
        var previous = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }

        let body = Unmanaged.passRetained(Body(run))
        var handle = pthread_t()
        let error = pthread_create(&handle, attributes, PosixThread.start, body.toOpaque())
        if error != 0 {
            body.release()
            throw SystemError(code: error, operation: "pthread_create")
        }
        self.handle = handle
    }

    private static let start:
        @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
            { body in
                Unmanaged<Body>.fromOpaque(body!).takeRetainedValue().run()
                return nil
            }

    /// Never waits for its end. It must not be about to end: glibc's pthread_detach looks once more
    /// at a thread that it has detached, which one that is ending has freed by then.
    package func detach() {
        let error = pthread_detach(handle)
        precondition(error == 0)
    }

    /// Waits for its end; once.
    package func join() {
        let error = pthread_join(handle, nil)
        precondition(error == 0)
    }
}
