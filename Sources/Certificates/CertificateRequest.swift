import COpenSSL

/// A wish for a certificate, signed with the key that it is to be for (PKCS #10).
package final class CertificateRequest: @unchecked Sendable {
    /// Not changed once it is made.
    let pointer: OpaquePointer

    /// Asks for one of `key`; the name is for who signs to choose.
    package init(key: PrivateKey) throws(CertificateError) {
        guard let pointer = X509_REQ_new() else {
            throw CertificateError(openSSL: "a certificate can't be asked for")
        }
        self.pointer = pointer
        guard X509_REQ_set_pubkey(pointer, key.pointer) == 1,
            X509_REQ_sign(pointer, key.pointer, EVP_sha256()) > 0
        else { throw CertificateError(openSSL: "a certificate can't be asked for") }
    }

    /// Reads one, and checks that who made it has the key.
    package init(pem: [UInt8]) throws(CertificateError) {
        pointer = try PEM.read(pem, "not a request for a certificate") { file in
            PEM_read_bio_X509_REQ(file, nil, nil, nil)
        }
        let key = X509_REQ_get0_pubkey(pointer)
        guard EVP_PKEY_is_a(key, "EC") == 1, EVP_PKEY_get_bits(key) == 256,
            X509_REQ_verify(pointer, key) == 1
        else {
            throw CertificateError("the request isn't signed with its key, or that isn't on P-256")
        }
    }

    deinit { X509_REQ_free(pointer) }

    package func pem() throws(CertificateError) -> [UInt8] {
        try PEM.write("the request can't be written") { PEM_write_bio_X509_REQ($0, pointer) }
    }

    var publicKey: OpaquePointer? { X509_REQ_get0_pubkey(pointer) }
}
