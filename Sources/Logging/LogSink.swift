import Glibc
import Synchronization

/// Where lines go. Each line is one write(2), so that lines of several threads, and of several
/// programs appending to one file, don't mix. What can't be written is dropped.
package final class LogSink: Sendable {
    private enum Destination {
        case descriptor(Int32)
        case function(@Sendable (String) -> Void)
    }

    package static let standardError = LogSink(destination: .descriptor(STDERR_FILENO), path: nil)

    private let destination: Mutex<Destination>
    private let path: String?

    private init(destination: sending Destination, path: String?) {
        self.destination = Mutex(destination)
        self.path = path
    }

    /// Appends to a file, which is created with mode 0600.
    package convenience init(path: String) throws(LogFileError) {
        self.init(destination: .descriptor(try LogSink.open(path)), path: path)
    }

    /// Passes each line, its newline included, to a function, which is called under a lock: one
    /// line at a time, and it must not log.
    package convenience init(_ function: @escaping @Sendable (String) -> Void) {
        self.init(destination: .function(function), path: nil)
    }

    deinit {
        guard path != nil else { return }
        destination.withLock { destination in
            if case .descriptor(let descriptor) = destination { close(descriptor) }
        }
    }

    /// Opens the file by its name again, after the old one was moved away (SIGHUP).
    package func reopen() throws(LogFileError) {
        guard let path else { return }
        let fresh = try LogSink.open(path)
        destination.withLock { destination in
            if case .descriptor(let descriptor) = destination { close(descriptor) }
            destination = .descriptor(fresh)
        }
    }

    func write(_ line: String) {
        destination.withLock { destination in
            switch destination {
            case .function(let function): function(line)
            case .descriptor(let descriptor):
                var line = line
                line.withUTF8 { LogSink.writeAll($0, to: descriptor) }
            }
        }
    }

    private static func writeAll(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(
                descriptor, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func open(_ path: String) throws(LogFileError) -> Int32 {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw LogFileError(path: path, reason: String(cString: strerror(errno)))
        }
        return descriptor
    }
}

/// The log file can't be opened.
package struct LogFileError: Error, Sendable, CustomStringConvertible {
    package let path: String
    /// The system's words.
    package let reason: String

    package var description: String { "\(path): can't open the log file: \(reason)" }
}
