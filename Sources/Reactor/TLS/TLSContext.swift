import CTLS

/// A certificate and its private key, to be shown to the other end.
package struct TLSIdentity: Sendable {
    /// PEM: the certificate, then those that lead from it to the root, if any.
    package let certificates: [UInt8]
    /// PEM, without a password.
    package let key: [UInt8]

    package init(certificates: [UInt8], key: [UInt8]) {
        self.certificates = certificates
        self.key = key
    }
}

/// How this end takes part in TLS 1.3, the only version it speaks; shared by sessions and threads.
///
/// No session is resumed: each proves itself by its certificate.
package final class TLSContext: @unchecked Sendable {
    package enum Role: Sendable {
        case client
        case server
    }

    package let role: Role
    /// Not changed once it is made, which is what OpenSSL asks of who shares it.
    let pointer: OpaquePointer

    /// - Parameter identity: nil for a client without a certificate.
    package init(_ role: Role, presenting identity: TLSIdentity? = nil) throws(TLSError) {
        guard let pointer = ctls_context_create(role == .server ? 1 : 0) else {
            throw .other("OpenSSL can't do TLS 1.3")
        }
        self.role = role
        self.pointer = pointer
        guard let identity else { return }
        let isTaken = identity.certificates.withUnsafeBytes { certificates in
            identity.key.withUnsafeBytes { key in
                ctls_context_present(
                    pointer, certificates.baseAddress, certificates.count, key.baseAddress,
                    key.count)
            }
        }
        // What was made is undone by `deinit`, since every property is set.
        if isTaken == 0 { throw .other(String(cString: ctls_last_error())) }
    }

    deinit { ctls_context_destroy(pointer) }
}
