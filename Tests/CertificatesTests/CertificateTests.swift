import Certificates
import Foundation
import Testing

@Suite struct CertificateTests {
    @Test func `a key and a certificate are read as they were written`() throws {
        let key = try PrivateKey()
        let certificate = try Certificate.selfSigned(name: "a tracker", key: key, days: 1)
        #expect(try PrivateKey(pem: key.pem()).pem() == key.pem())
        let again = try Certificate(pem: certificate.pem())
        #expect(again.fingerprint == certificate.fingerprint)
        #expect(certificate.fingerprint.utf8.count == 64)
    }

    @Test func `every certificate has a fingerprint of its own`() throws {
        let key = try PrivateKey()
        let first = try Certificate.selfSigned(name: "a tracker", key: key, days: 1)
        let second = try Certificate.selfSigned(name: "a tracker", key: key, days: 1)
        #expect(first.fingerprint != second.fingerprint)
    }

    @Test func `what isn't PEM is refused with words`() {
        let error = #expect(throws: CertificateError.self) {
            try Certificate(pem: Array("no".utf8))
        }
        #expect(error?.description == "not a certificate: no start line")
        #expect(throws: CertificateError.self) { try PrivateKey(pem: Array("no".utf8)) }
    }

    /// Another program's view of it.
    @Test func `openssl verifies it, and shows the same fingerprint`() throws {
        let certificate = try Certificate.selfSigned(
            name: "a tracker", key: try PrivateKey(), days: 1)
        let path = NSTemporaryDirectory() + "certificate-\(UUID().uuidString).pem"
        try Data(certificate.pem()).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let fingerprint = try openSSL(
            ["x509", "-in", path, "-noout", "-fingerprint", "-sha256", "-subject"])
        let digits = fingerprint.replacingOccurrences(of: ":", with: "").lowercased()
        #expect(digits.contains(certificate.fingerprint))
        #expect(digits.contains("cn = a tracker"))
        #expect(try openSSL(["verify", "-CAfile", path, path]).contains("OK"))
    }

    private func openSSL(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }
}
