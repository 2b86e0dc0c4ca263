import Glibc

/// Tells when a file is written to, by whatever process: inotify(7).
package final class FileWatch: EventSource {
    private var onWrite: (() -> Void)?
    /// For the events, whose content tells nothing more.
    private var buffer = [UInt8](repeating: 0, count: 4096)

    /// Calls `onWrite` after writes, once for those that come together; the file must exist.
    package init(
        loop: EventLoop, path: String, onWrite: @escaping () -> Void
    ) throws(SystemError) {
        self.onWrite = onWrite
        // IN_NONBLOCK and IN_CLOEXEC are these (inotify_init(2)).
        let descriptor = inotify_init1(O_NONBLOCK | O_CLOEXEC)
        super.init(
            loop: loop, descriptor: try check(descriptor < 0 ? -errno : descriptor, "inotify"))
        do throws(SystemError) {
            let watch = inotify_add_watch(descriptor, path, UInt32(IN_MODIFY))
            try check(watch < 0 ? -errno : watch, "inotify_add_watch")
            try self.watch(for: .readable)
        } catch {
            close()
            throw error
        }
    }

    package override func close() {
        _ = onWrite.take()
        unregister()
    }

    override func handle(_ events: Readiness) {
        var wasWritten = false
        while SystemCall.retrying({ read(descriptor, &buffer, buffer.count) }) > 0 {
            wasWritten = true
        }
        if wasWritten { onWrite?() }
    }
}
