import COpenSSL

/// Incremental SHA-1 by OpenSSL. One thread at a time may use a hasher; it may be any thread.
package struct SHA1Hasher: ~Copyable, @unchecked Sendable {
    private let context: OpaquePointer

    package init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        restart()
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// Takes further bytes of the message.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        let status = EVP_DigestUpdate(context, base, bytes.count)
        precondition(status == 1, "EVP_DigestUpdate")
    }

    /// Takes further bytes of the message.
    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of everything taken; afterwards the hasher starts over with an empty message.
    package mutating func finalize() -> SHA1Digest {
        let digest = withUnsafeTemporaryAllocation(byteCount: 20, alignment: 8) { output in
            let status = EVP_DigestFinal_ex(
                context, output.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
            precondition(status == 1, "EVP_DigestFinal_ex")
            return SHA1Digest(loading: UnsafeRawBufferPointer(output))
        }
        restart()
        return digest
    }

    /// The digest of one whole message.
    package static func hash(_ bytes: UnsafeRawBufferPointer) -> SHA1Digest {
        var hasher = SHA1Hasher()
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// The digest of one whole message.
    package static func hash(_ bytes: [UInt8]) -> SHA1Digest {
        bytes.withUnsafeBytes { hash($0) }
    }

    private func restart() {
        let status = EVP_DigestInit_ex(context, Self.algorithm, nil)
        precondition(status == 1, "SHA-1 is not available in this OpenSSL")
    }

    // Fetched once: an implicit fetch at each start costs more than hashing a small message.
    // OpenSSL's method objects are immutable and shared by threads.
    nonisolated(unsafe) private static let algorithm: OpaquePointer? =
        EVP_MD_fetch(nil, "SHA1", nil)
}
