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
    private let chooser: Chooser?

    /// - Parameters:
    ///   - identity: nil for a client without a certificate.
    ///   - authorities: PEM; only ends with a certificate that one of them has signed are taken. Nil:
    ///     all are, with or without.
    package init(
        _ role: Role, presenting identity: TLSIdentity? = nil, trusting authorities: [UInt8]? = nil
    ) throws(TLSError) {
        guard let pointer = ctls_context_create(role == .server ? 1 : 0) else {
            throw .other("OpenSSL can't do TLS 1.3")
        }
        self.role = role
        self.pointer = pointer
        chooser = nil
        if let authorities {
            let isTaken = authorities.withUnsafeBytes {
                ctls_context_trust(pointer, $0.baseAddress, $0.count)
            }
            if isTaken == 0 { throw .other(String(cString: ctls_last_error())) }
        }
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

    /// A server that is several: `choose` gives the context for the name that a client asks for, nil
    /// where there is none. Called on the thread of the stream.
    package init(choosing choose: @escaping (String) -> TLSContext?) throws(TLSError) {
        guard let pointer = ctls_context_create(1) else {
            throw .other("OpenSSL can't do TLS 1.3")
        }
        role = .server
        self.pointer = pointer
        let chooser = Chooser(choose)
        self.chooser = chooser
        ctls_context_set_chooser(
            pointer,
            { user, name in
                guard let user, let name else { return nil }
                let chooser = Unmanaged<Chooser>.fromOpaque(user).takeUnretainedValue()
                return chooser.context(for: String(cString: name))?.pointer
            }, Unmanaged.passUnretained(chooser).toOpaque())
    }

    private final class Chooser {
        private let choose: (String) -> TLSContext?
        /// Held until the session that it is for has taken it over.
        private var last: TLSContext?

        init(_ choose: @escaping (String) -> TLSContext?) { self.choose = choose }

        func context(for name: String) -> TLSContext? {
            last = choose(name)
            return last
        }
    }

    deinit { ctls_context_destroy(pointer) }
}
