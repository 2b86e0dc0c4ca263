import COpenSSL

/// Keeps secrets from who reads a database: AES-256-GCM under a key that is elsewhere.
package struct SecretBox: Sendable {
    private let key: [UInt8]

    package static let keyLength = 32
    private static let nonceLength = 12
    private static let tagLength = 16

    /// - Parameter key: 32 bytes that nobody guesses.
    package init(key: [UInt8]) {
        precondition(key.count == Self.keyLength, "a key of AES-256 has 32 bytes")
        self.key = key
    }

    /// The bytes encrypted, with what it takes to notice every change of them and of the label.
    /// - Parameter label: what they are, so that one secret isn't taken for another.
    package func seal(_ bytes: [UInt8], label: String) throws(CertificateError) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: Self.nonceLength)
        guard RAND_bytes(&nonce, Int32(nonce.count)) == 1 else {
            throw CertificateError(openSSL: "there are no random bytes")
        }
        var sealed = [UInt8](repeating: 0, count: bytes.count)
        var tag = [UInt8](repeating: 0, count: Self.tagLength)
        let isSealed = withContext { context in
            var count: Int32 = 0
            let label = Array(label.utf8)
            return EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1
                && EVP_EncryptUpdate(context, nil, &count, label, Int32(label.count)) == 1
                && EVP_EncryptUpdate(context, &sealed, &count, bytes, Int32(bytes.count)) == 1
                && EVP_EncryptFinal_ex(context, &tag, &count) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1
        }
        guard isSealed else { throw CertificateError(openSSL: "a secret can't be sealed") }
        return nonce + sealed + tag
    }

    /// The bytes as they were; throws where the key, the label or a bit is another.
    package func open(_ sealed: [UInt8], label: String) throws(CertificateError) -> [UInt8] {
        let overhead = Self.nonceLength + Self.tagLength
        guard sealed.count >= overhead else {
            throw CertificateError("a sealed secret is too short")
        }
        let nonce = Array(sealed.prefix(Self.nonceLength))
        var tag = Array(sealed.suffix(Self.tagLength))
        let body = Array(sealed.dropFirst(Self.nonceLength).dropLast(Self.tagLength))
        var bytes = [UInt8](repeating: 0, count: body.count)
        let isOpen = withContext { context in
            var count: Int32 = 0
            var rest: UInt8 = 0
            let label = Array(label.utf8)
            return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce) == 1
                && EVP_DecryptUpdate(context, nil, &count, label, Int32(label.count)) == 1
                && EVP_DecryptUpdate(context, &bytes, &count, body, Int32(body.count)) == 1
                && EVP_CIPHER_CTX_ctrl(
                    context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
                && EVP_DecryptFinal_ex(context, &rest, &count) == 1
        }
        ERR_clear_error()
        guard isOpen else {
            throw CertificateError("a sealed secret doesn't open with this key")
        }
        return bytes
    }

    private func withContext(_ body: (OpaquePointer) -> Bool) -> Bool {
        guard let context = EVP_CIPHER_CTX_new() else { return false }
        defer { EVP_CIPHER_CTX_free(context) }
        return body(context)
    }
}
