import CTLS

/// What a handshake has told of the other end.
package struct TLSPeer {
    private let session: OpaquePointer

    init(session: OpaquePointer) { self.session = session }

    /// The certificate it has proved to have the key of, in DER; nil where it showed none.
    package var certificate: [UInt8]? {
        let length = ctls_session_certificate(session, nil, 0)
        if length == 0 { return nil }
        return [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            count = ctls_session_certificate(session, bytes.baseAddress, length)
        }
    }

    /// What the client has asked for by name.
    package var serverName: String? {
        ctls_session_server_name(session).map { String(cString: $0) }
    }

    /// `TLS_AES_128_GCM_SHA256`, say.
    package var cipher: String { String(cString: ctls_session_cipher(session)) }
}
