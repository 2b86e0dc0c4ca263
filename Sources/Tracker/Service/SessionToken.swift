import COpenSSL
import TrackerCore
import Wire

/// The secret that a session's calls carry: 256 random bits, as 64 hex digits. The store knows
/// its SHA-256 only.
struct SessionToken {
    let text: String
    let id: SessionID

    /// A new token.
    init() {
        let bytes = Randomness.bytes(32)
        text = Hex.encode(bytes)
        id = SessionToken.id(of: bytes)
    }

    /// The id of the session whose token this is; nil for what can't be a token.
    static func id(ofText text: some StringProtocol) -> SessionID? {
        guard text.utf8.count == 64, let bytes = Hex.decode(text) else { return nil }
        return id(of: bytes)
    }

    private static func id(of bytes: [UInt8]) -> SessionID {
        let digest = [UInt8](unsafeUninitializedCapacity: 32) { output, count in
            let status = EVP_Digest(bytes, bytes.count, output.baseAddress, nil, EVP_sha256(), nil)
            precondition(status == 1, "EVP_Digest")
            count = 32
        }
        guard let id = SessionID(digest) else { preconditionFailure("SHA-256 has 32 bytes") }
        return id
    }
}
