import COpenSSL

/// A key pair on the curve P-256.
package final class PrivateKey: @unchecked Sendable {
    /// Not changed once it is made.
    let pointer: OpaquePointer

    /// Makes a new one.
    package init() throws(CertificateError) {
        guard let pointer = shim_make_p256_key() else {
            throw CertificateError(openSSL: "a key pair can't be made")
        }
        self.pointer = pointer
    }

    /// Reads one without a password.
    package init(pem: [UInt8]) throws(CertificateError) {
        pointer = try PEM.read(pem, "not a private key") { file in
            // A key with a password would have OpenSSL ask for it on the terminal.
            PEM_read_bio_PrivateKey(file, nil, { _, _, _, _ in -1 }, nil)
        }
    }

    deinit { EVP_PKEY_free(pointer) }

    /// Without a password: whoever has it has the key.
    package func pem() throws(CertificateError) -> [UInt8] {
        try PEM.write("the key can't be written") {
            PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil)
        }
    }
}
