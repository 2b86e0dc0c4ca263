import Dispatch
import Foundation
import Logging
import Reactor
import Synchronization
import Testing
import TrackerCore
import Wire

@testable import Tracker

/// A whole tracker on a loopback port that the kernel chose, with a real database, on its own
/// thread.
final class RunningTracker: Sendable {
    let folder: TemporaryFolder
    let port: UInt16
    private let node: LoopBound<TrackerNode>
    private let ended: DispatchSemaphore

    private final class Start: Sendable {
        let result = Mutex<Result<LoopBound<TrackerNode>, StartError>?>(nil)
        let port = Mutex<UInt16>(0)
        let ready = DispatchSemaphore(value: 0)
        let ended = DispatchSemaphore(value: 0)
        let log = LogLines()
    }

    final class LogLines: Sendable {
        let text = Mutex("")
    }

    private let lines: LogLines

    init(
        folder: TemporaryFolder? = nil, postgreSQL: String? = nil,
        address: SocketAddress = .loopback(port: 0),
        _ configure: (inout TrackerConfiguration) -> Void = { _ in }
    ) throws {
        let folder = try folder ?? TemporaryFolder()
        self.folder = folder
        var configuration = TrackerConfiguration()
        configure(&configuration)
        let start = Start()
        let chosen = configuration
        let thread = Thread {
            do throws(StartError) {
                let lines = start.log
                let sink = LogSink { line in lines.text.withLock { $0 += line } }
                let node = try TrackerNode(
                    address: address,
                    store: { (_) throws(StartError) in
                        if let postgreSQL { return .postgreSQL(postgreSQL) }
                        return .folder(try DataFolder(path: folder.path))
                    },
                    certificate: { (_) throws(StartError) in
                        try TrackerCertificate(in: DataFolder(path: folder.path))
                    },
                    secrets: { (_) throws(StartError) in
                        try SecretKeyFile.box(in: DataFolder(path: folder.path))
                    },
                    configuration: chosen, logger: Logger(level: .debug, sink: sink))
                start.port.withLock { $0 = node.address.port }
                start.result.withLock { $0 = .success(LoopBound(node, on: node.loop)) }
                start.ready.signal()
                node.run()
            } catch {
                start.result.withLock { $0 = .failure(error) }
                start.ready.signal()
            }
            start.ended.signal()
        }
        thread.start()
        start.ready.wait()
        let result = start.result.withLock { $0 }
        node = try #require(result).get()
        port = start.port.withLock { $0 }
        ended = start.ended
        lines = start.log
    }

    deinit {
        stop()
    }

    /// Stops as SIGTERM does.
    /// - Returns: whether it ended in time.
    @discardableResult func stop() -> Bool {
        node.submit { $0.stop() }
        let isOver = ended.wait(timeout: .now() + 5) == .success
        if isOver { ended.signal() }
        return isOver
    }

    /// Everything logged so far.
    var logText: String { lines.text.withLock { $0 } }

    /// What `body` finds, run on the tracker's thread; nil if that takes 10 s.
    func inspect<T: Sendable>(_ body: @escaping @Sendable (TrackerService) -> T) -> T? {
        let found = Found<T>()
        node.submit { node in
            let value = body(node.service)
            found.value.withLock { $0 = value }
            found.done.signal()
        }
        guard found.done.wait(timeout: .now() + 10) == .success else { return nil }
        return found.value.withLock { $0 }
    }

    /// Has it serve a connection as if it came from `address`; the descriptor is the tracker's then.
    func submitAdoption(of descriptor: Int32, from address: SocketAddress) {
        node.submit { $0.server.accept(AcceptedSocket(taking: descriptor, from: address)) }
    }

    private final class Found<T: Sendable>: Sendable {
        let value = Mutex<T?>(nil)
        let done = DispatchSemaphore(value: 0)
    }

    func connect() throws -> TestClient { try TestClient(port: port) }

