import Certificates
import Foundation
import Glibc
import Reactor
import Testing
import Wire

@testable import Tracker

@Suite struct TrackerTLSTests {
    @Test func `curl speaks TLS with the tracker, and HTTP on the same port`() throws {
        let tracker = try RunningTracker()
        let answer = try curl(["--insecure", "https://127.0.0.1:\(tracker.port)/healthz"])
        #expect(answer == "ok\n")
        #expect(try tracker.connect().call(.get, "/healthz").status == 200)
    }

    @Test func `its certificate is made once, kept, and for its owner alone`() throws {
        let folder = try TemporaryFolder()
        let first = try RunningTracker(folder: folder)
        let path = folder.path + "/tracker.pem"
        let pem = try Data(contentsOf: URL(fileURLWithPath: path))
        let fingerprint = try Certificate(pem: Array(pem)).fingerprint
        // It is listening before it says what it does.
        first.stop()
        #expect(first.logText.contains("sha256:\(fingerprint)"))
        let second = try RunningTracker(folder: folder)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == pem)
        second.stop()
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test func `an operator's own certificate is shown`() throws {
        let folder = try TemporaryFolder()
        let key = try PrivateKey()
        let certificate = try Certificate.selfSigned(name: "own", key: key, days: 1)
        let files = TrackerCertificate.Files(
            certificate: folder.path + "/own.crt", key: folder.path + "/own.key")
        try Data(certificate.pem()).write(to: URL(fileURLWithPath: files.certificate))
        try Data(key.pem()).write(to: URL(fileURLWithPath: files.key))
        #expect(try TrackerCertificate(files).pin == "sha256:\(certificate.fingerprint)")
    }

    @Test func `a certificate that can't be used is refused with its file and the cause`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/own.pem"
        let files = TrackerCertificate.Files(certificate: path, key: path)
        #expect(throws: StartError("\(path): No such file or directory")) {
            try TrackerCertificate(files)
        }
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: StartError.self) { try TrackerCertificate(files) }
        #expect(error?.description.contains("\(path): not a certificate with its key") == true)
    }

    @Test func `passwords and sessions from elsewhere are taken over TLS only`() throws {
        let tracker = try RunningTracker()
        let paths = ["/api/v1/users", "/api/v1/sessions", "/api/v1/passkey"]
        for path in paths {
            let answer = try ask(tracker, "POST \(path)", from: elsewhere)
            #expect(answer.contains("403") && answer.contains("tls_required"), "\(answer)")
        }
        #expect(try ask(tracker, "GET /api/v1/events", from: elsewhere).contains("tls_required"))
        // What has no secret is answered, and so is all from this machine.
        #expect(try ask(tracker, "GET /api/v1/network", from: elsewhere).contains("200 OK"))
        #expect(try ask(tracker, "POST /api/v1/users", from: here).contains("invalid_request"))
    }

    @Test func `a careless operator may have them in the clear`() throws {
        let tracker = try RunningTracker { $0.takesSecretsInClear = true }
        let answer = try ask(tracker, "POST /api/v1/users", from: elsewhere)
        #expect(answer.contains("invalid_request"))
    }

    @Test func `the administrator's token is taken from elsewhere over TLS only`() throws {
        let header = "Authorization: Bearer 0123456789abcdef"
        let tracker = try RunningTracker { $0.administratorToken = "0123456789abcdef" }
        let refused = try ask(tracker, "GET /metrics", from: elsewhere, header)
        #expect(refused.contains("403") && refused.contains("tls_required"), "\(refused)")
        let stranger = try ask(tracker, "GET /metrics", from: elsewhere)
        #expect(stranger.contains("administrator_only"))
        #expect(try ask(tracker, "GET /metrics", from: here, header).contains("200 OK"))
        let careless = try RunningTracker {
            $0.administratorToken = "0123456789abcdef"
            $0.takesSecretsInClear = true
        }
        #expect(try ask(careless, "GET /metrics", from: elsewhere, header).contains("200 OK"))
    }

    /// A side reactor answers the announce, and gives the connection away with the next request.
    @Test func `TLS is answered whichever reactor takes the connection`() throws {
        let tracker = try RunningTracker { $0.reactors = 3 }
        let address = "https://127.0.0.1:\(tracker.port)"
        let announce = AnnounceRequest(
            infoHash: InfoHash(SHA1Hasher.hash([1])),
            peerID: try #require(PeerID(Array("-XX0000-000000000000".utf8))), port: 5, left: 0)
        for _ in 0..<12 {
            let answer = try curl([
                "--insecure", "\(address)/announce?\(announce.query())", "\(address)/healthz",
                "\(address)/api/v1/network", "\(address)/healthz", "--write-out",
                "[%{num_connects}]",
            ])
            #expect(answer.hasPrefix("d8:complete"), "\(answer)")
            #expect(answer.contains("[1]ok\n[0]{") && answer.hasSuffix("}[0]ok\n[0]"), "\(answer)")
        }
        tracker.stop()
    }

    /// Also of one that another reactor has given away.
    @Test func `what looks like TLS in the middle of a connection is no request`() throws {
        let tracker = try RunningTracker { $0.reactors = 3 }
        for _ in 0..<12 {
            let client = try tracker.connect()
            #expect(try client.call(.get, "/healthz").status == 200)
            try client.send([0x16, 3, 1, 0, 4] + Array("\r\n\r\n".utf8))
            #expect(try client.answer().status == 400)
        }
        tracker.stop()
    }

    private let elsewhere = SocketAddress(ipv4: 0xC000_0207, port: 4000)
    private let here = SocketAddress.loopback(port: 4000)

    /// What is answered to a request that came from this address, as far as the tracker knows.
    private func ask(
        _ tracker: RunningTracker, _ request: String, from address: SocketAddress,
        _ header: String = "Accept: */*"
    ) throws -> String {
        var ends: [Int32] = [0, 0]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { close(ends[0]) }
        let flags = fcntl(ends[1], F_GETFL)
        try #require(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK) == 0)
        let lines = [
            "\(request) HTTP/1.1", "Host: x", header, "Content-Length: 0", "Connection: close",
        ]
        let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        try #require(send(ends[0], bytes, bytes.count, 0) == bytes.count)
        let server = ends[1]
        tracker.submitAdoption(of: server, from: address)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(ends[0], &buffer, buffer.count, 0)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }

    private func curl(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl", "--silent", "--max-time", "20"] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self)
    }
}
