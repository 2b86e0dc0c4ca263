import Glibc

/// An open file that several owners share: streams that send ranges of it, storage that reads and
/// writes it. The descriptor is closed when the last of them lets go.
package final class SharedFile: Sendable {
    /// Valid as long as this object.
    package let descriptor: Int32

    /// Opens `path` as open(2) does, close-on-exec; `mode` is for O_CREAT.
    package init(
        path: String, flags: Int32 = O_RDONLY, mode: mode_t = 0o666
    ) throws(SystemError) {
        let result = SystemCall.retrying { Int(open(path, flags | O_CLOEXEC, mode)) }
        descriptor = Int32(try check(result, "open \(path)"))
    }

    /// Takes over a descriptor that is already open.
    package init(adopting descriptor: Int32) { self.descriptor = descriptor }

    deinit { SystemCall.close(descriptor) }
}
