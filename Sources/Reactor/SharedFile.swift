import CEpollShim
import Glibc
import Synchronization

/// An open file that several owners share: streams that send ranges of it, storage that reads and
/// writes it. The descriptor is closed when the last of them lets go.
package final class SharedFile: Sendable {
    /// Valid as long as this object.
    package let descriptor: Int32

    private enum Backing: UInt8, AtomicRepresentable {
        case unknown, memory, disk
    }

    /// What is behind the file, once that was asked.
    private let backing = Atomic(Backing.unknown)

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

    /// Whether reading a range would not wait for a disk, as far as the system can tell: where it
    /// can't, yes. Pages that are being read in at this moment count as there.
    package func isCached(offset: Int64, length: Int) -> Bool {
        switch backing.load(ordering: .relaxed) {
        case .memory: return true
        case .disk: break
        case .unknown:
            let isMemory = shim_is_memory(descriptor) != 0
            backing.store(isMemory ? .memory : .disk, ordering: .relaxed)
            if isMemory { return true }
        }
        return shim_is_cached(descriptor, offset, Int64(length)) != 0
    }

    /// Has the system read a range in while others go on, posix_fadvise(2).
    package func readAhead(offset: Int64, length: Int) {
        _ = posix_fadvise(descriptor, off_t(offset), off_t(length), POSIX_FADV_WILLNEED)
    }

    /// Takes reading ahead out of the system's hands: only what is asked for is read in.
    package func readsNothingAhead() {
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM)
    }
}
