import Glibc
import Logging
import Reactor
import Wire

/// Opens a node on a port with the state that belongs to it.
///
/// Without `--data-dir`, state lives in a folder named for the port. Where no port is given either,
/// one that was used before and is free now is taken again, so that its state is found; a free new
/// one where there is none.
struct NodeOpener {
    let loop: EventLoop
    let logger: Logger
    let invocation: Invocation
    let descriptors: DescriptorPlan
    let environment: [String: String]

    func open() throws(CommandError) -> Node {
        let port = invocation.listenAddress.port
        if port == 0, invocation.dataDirectory == nil {
            for port in try usedPorts() {
                // Taken by a running peer, most likely: the next one.
                if let node = try? open(port: port) { return node }
            }
        }
        return try open(port: port)
    }

    private func open(port: UInt16) throws(CommandError) -> Node {
        var configuration = NodeConfiguration(
            listenAddress: invocation.listenAddress.with(port: port),
            trackers: invocation.trackerEndpoints)
        configuration.pins = invocation.pins
        configuration.isInsecure = invocation.isInsecure
        configuration.shareRoot = invocation.shareRoot
        configuration.checksWholeFile = invocation.checksWholeFile
        configuration.limits = invocation.limits
        configuration.maxConnections = descriptors.connections
        configuration.swarm.maxConnections = descriptors.connections
        configuration.maxOpenFiles = descriptors.files
        if let limit = invocation.maxDownloads { configuration.maxDownloads = limit }
        return try Node(
            loop: loop, configuration: configuration, logger: logger
        ) { port throws(CommandError) in
            if let directory = invocation.dataDirectory {
                return try StateStore(directory: Path.absolute(directory))
            }
            return try StateStore(
                directory: Invocation.defaultDataDirectory(port: port, environment: environment))
        }
    }

    /// Ports with a state folder, the last used first.
    private func usedPorts() throws(CommandError) -> [UInt16] {
        let stateDirectory = Path.directory(
            of: try Invocation.defaultDataDirectory(port: 0, environment: environment))
        guard let directory = opendir(stateDirectory) else { return [] }
        defer { closedir(directory) }
        var ports: [(port: UInt16, used: Int64)] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let port = UInt16(name), port > 0 else { continue }
            let state = DiskFile.identity(at: "\(stateDirectory)/\(name)/state.sqlite")
            ports.append((port, state?.modifiedNanoseconds ?? 0))
        }
        return ports.sorted { $0.used > $1.used }.map(\.port)
    }
}
