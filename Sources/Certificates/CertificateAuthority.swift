import COpenSSL

/// Who signs certificates: a key, and a certificate of its own that says so.
package struct CertificateAuthority: Sendable {
    package let certificate: Certificate
    private let key: PrivateKey

    /// Makes one.
    package init(name: String, days: Int) throws(CertificateError) {
        let key = try PrivateKey()
        self.key = key
        certificate = try Certificate.make(name: name) { (pointer) throws(CertificateError) in
            X509_set_issuer_name(pointer, X509_get_subject_name(pointer)) == 1
                && X509_set_pubkey(pointer, key.pointer) == 1
                && X509_gmtime_adj(X509_getm_notBefore(pointer), -3600) != nil
                && X509_gmtime_adj(X509_getm_notAfter(pointer), days * 86_400) != nil
                && Certificate.add(
                    NID_basic_constraints, "critical,CA:TRUE,pathlen:0", to: pointer)
                && Certificate.add(NID_key_usage, "critical,keyCertSign", to: pointer)
                && X509_sign(pointer, key.pointer, EVP_sha256()) > 0
        }
    }

    /// One that was made before.
    package init(certificate: Certificate, key: PrivateKey) throws(CertificateError) {
        guard X509_check_private_key(certificate.pointer, key.pointer) == 1 else {
            throw CertificateError(openSSL: "the authority's key isn't its certificate's")
        }
        self.certificate = certificate
        self.key = key
    }

    /// The key, for who keeps the authority.
    package func keyPEM() throws(CertificateError) -> [UInt8] { try key.pem() }

    /// Signs a certificate.
    /// - Parameters:
    ///   - name: the subject's common name.
    ///   - hosts: its alternative names, of the kind DNS.
    ///   - seconds: from when to when it counts, from now on.
    package func sign(
        _ request: CertificateRequest, name: String, hosts: [String], seconds: Range<Int>
    ) throws(CertificateError) -> Certificate {
        let (key, issuer) = (key, certificate)
        let hosts = hosts.map { "DNS:\($0)" }.joined(separator: ",")
        return try Certificate.make(name: name) { (pointer) throws(CertificateError) in
            X509_set_issuer_name(pointer, X509_get_subject_name(issuer.pointer)) == 1
                && X509_set_pubkey(pointer, request.publicKey) == 1
                && X509_gmtime_adj(X509_getm_notBefore(pointer), seconds.lowerBound) != nil
                && X509_gmtime_adj(X509_getm_notAfter(pointer), seconds.upperBound) != nil
                && Certificate.add(NID_basic_constraints, "critical,CA:FALSE", to: pointer)
                && Certificate.add(NID_subject_alt_name, hosts, to: pointer)
                && X509_sign(pointer, key.pointer, EVP_sha256()) > 0
        }
    }
}
