import Glibc
import Reactor
import Wire

/// The certificates that trackers showed when they were first spoken to: a line each, `IP:PORT
/// sha256:HEX`, in the file `known_trackers` of the data directory. On the loop's thread only.
final class KnownTrackers {
    let path: String
    private let worker: WorkerPool
    private var fingerprints: [Endpoint: String] = [:]

    private static let prefix = "sha256:"

    /// - Parameter worker: writes the file.
    init(directory: String, worker: WorkerPool) throws(CommandError) {
        path = directory + "/known_trackers"
        self.worker = worker
        guard DiskFile.exists(path) else { return }
        let file = try DiskFile.openForReading(path)
        let size = DiskFile.identity(of: file)?.size ?? 0
        let bytes = try DiskFile.contents(of: file, path: path, size: Int(min(size, 1 << 20)))
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        for (index, line) in lines.enumerated() where !line.hasPrefix("#") {
            let fields = line.split(separator: " ")
            guard fields.count == 2, let endpoint = Endpoint(String(fields[0])),
                fields[1].hasPrefix(Self.prefix), fields[1].utf8.count == Self.prefix.count + 64
            else {
                throw CommandError(
                    "\(path): line \(index + 1) is not IP:PORT sha256:HEX; remove it",
                    .cannotOpenFile)
            }
            fingerprints[endpoint] = String(fields[1].dropFirst(Self.prefix.count))
        }
    }

    /// SHA-256 of the certificate as 64 hex digits; nil for a tracker never spoken to.
    subscript(_ endpoint: Endpoint) -> String? { fingerprints[endpoint] }

    /// Keeps a tracker's certificate; the file has it soon.
    func remember(_ fingerprint: String, of endpoint: Endpoint) {
        fingerprints[endpoint] = fingerprint
        let line = Array("\(endpoint) \(Self.prefix)\(fingerprint)\n".utf8)
        worker.run { [path] in
            let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw DiskFile.failure("opening", path, errno) }
            defer { close(descriptor) }
            guard write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
                throw DiskFile.failure("writing", path, errno)
            }
        } then: { _ in
        }
    }
}
