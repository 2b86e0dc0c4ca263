import CTLS

/// Memory in which a loop's streams encrypt and decrypt, one after the other.
final class TLSScratch {
    /// What has been received, encrypted.
    let received: UnsafeMutableRawBufferPointer
    /// What is to be encrypted.
    let plain: UnsafeMutableRawBufferPointer
    /// What has been encrypted; empty between two streams.
    let records: UnsafeMutablePointer<ctls_buffer>

    /// Bytes that are encrypted together, and sent by one call: more are no cheaper, and less stay
    /// in the processor's cache.
    static let largestBatch = 256 << 10

    /// - Parameter readSize: of the buffer into which is decrypted. What a session keeps of a record
    ///   that isn't whole fits in behind what comes next.
    init(readSize: Int) {
        received = .allocate(byteCount: readSize - 32 << 10, alignment: 64)
        plain = .allocate(byteCount: Self.largestBatch, alignment: 4096)
        records = .allocate(capacity: 1)
        records.initialize(to: ctls_buffer())
    }

    deinit {
        received.deallocate()
        plain.deallocate()
        ctls_buffer_clear(records, 0)
        records.deallocate()
    }
}
