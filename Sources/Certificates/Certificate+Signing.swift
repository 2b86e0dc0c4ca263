import COpenSSL

extension Certificate {
    /// A certificate of `key` signed with that key itself: it proves nothing but that whoever shows
    /// it again is the same.
    /// - Parameters:
    ///   - name: the subject's and issuer's common name.
    ///   - days: how long it counts, from an hour ago on.
    package static func selfSigned(
        name: String, key: PrivateKey, days: Int
    ) throws(CertificateError) -> Certificate {
        try make(name: name) { pointer in
            X509_gmtime_adj(X509_getm_notBefore(pointer), -3600) != nil
                && X509_gmtime_adj(X509_getm_notAfter(pointer), days * 86_400) != nil
                && X509_set_issuer_name(pointer, X509_get_subject_name(pointer)) == 1
                && X509_set_pubkey(pointer, key.pointer) == 1
                && X509_sign(pointer, key.pointer, EVP_sha256()) > 0
        }
    }

    /// A certificate of this common name and a serial number of its own, completed by `body`, which
    /// says whether it could.
    static func make(
        name: String, _ body: (OpaquePointer) throws(CertificateError) -> Bool
    ) throws(CertificateError) -> Certificate {
        guard let pointer = X509_new() else {
            throw CertificateError(openSSL: "a certificate can't be made")
        }
        let certificate = Certificate(taking: pointer)
        let isMade =
            // Version 3.
            X509_set_version(pointer, 2) == 1
            && setSerialNumber(of: pointer)
            && add(commonName: name, to: X509_get_subject_name(pointer))
        guard isMade, try body(pointer) else {
            throw CertificateError(openSSL: "a certificate can't be made")
        }
        return certificate
    }

    /// Random, positive and of 126 bits: nobody has to remember which numbers were given.
    private static func setSerialNumber(of certificate: OpaquePointer) -> Bool {
        guard let number = BN_new() else { return false }
        defer { BN_free(number) }
        return BN_rand(number, 126, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1
            && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil
    }

    private static func add(commonName: String, to name: OpaquePointer?) -> Bool {
        let text = Array(commonName.utf8)
        return X509_NAME_add_entry_by_txt(
            name, "CN", MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1
    }

    /// Adds an extension, as openssl.cnf(5) writes it.
    static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) -> Bool {
        guard let made = X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
        defer { X509_EXTENSION_free(made) }
        return X509_add_ext(certificate, made, -1) == 1
    }
}
