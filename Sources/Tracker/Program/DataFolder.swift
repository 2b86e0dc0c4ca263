import Glibc

/// The folder of a network's state: for its owner only, and for the trackers of one machine, which
/// share it.
struct DataFolder {
    let path: String

    /// Takes the folder, making it and those above it (mode 0700) where they are missing.
    init(path: String) throws(StartError) {
        self.path = path
        var partial = ""
        for component in path.split(separator: "/", omittingEmptySubsequences: true) {
            partial += (partial.isEmpty && !path.hasPrefix("/") ? "" : "/") + component
            if mkdir(partial, 0o700) == 0 || errno == EEXIST { continue }
            throw StartError(
                "can't make the data folder \(path): \(Self.systemError()); name another one with "
                    + "--data-dir")
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw StartError("\(path) is not a folder; name another one with --data-dir")
        }
    }

    var databasePath: String { path + "/tracker.db" }

    /// The key and certificate that the network's trackers show where no others are given.
    var identityPath: String { path + "/tracker.pem" }

    /// The key under which secrets are kept in the database.
    var secretKeyPath: String { path + "/secret.key" }

    var swarmLogPath: String { path + "/swarms.db" }

    /// `$XDG_STATE_HOME/mtorrent-tracker/PORT`, `~/.local/state` standing in. A relative path
    /// there is to be ignored (XDG Base Directory Specification).
    static func defaultPath(
        port: UInt16, environment: [String: String]
    ) throws(StartError) -> String {
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return "\(state)/mtorrent-tracker/\(port)"
        }
        guard let home = environment["HOME"], home.hasPrefix("/") else {
            throw StartError("HOME is not set: name the data folder with --data-dir")
        }
        return "\(home)/.local/state/mtorrent-tracker/\(port)"
    }

    /// Holds the folder until it is let go, or the process ends in whatever way.
    final class Lock: Sendable {
        private let descriptor: Int32

        fileprivate init(descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }

    enum Use {
        /// By a tracker, beside others.
        case shared
        /// By who replaces what is in it.
        case exclusive
    }

    /// Takes the folder into use.
    func lock(_ use: Use) throws(StartError) -> Lock {
        let file = path + "/tracker.lock"
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StartError(
                "can't write in the data folder \(path): \(Self.systemError()); name another one "
                    + "with --data-dir")
        }
        guard flock(descriptor, (use == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 else {
            close(descriptor)
            throw StartError(
                use == .shared
                    ? "the data folder \(path) is being replaced or upgraded: start again when "
                        + "that is done"
                    : "a tracker is using the data folder \(path): stop it first")
        }
        return Lock(descriptor: descriptor)
    }

    private static func systemError() -> String { String(cString: strerror(errno)) }
}
