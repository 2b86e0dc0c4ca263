import Certificates
import Glibc
import Logging
import Reactor
import Testing
import Wire

@testable import Peer

struct TrackerTrustTests {
    private let quiet = Logger(level: .error, sink: LogSink { _ in })
    private let scratch = ScratchDirectory()
    private let turning: LoopUnderTest
    private let tracker: FakeTracker
    private let certificate: Certificate

    init() throws {
        turning = try LoopUnderTest()
        tracker = try FakeTracker(turning.loop)
        let key = try PrivateKey()
        certificate = try Certificate.selfSigned(name: "tracker", key: key, days: 1)
        tracker.tls = try TLSContext(
            .server,
            presenting: TLSIdentity(certificates: certificate.pem(), key: key.pem()))
        tracker.answer = { _ in .json(#"{"groups":[]}"#) }
    }

    private func known() throws -> (KnownTrackers, WorkerPool) {
        let worker = try WorkerPool(loop: turning.loop, threads: 1)
        return (try KnownTrackers(directory: scratch.path, worker: worker), worker)
    }

    private func trust(_ pin: String?, isInsecure: Bool = false) throws -> TrackerTrust {
        try TrackerTrust(
            pins: pin.map { [tracker.endpoint: $0] } ?? [:], isInsecure: isInsecure,
            known: known().0, logger: quiet)
    }

    private func listGroups(_ trust: TrackerTrust) -> Result<GroupList, TrackerError>? {
        let client = TrackerClient(
            loop: turning.loop, trackers: [tracker.endpoint], trust: trust, logger: quiet)
        client.token = "secret"
        var answer: Result<GroupList, TrackerError>?
        client.groups { answer = $0 }
        _ = turning.run { answer != nil }
        return answer
    }

    @Test(arguments: [false, true])
    func `a tracker whose certificate the list names is spoken to over TLS`(
        isInsecure: Bool
    ) throws {
        let answer = listGroups(try trust(certificate.fingerprint, isInsecure: isInsecure))
        #expect(try answer?.get().groups.isEmpty == true)
        #expect(tracker.secureCount == 1)
    }

    @Test func `one with another certificate is told nothing, and the user why`() throws {
        let pin = String(repeating: "0", count: 64)
        guard case .failure(.untrusted(let endpoint, let words)) = listGroups(try trust(pin))
        else { return #expect(Bool(false), "it was trusted") }
        #expect(endpoint == tracker.endpoint)
        #expect(words.contains("sha256:\(pin)"))
        #expect(words.contains("sha256:\(certificate.fingerprint)"))
        #expect(tracker.heard.isEmpty)
    }

    @Test func `one without TLS is told nothing, and the user why`() throws {
        tracker.tls = nil
        guard case .failure(let error) = listGroups(try trust(certificate.fingerprint))
        else { return #expect(Bool(false), "it was trusted") }
        #expect("\(error)".hasPrefix("tracker \(tracker.endpoint): it doesn't speak TLS"))
        #expect(tracker.heard.isEmpty)
    }

    @Test func `on this machine TLS isn't needed`() throws {
        tracker.tls = nil
        #expect(try listGroups(try trust(nil))?.get().groups.isEmpty == true)
    }

    @Test func `a certificate is remembered at first, and another one refused`() throws {
        let far = try #require(Endpoint("192.0.2.1:6969"))
        let (first, second) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
        let (known, worker) = try known()
        let trust = try TrackerTrust(
            pins: [:], isInsecure: false, known: known, logger: quiet)
        #expect(trust.problem(with: first, of: far) == nil)
        #expect(trust.problem(with: first, of: far) == nil)
        worker.shutdown()
        // Another run of the program.
        let (again, _) = try self.known()
        #expect(again[far] == first)
        let later = try TrackerTrust(pins: [:], isInsecure: false, known: again, logger: quiet)
        let words = try #require(later.problem(with: second, of: far))
        #expect(words.contains("sha256:\(first)") && words.contains("sha256:\(second)"))
        #expect(words.contains(scratch.path + "/known_trackers"))
        var status = stat()
        #expect(stat(scratch.path + "/known_trackers", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func `a line of the file that can't be understood is named`() throws {
        let line = Array("# mine\n192.0.2.1:6969 sha256:zz\n".utf8)
        try MTorrentDisk.write(line, to: scratch.path + "/known_trackers")
        let error = #expect(throws: CommandError.self) { try known() }
        #expect(error?.description.contains("known_trackers: line 2") == true)
    }
}
