import CEpollShim
import Glibc

/// What sends ranges of files to a socket: sendfile(2), unless the socket encrypts them.
struct FileSender {
    static var plain: FileSender { FileSender(function: nil, user: nil) }

    let function: shim_file_sender?
    let user: UnsafeMutableRawPointer?

    private init(function: shim_file_sender?, user: UnsafeMutableRawPointer?) {
        self.function = function
        self.user = user
    }

    init(function: shim_file_sender, user: OpaquePointer) {
        self.init(function: function, user: UnsafeMutableRawPointer(user))
    }
}

extension WriteQueue {
    enum SendResult {
        /// All is sent.
        case drained
        /// The kernel takes no more now.
        case blocked
        /// The share of this turn is used up.
        case shareUsed
        case failed(CloseReason)
    }

    /// Sends from the front until nothing is left, the kernel takes no more, or `share` bytes have
    /// gone.
    ///
    /// What comes before a range of a file goes with MSG_MORE, so that they share packets with it.
    /// sendfile(2) has no such flag: with several ranges in the queue TCP_CORK holds partial
    /// packets back meanwhile. Nothing is held back after this call, since what the kernel refuses
    /// could then wait for bytes that the kernel is waiting for: it knows no more than its 200 ms.
    func send(
        to descriptor: Int32, filesBy sender: FileSender = .plain, share: Int
    ) -> SendResult {
        if fileRangeCount == 0 { return sendBytes(to: descriptor, share: share) }
        let isCorked = fileRangeCount > 1
        if isCorked { setCork(descriptor, true) }
        let result = sendSegments(to: descriptor, sender, share: share)
        if isCorked || fileRangeCount > 0 { setCork(descriptor, false) }
        return result
    }

    /// Where there are no ranges of files, all that there is lies side by side.
    private func sendBytes(to descriptor: Int32, share: Int) -> SendResult {
        var left = share
        while !isEmpty {
            if left <= 0 { return .shareUsed }
            let bytes = UnsafeRawBufferPointer(rebasing: queuedBytes.prefix(left))
            let result = SystemCall.send(descriptor, bytes, moreFollows: false)
            if result < 0 { return outcome(of: Int32(-result), inFile: false) }
            if result == byteCount { removeAll() } else { removeFirst(result) }
            left -= result
        }
        return .drained
    }

    private func sendSegments(
        to descriptor: Int32, _ sender: FileSender, share: Int
    ) -> SendResult {
        var left = share
        while let segment = first {
            if left <= 0 { return .shareUsed }
            let count = min(segment.length, left)
            if let file = segment.file {
                var frames = firstFrames(segment, file)
                let result = shim_send_frames(
                    descriptor, &frames, count, sender.function, sender.user)
                removeFirst(result.sent)
                left -= result.sent
                if let outcome = outcome(of: result) { return outcome }
            } else {
                let bytes = UnsafeRawBufferPointer(rebasing: firstBytes(segment)[..<count])
                let result = SystemCall.send(descriptor, bytes, moreFollows: fileFollowsFirst)
                if result < 0 { return outcome(of: Int32(-result), inFile: false) }
                removeFirst(result)
                left -= result
            }
        }
        return .drained
    }

    /// Nil if all that was given was sent.
    private func outcome(of result: shim_frames_result) -> SendResult? {
        switch result.outcome {
        case shim_frames_socket_error: outcome(of: result.error, inFile: false)
        case shim_frames_file_error: outcome(of: result.error, inFile: true)
        case shim_frames_file_ended: .failed(.fileEnded)
        default: nil
        }
    }

    private func outcome(of error: Int32, inFile: Bool) -> SendResult {
        precondition(error != EBADF && error != EFAULT && error != ENOTSOCK)
        return switch error {
        case EAGAIN: .blocked
        case ECONNRESET, EPIPE: .failed(.reset)
        case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, ENOBUFS:
            .failed(.failed(SystemError(code: error, operation: "send")))
        case _ where inFile: .failed(.fileFailed(SystemError(code: error, operation: "sendfile")))
        default: .failed(.failed(SystemError(code: error, operation: "send")))
        }
    }

    /// Takes up to a bufferful from the front: bytes are copied, ranges of files read. Where a file
    /// can't be read, `failure` says why and what was taken is of no use.
    /// - Returns: how many bytes.
    func take(
        into buffer: UnsafeMutableRawBufferPointer, failure: inout CloseReason?
    ) -> Int {
        var taken = 0
        while let segment = first, taken < buffer.count {
            let count = min(segment.length, buffer.count - taken)
            let to = buffer.baseAddress! + taken
            if let file = segment.file {
                var frames = firstFrames(segment, file)
                let result = shim_read_frames(&frames, count, to)
                if case .failed(let reason) = outcome(of: result) {
                    failure = reason
                    return 0
                }
            } else {
                to.copyMemory(from: firstBytes(segment).baseAddress!, byteCount: count)
            }
            removeFirst(count)
            taken += count
        }
        return taken
    }

    /// A cork that can't be set costs packets, not correctness.
    private func setCork(_ descriptor: Int32, _ isOn: Bool) {
        try? Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_CORK, isOn ? 1 : 0)
    }
}
