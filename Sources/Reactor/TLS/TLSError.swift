/// Why there is no TLS, or none any more, with the other end.
package enum TLSError: Error, Hashable, Sendable {
    /// What came from the other end isn't TLS.
    case notTLS
    /// The other end ended the connection, and TLS, with these words of RFC 8446's alerts.
    case alert(String)
    /// The other end's certificate isn't taken: why.
    case certificate(String)
    /// No handshake in time.
    case handshakeTimedOut
    /// Too many handshakes at once, of its address or of all.
    case tooManyHandshakes
    /// The connection ended without TLS having ended before: something may be missing.
    case truncated
    /// More may not be sent under the keys of a connection that can't change them.
    case keysUsedUp
    /// OpenSSL's words.
    case other(String)
}

extension TLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notTLS: "the other end doesn't speak TLS"
        case .alert(let words): "the other end refused TLS: \(words)"
        case .certificate(let why): "the other end's certificate is refused: \(why)"
        case .handshakeTimedOut: "no TLS handshake in time"
        case .tooManyHandshakes: "too many TLS handshakes at once"
        case .truncated: "the connection broke off in the middle of TLS"
        case .keysUsedUp: "the connection has sent as much as its keys may encrypt"
        case .other(let words): "TLS failed: \(words)"
        }
    }
}
