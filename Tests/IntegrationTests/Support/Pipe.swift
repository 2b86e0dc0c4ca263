import Foundation
import Synchronization

/// Both ends of a pipe, neither of which a program started meanwhile inherits.
struct Pipe {
    let read: Int32
    let write: Int32

    /// pipe2(2), which would set the flag at once, isn't imported: so that no program is started
    /// between pipe(2) and the setting of the flag, whoever starts one holds this.
    static let startingPrograms = Mutex<Void>(())

    /// Nil when the process has too many files open.
    init?() {
        var ends: [Int32] = [0, 0]
        let made = Pipe.startingPrograms.withLock { _ in
            guard pipe(&ends) == 0 else { return false }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return true
        }
        guard made else { return nil }
        (read, write) = (ends[0], ends[1])
    }
}
