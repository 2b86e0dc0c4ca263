import Glibc

/// How the descriptors that the system allows this program are shared out.
struct DescriptorPlan: Equatable {
    /// For connections to peers.
    let connections: Int
    /// For the files of shares and downloads.
    let files: Int

    /// For trackers, databases, listeners, the terminal, and what is open for a moment.
    private static let others = 128
    private static let mostFiles = 512
    /// Where nobody asks for more.
    private static let usualConnections = 10_000

    /// Fails where there isn't room for the connections that were asked for.
    init(allowed: Int, askedConnections: Int?) throws(CommandError) {
        let available = max(2, allowed - Self.others)
        files = min(Self.mostFiles, (available + 3) / 4)
        let room = available - files
        guard let askedConnections else {
            connections = min(room, Self.usualConnections)
            return
        }
        guard askedConnections <= room else {
            throw CommandError(
                "--max-connections \(askedConnections): this system allows the program \(allowed)"
                    + " open files, which is room for \(room) connections: name a smaller number,"
                    + " or raise the limit (ulimit -Hn, LimitNOFILE= of a service)", .usage)
        }
        connections = askedConnections
    }

    /// Raises the soft limit, which is a relic of select(2), to the hard one (getrlimit(2)).
    /// - Returns: descriptors that may be open at a time.
    static func raiseLimit() -> Int {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        if setrlimit(resource, &raised) == 0 { limit = raised }
        return Int(min(limit.rlim_cur, rlim_t(Int32.max)))
    }
}
