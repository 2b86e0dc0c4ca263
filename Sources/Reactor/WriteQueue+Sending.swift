import Glibc

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
    /// gone (a segment in hand may go over it).
    ///
    /// Bytes before a range of a file go with MSG_MORE, so that they share packets with it.
    /// sendfile(2) has no such flag: with several ranges in the queue TCP_CORK holds partial
    /// packets back meanwhile. Nothing is held back after this call, since what the kernel refuses
    /// could then wait for bytes that the kernel is waiting for: it knows no more than its 200 ms.
    func send(to descriptor: Int32, share: Int) -> SendResult {
        let isCorked = fileRangeCount > 1
        if isCorked { setCork(descriptor, true) }
        let result = sendSegments(to: descriptor, share: share)
        if isCorked || fileRangeCount > 0 { setCork(descriptor, false) }
        return result
    }

    private func sendSegments(to descriptor: Int32, share: Int) -> SendResult {
        var left = share
        while let segment = first {
            if left <= 0 { return .shareUsed }
            let count: Int
            if let file = segment.file {
                count = SystemCall.sendFile(
                    descriptor, from: file.descriptor, offset: segment.offset,
                    count: min(segment.length, share))
                if count == 0 { return .failed(.fileEnded) }
            } else {
                let bytes = firstBytes(segment)
                count = SystemCall.send(
                    descriptor, UnsafeRawBufferPointer(rebasing: bytes.prefix(share)),
                    moreFollows: fileFollowsFirst)
            }
            if count < 0 { return outcome(of: Int32(-count), inFile: segment.file != nil) }
            removeFirst(count)
            left -= count
        }
        return .drained
    }

    private func outcome(of error: Int32, inFile: Bool) -> SendResult {
        switch error {
        case EAGAIN: .blocked
        case ECONNRESET, EPIPE: .failed(.reset)
        case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, ENOBUFS:
            .failed(.failed(SystemError(code: error, operation: "send")))
        case _ where inFile: .failed(.fileFailed(SystemError(code: error, operation: "sendfile")))
        default: .failed(.failed(SystemError(code: error, operation: "send")))
        }
    }

    /// A cork that can't be set costs packets, not correctness.
    private func setCork(_ descriptor: Int32, _ isOn: Bool) {
        try? Socket.set(descriptor, Int32(IPPROTO_TCP), TCP_CORK, isOn ? 1 : 0)
    }
}
