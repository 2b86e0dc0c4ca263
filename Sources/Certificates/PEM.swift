import COpenSSL

/// OpenSSL's files in memory.
enum PEM {
    /// What `body` writes, which answers 1 for success.
    static func write(
        _ what: String, _ body: (OpaquePointer) -> Int32
    ) throws(CertificateError) -> [UInt8] {
        guard let file = BIO_new(BIO_s_mem()) else { throw CertificateError(openSSL: what) }
        defer { BIO_free(file) }
        guard body(file) == 1 else { throw CertificateError(openSSL: what) }
        var bytes: UnsafeMutablePointer<CChar>?
        let count = shim_bio_bytes(file, &bytes)
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// What `body` makes of the bytes.
    static func read(
        _ pem: [UInt8], _ what: String, _ body: (OpaquePointer) -> OpaquePointer?
    ) throws(CertificateError) -> OpaquePointer {
        let object = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let file = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
                return nil
            }
            defer { BIO_free(file) }
            return body(file)
        }
        guard let object else { throw CertificateError(openSSL: what) }
        return object
    }
}
