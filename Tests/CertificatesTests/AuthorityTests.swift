import Certificates
import Testing

@Suite struct AuthorityTests {
    private func sign(
        _ authority: CertificateAuthority, seconds: Range<Int> = -60..<600
    ) throws -> Certificate {
        try authority.sign(
            CertificateRequest(key: PrivateKey()), name: "ann", hosts: ["*", "book.bin"],
            seconds: seconds)
    }

    @Test func `a certificate has the name, the hosts and the time that were asked for`() throws {
        let authority = try CertificateAuthority(name: "group", days: 1)
        let certificate = try sign(authority)
        #expect(certificate.commonName == "ann")
        #expect(certificate.names(host: "*") && certificate.names(host: "book.bin"))
        #expect(!certificate.names(host: "book") && !certificate.names(host: "book.bin2"))
        #expect((500...600).contains(certificate.secondsLeft))
        #expect(try sign(authority, seconds: -60..<(-1)).secondsLeft < 0)
    }

    @Test func `an authority is kept by its certificate and key`() throws {
        let authority = try CertificateAuthority(name: "group", days: 1)
        let certificate = try Certificate(pem: authority.certificate.pem())
        _ = try CertificateAuthority(
            certificate: certificate, key: PrivateKey(pem: authority.keyPEM()))
        #expect(throws: CertificateError.self) {
            try CertificateAuthority(certificate: certificate, key: PrivateKey())
        }
    }

    @Test func `a request is read as it was written, and no other kind of text`() throws {
        let request = try CertificateRequest(key: PrivateKey()).pem()
        #expect(try CertificateRequest(pem: request).pem() == request)
        #expect(throws: CertificateError.self) { try CertificateRequest(pem: [1, 2, 3]) }
        // A bit of the signature is another.
        var lines = String(decoding: request, as: UTF8.self).split(separator: "\n")
        let last = lines.count - 2
        lines[last] = lines[last - 1].prefix(4) + lines[last].dropFirst(4)
        let changed = Array((lines.joined(separator: "\n") + "\n").utf8)
        #expect(throws: CertificateError.self) { try CertificateRequest(pem: changed) }
    }

    @Test func `a secret opens with its key and label, as it was sealed`() throws {
        let box = SecretBox(key: [UInt8](repeating: 7, count: 32))
        let secret = Array("the key".utf8)
        let sealed = try box.seal(secret, label: "readers")
        #expect(try box.open(sealed, label: "readers") == secret)
        #expect(try box.seal(secret, label: "readers") != sealed)
        #expect(throws: CertificateError.self) { try box.open(sealed, label: "writers") }
        let other = SecretBox(key: [UInt8](repeating: 8, count: 32))
        #expect(throws: CertificateError.self) { try other.open(sealed, label: "readers") }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: CertificateError.self) { try box.open(changed, label: "readers") }
        }
        for count in sealed.indices {
            let cut = Array(sealed.prefix(count))
            #expect(throws: CertificateError.self) { try box.open(cut, label: "readers") }
        }
        #expect(try box.open(box.seal([], label: ""), label: "") == [])
    }
}
