import COpenSSL

/// Why a key or certificate can't be used, or made.
package struct CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    /// What was being done, with OpenSSL's last error, which is forgotten.
    init(openSSL what: String) {
        let reason = ERR_reason_error_string(ERR_peek_last_error())
        ERR_clear_error()
        self.init(reason.map { "\(what): \(String(cString: $0))" } ?? what)
    }
}
