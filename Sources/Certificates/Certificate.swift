import COpenSSL

/// An X.509 certificate.
package final class Certificate: @unchecked Sendable {
    /// Not changed once it is made.
    let pointer: OpaquePointer

    init(taking pointer: OpaquePointer) { self.pointer = pointer }

    /// Reads the first one of a PEM file.
    package init(pem: [UInt8]) throws(CertificateError) {
        pointer = try PEM.read(pem, "not a certificate") { file in
            PEM_read_bio_X509(file, nil, nil, nil)
        }
    }

    package init(der: [UInt8]) throws(CertificateError) {
        let pointer = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var start = bytes.baseAddress
            return d2i_X509(nil, &start, bytes.count)
        }
        guard let pointer else { throw CertificateError(openSSL: "not a certificate") }
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    /// The subject's, where it has one.
    package var commonName: String? {
        guard let name = X509_get_subject_name(pointer) else { return nil }
        var text = [CChar](repeating: 0, count: 256)
        let count = X509_NAME_get_text_by_NID(name, NID_commonName, &text, Int32(text.count))
        guard count > 0 else { return nil }
        return String(
            decoding: text.prefix(Int(count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Whether this is one of its alternative names of the kind DNS, letter by letter.
    package func names(host: String) -> Bool { shim_names_host(pointer, host) == 1 }

    /// How long it counts yet; negative: it has expired.
    package var secondsLeft: Int {
        var (days, seconds): (Int32, Int32) = (0, 0)
        guard ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(pointer)) == 1 else {
            return -1
        }
        return Int(days) * 86_400 + Int(seconds)
    }

    package func pem() throws(CertificateError) -> [UInt8] {
        try PEM.write("the certificate can't be written") { PEM_write_bio_X509($0, pointer) }
    }

    /// SHA-256 of the certificate's DER as 64 lowercase hex digits, as browsers and
    /// `openssl x509 -fingerprint -sha256` show it but for the colons.
    package var fingerprint: String {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(pointer, &bytes)
        guard count > 0, let bytes else { preconditionFailure("a certificate without a form") }
        defer { CRYPTO_free(bytes, #file, #line) }
        return Self.fingerprint(der: Array(UnsafeBufferPointer(start: bytes, count: Int(count))))
    }

    package static func fingerprint(der: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        SHA256(der, der.count, &digest)
        let digits = Array("0123456789abcdef".utf8)
        let hex = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: hex, as: UTF8.self)
    }
}
