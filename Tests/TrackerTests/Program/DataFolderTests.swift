import Glibc
import Logging
import Reactor
import SQLite
import Testing

@testable import Tracker

@Suite struct DataFolderTests {
    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func `missing folders are made, for their owner only`() throws {
        let root = try TemporaryFolder()
        let path = root.path + "/state/mtorrent-tracker/7001"
        _ = try DataFolder(path: path)
        for folder in ["/state", "/state/mtorrent-tracker", "/state/mtorrent-tracker/7001"] {
            #expect(mode(root.path + folder) == 0o700)
        }
        _ = try DataFolder(path: path + "/")
    }

    @Test func `the default follows the XDG rules`() throws {
        let home = ["HOME": "/home/ann"]
        let state = ["HOME": "/home/ann", "XDG_STATE_HOME": "/state"]
        let relative = ["HOME": "/home/ann", "XDG_STATE_HOME": "state"]
        func path(_ environment: [String: String]) throws -> String {
            try DataFolder.defaultPath(port: 7, environment: environment)
        }
        #expect(try path(home) == "/home/ann/.local/state/mtorrent-tracker/7")
        #expect(try path(state) == "/state/mtorrent-tracker/7")
        #expect(try path(relative) == "/home/ann/.local/state/mtorrent-tracker/7")
        #expect(throws: StartError.self) { try path([:]) }
    }

    @Test func `what can't be a folder is named with the remedy`() throws {
        for path in ["/dev/null", "/dev/null/x", "/proc/x"] {
            let error = #expect(throws: StartError.self) { try DataFolder(path: path) }
            #expect(error?.description.contains(path) == true)
            #expect(error?.description.contains("--data-dir") == true)
        }
    }

    @Test func `trackers share the folder, and who replaces it has it alone`() throws {
        let root = try TemporaryFolder()
        let folder = try DataFolder(path: root.path)
        do {
            let locks = [try folder.lock(.shared), try folder.lock(.shared)]
            #expect(throws: StartError.self) { try folder.lock(.exclusive) }
            withExtendedLifetime(locks) {}
        }
        do {
            let lock = try folder.lock(.exclusive)
            #expect(throws: StartError.self) { try folder.lock(.exclusive) }
            #expect(throws: StartError.self) { try folder.lock(.shared) }
            withExtendedLifetime(lock) {}
        }
        _ = try folder.lock(.shared)
    }
}

@Suite struct StartTests {
    private func startError(
        _ address: SocketAddress, in folder: String
    ) throws -> String? {
        let error = #expect(throws: StartError.self) {
            try TrackerNode(
                address: address,
                store: { (_) throws(StartError) in .folder(try DataFolder(path: folder)) },
                certificate: { (_) throws(StartError) in
                    try TrackerCertificate(in: DataFolder(path: folder))
                },
                secrets: { (_) throws(StartError) in
                    try SecretKeyFile.box(in: DataFolder(path: folder))
                },
                configuration: TrackerConfiguration(),
                logger: Logger(level: .error, sink: LogSink { _ in }))
        }
        return error?.description
    }

    @Test func `a port in use is named`() throws {
        let tracker = try RunningTracker()
        let folder = try TemporaryFolder()
        let error = try startError(.loopback(port: tracker.port), in: folder.path)
        #expect(error?.hasPrefix("port \(tracker.port) of 127.0.0.1 is in use") == true)
    }

    @Test func `an address of another machine is named`() throws {
        let folder = try TemporaryFolder()
        let address = try #require(SocketAddress(parsing: "192.0.2.1:7001"))
        let error = try startError(address, in: folder.path)
        #expect(error?.hasPrefix("192.0.2.1 is no address of this machine") == true)
    }

    @Test func `a newer database is refused with the remedy`() throws {
        let folder = try TemporaryFolder()
        do {
            let path = folder.path + "/tracker.db"
            let database = try Database(path: path, synchronous: .full)
            try database.setUserVersion(1000)
        }
        let error = try startError(.loopback(port: 0), in: folder.path)
        #expect(error?.contains("start the newer mtorrent-tracker") == true)
    }
}