    /// Creates the account and logs in.
    func member(_ user: String, peerPort: UInt16 = 5000) throws -> TestMember {
        let client = try connect()
        let account = CreateUserRequest(userID: user, password: "password of \(user)")
        _ = try client.call(.post, "/api/v1/users", body: account)
        return try logIn(user, peerPort: peerPort)
    }

    func logIn(_ user: String, peerPort: UInt16 = 5000) throws -> TestMember {
        let client = try connect()
        let peerID = try #require(PeerID(Array("-MT0100-\(peerPort)00000000".utf8.prefix(20))))
        let login = LoginRequest(
            userID: user, password: "password of \(user)", port: peerPort, peerID: peerID)
        let answer = try client.call(.post, "/api/v1/sessions", body: login)
        let session = try answer.decode(LoginResponse.self, status: 201)
        return TestMember(tracker: self, client: client, session: session)
    }
}

/// A logged-in user with a connection.
final class TestMember {
    let tracker: RunningTracker
    let client: TestClient
    let session: LoginResponse

    init(tracker: RunningTracker, client: TestClient, session: LoginResponse) {
        self.tracker = tracker
        self.client = client
        self.session = session
    }

    func call(
        _ method: HTTPMethod, _ path: String, _ body: (any Encodable)? = nil
    ) throws -> TestAnswer {
        try client.call(method, "/api/v1" + path, token: session.token, body: body)
    }

    func createGroup(_ group: String) throws {
        let request = CreateGroupRequest(groupID: group, kind: .open)
        #expect(try call(.post, "/groups", request).status == 201)
    }

    /// Joins a group of another member.
    func join(_ group: String, of owner: TestMember) throws {
        #expect(try call(.post, "/groups/\(group)/requests").status == 202)
        let path = "/groups/\(group)/members/\(session.userID)"
        #expect(try owner.call(.put, path).status == 204)
    }

    /// The info dictionary of a file of 40,000 bytes: three pieces.
    func info(
        _ name: String, in group: String, seed: UInt8 = 0, isPrivate: Bool = true
    ) throws -> Info {
        try Info(
            name: name, length: 40_000, pieceLength: 16_384,
            pieces: [UInt8](repeating: seed, count: 60), isPrivate: isPrivate,
            sha1: SHA1Hasher.hash([seed]), source: "\(session.networkID)/\(group)")
    }

    /// The info dictionary of a directory of three files with 20,001 bytes, and of a pad.
    func directory(
        _ name: String, in group: String, sha1: SHA1Digest? = SHA1Hasher.hash([])
    ) throws -> Info {
        let files = [("a/small", 1), ("b", 20_000), ("empty", 0)].map { path, length in
            Info.File(
                path: path.split(separator: "/").map(String.init), length: Int64(length),
                sha1: sha1)
        }
        return try Info(
            name: name, files: Info.layout(of: files, pieceLength: 16_384), pieceLength: 16_384,
            pieces: [UInt8](repeating: 1, count: 60), isPrivate: true,
            source: "\(session.networkID)/\(group)")
    }

    @discardableResult func addFile(
        _ name: String, to group: String, seed: UInt8 = 0
    ) throws -> InfoHash {
        let info = try info(name, in: group, seed: seed)
        let answer = try call(
            .post, "/groups/\(group)/files", AddFileRequest(info: Base64Bytes(info.encoded)))
        #expect([200, 201].contains(answer.status))
        return info.infoHash
    }

    func events() throws -> TestEventStream {
        try TestEventStream(port: tracker.port, token: session.token)
    }

    /// Announces with this member's passkey.
    func announce(
        _ infoHash: InfoHash, left: UInt64 = 0, event: AnnounceRequest.Event = .none,
        port: UInt16? = nil, compact: Bool = true
    ) throws -> AnnounceResponse {
        try client.announce(
            infoHash, passkey: session.passkey, left: left, event: event, port: port ?? 5000,
            compact: compact)
    }
}
