import CTLS

/// Whether the kernel encrypts what TLS sends, tls(4)'s "TCP_ULP", so that ranges of files go out
/// without a copy by this program (SSL_sendfile(3)). Tried once, by a handshake with itself.
package enum KernelTLS {
    private static let probe = ctls_probe_kernel()

    package static var isOffered: Bool { probe == ctls_kernel_offered }

    /// What there is, for people: `OpenSSL 3.0.11, kernel TLS: used`.
    package static var summary: String {
        let kernel =
            switch probe {
            case ctls_kernel_offered: "used"
            case ctls_kernel_not_in_library: "not offered by this OpenSSL"
            default: "not offered by this kernel"
            }
        return "OpenSSL \(String(cString: ctls_library())), kernel TLS: \(kernel)"
    }
}
