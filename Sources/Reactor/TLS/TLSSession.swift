import CTLS
import Glibc

/// TLS on one stream: the handshake, the keys, and records that the kernel hasn't taken yet.
final class TLSSession {
    enum ReadOutcome {
        case bytes(Int)
        /// All that was received is used up.
        case wantsInput
        /// The other end sends no more.
        case ended
        case failed(TLSError)
    }

    /// Says what is wrong with the other end, whose handshake is done; nil: nothing.
    typealias Check = (TLSPeer) -> String?

    private let pointer: OpaquePointer
    /// Held for its sessions, which refer to its certificate.
    private let context: TLSContext
    private let check: Check
    /// Among the handshakes that go on, where it counts.
    private var place: TLSHandshakes.Place?
    /// How long the handshake may take.
    let handshakeTime: Duration
    /// Received before TLS was asked for, and not looked at yet.
    var early: [UInt8]
    /// The handshake is done, and the other end checked.
    private(set) var isEstablished = false
    /// The other end has been told that no more will come.
    private(set) var hasSentEnd = false
    /// The kernel is to encrypt what is sent.
    let wantsKernel: Bool
    /// OpenSSL sends through the socket by itself.
    private var usesSocket = false
    /// The kernel encrypts what goes to the socket.
    private(set) var isInKernel = false
    /// OpenSSL waits for the socket to take more.
    private(set) var wantsRoom = false

    /// Records that the kernel refused, from `sentOfUnsent` on.
    private let unsent: UnsafeMutablePointer<ctls_buffer>
    private var sentOfUnsent = 0
    /// How much is encrypted together: as much as the kernel has lately taken, so that a slow reader
    /// doesn't keep the memory of a fast one.
    private(set) var batchSize = 64 << 10
    private var bytesUnderKeys = 0
    /// A key of AES-GCM is good for 2^24.5 records of 16 KiB (RFC 8446, section 5.5).
    var keyLimit = 128 << 30

    private static let smallestBatch = 32 << 10

    init(
        context: TLSContext, serverName: String? = nil, place: TLSHandshakes.Place? = nil,
        wantsKernel: Bool = false, handshakeTime: Duration, early: [UInt8], check: @escaping Check
    ) {
        guard let pointer = ctls_session_create(context.pointer) else {
            fatalError("no memory for a TLS session")
        }
        if let serverName { ctls_session_set_server_name(pointer, serverName) }
        self.pointer = pointer
        self.context = context
        self.place = place
        self.wantsKernel = wantsKernel
        self.handshakeTime = handshakeTime
        self.early = early
        self.check = check
        unsent = .allocate(capacity: 1)
        unsent.initialize(to: ctls_buffer())
    }

    deinit {
        ctls_session_destroy(pointer)
        ctls_buffer_clear(unsent, 0)
        unsent.deallocate()
    }

    var isClient: Bool { context.role == .client }

    var peer: TLSPeer { TLSPeer(session: pointer) }

    /// Gives back its place among the handshakes that go on.
    func endHandshake() { place = nil }

    // MARK: OpenSSL

    /// Before the handshake: what is sent shall be encrypted by the kernel, if that takes the keys.
    func useSocket(_ descriptor: Int32) {
        if usesSocket { return }
        guard ctls_session_use_socket(pointer, descriptor) != 0 else {
            fatalError("no memory for a TLS session")
        }
        usesSocket = true
    }

    /// How the socket is sent to by the kernel's keys.
    var fileSender: FileSender { FileSender(function: ctls_session_send_file, user: pointer) }

    /// Lets `body` encrypt into `scratch`, and decrypt `received`, which it uses up.
    func using<Value>(
        _ scratch: TLSScratch,
        received: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        _ body: () -> Value
    ) -> Value {
        ctls_session_set_output(pointer, scratch.records)
        ctls_session_set_input(pointer, received.baseAddress, received.count)
        defer { ctls_session_set_input(pointer, nil, 0) }
        return body()
    }

    /// True: the handshake is done. False: more has to be received, or, where it `wantsRoom`, sent.
    func goOnWithHandshake() throws(TLSError) -> Bool {
        wantsRoom = false
        switch ctls_session_handshake(pointer) {
        case ctls_done: break
        case ctls_wants_input: return false
        case ctls_wants_room:
            wantsRoom = true
            return false
        case ctls_ended: throw .truncated
        default: throw failure
        }
        if let problem = check(peer) { throw .certificate(problem) }
        isEstablished = true
        if usesSocket { isInKernel = ctls_session_settle(pointer) != 0 }
        endHandshake()
        return true
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> ReadOutcome {
        var count = 0
        switch ctls_session_read(pointer, buffer.baseAddress, buffer.count, &count) {
        case ctls_done: return .bytes(count)
        case ctls_wants_input: return .wantsInput
        case ctls_ended: return .ended
        default: return .failed(failure)
        }
    }

    /// Bytes have gone to a socket that encrypts them. The kernel doesn't change its keys.
    func noteSent(_ count: Int) throws(TLSError) {
        bytesUnderKeys += count
        if bytesUnderKeys > keyLimit { throw .keysUsedUp }
    }

    func encrypt(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        bytesUnderKeys += bytes.count
        if bytesUnderKeys > keyLimit {
            bytesUnderKeys = 0
            ctls_session_update_keys(pointer)
        }
        let outcome = ctls_session_write(pointer, bytes.baseAddress, bytes.count)
        if outcome != ctls_done { throw failure }
    }

    /// Tells the other end that no more will come.
    func end() {
        hasSentEnd = ctls_session_end(pointer) != 0
        wantsRoom = !hasSentEnd
    }

    private var failure: TLSError {
        var text: UnsafePointer<CChar>?
        let kind = ctls_session_failure(pointer, &text)
        let words = text.map { String(cString: $0) } ?? ""
        return switch kind {
        case ctls_not_tls: .notTLS
        case ctls_alert: .alert(words)
        case ctls_certificate: .certificate(words)
        default: .other(words)
        }
    }

    // MARK: Records

    var unsentCount: Int { unsent.pointee.count - sentOfUnsent }

    /// Sends what was encrypted before, then what is in `scratch`.
    /// - Returns: 0, or -EAGAIN and the like: what isn't sent is kept.
    func send(_ scratch: TLSScratch, to descriptor: Int32) -> Int {
        let records = scratch.records
        defer { ctls_buffer_clear(records, 1) }
        if unsentCount > 0 {
            let rest = UnsafeRawBufferPointer(
                start: unsent.pointee.bytes + sentOfUnsent, count: unsentCount)
            let result = SystemCall.send(descriptor, rest, moreFollows: false)
            if result > 0 { sentOfUnsent += result }
            guard result == rest.count else {
                keep(records.pointee, from: 0)
                return result < 0 ? result : -Int(EAGAIN)
            }
            ctls_buffer_clear(unsent, 0)
            sentOfUnsent = 0
        }
        let count = records.pointee.count
        if count == 0 { return 0 }
        let fresh = UnsafeRawBufferPointer(start: records.pointee.bytes, count: count)
        let result = SystemCall.send(descriptor, fresh, moreFollows: false)
        if result == count {
            if count > batchSize { batchSize = min(batchSize * 2, TLSScratch.largestBatch) }
            return 0
        }
        batchSize = max(batchSize / 2, Self.smallestBatch)
        keep(records.pointee, from: max(result, 0))
        return result < 0 ? result : -Int(EAGAIN)
    }

    private func keep(_ records: ctls_buffer, from start: Int) {
        guard records.count > start else { return }
        ctls_buffer_append(unsent, records.bytes + start, records.count - start)
    }
}
