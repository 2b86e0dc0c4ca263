import Glibc
import Reactor

/// How trackers of one machine wake each other: a file for each log, in the data folder, which is
/// written to after each commit and watched by all. A lost signal costs a poll's interval.
final class ChangeSignals: @unchecked Sendable {
    private let folder: String
    /// By the order of the logs; written to from several threads, which write(2) allows.
    private let descriptors: [Int32]

    /// Makes the files where there are none.
    init(folder: String) throws(StoreError) {
        self.folder = folder
        var descriptors: [Int32] = []
        for log in TrackerLog.allCases {
            let path = Self.path(of: log, in: folder)
            let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                let reason = String(cString: strerror(errno))
                for descriptor in descriptors { close(descriptor) }
                throw .failed("can't open \(path): \(reason)")
            }
            descriptors.append(descriptor)
        }
        self.descriptors = descriptors
    }

    deinit {
        for descriptor in descriptors { close(descriptor) }
    }

    private static func path(of log: TrackerLog, in folder: String) -> String {
        "\(folder)/\(log.rawValue).changed"
    }

    /// Something was committed.
    func tell(_ log: TrackerLog) {
        guard let place = TrackerLog.allCases.firstIndex(of: log) else { return }
        var byte: UInt8 = 0
        _ = pwrite(descriptors[place], &byte, 1, 0)
    }

    /// Calls `onChange` on the loop's thread when somebody, this tracker included, has committed.
    func watch(
        _ log: TrackerLog, on loop: EventLoop, onChange: @escaping () -> Void
    ) throws(SystemError) -> FileWatch {
        try FileWatch(loop: loop, path: Self.path(of: log, in: folder), onWrite: onChange)
    }
}
