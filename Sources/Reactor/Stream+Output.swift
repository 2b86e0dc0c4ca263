import Glibc

extension Stream {
    /// Queues a copy of `bytes`, to be sent at the end of the turn with all else that is queued.
    package func write(_ bytes: UnsafeRawBufferPointer) {
        guard acceptsWrites, mayQueue(bytes.count) else { return }
        takeQueue().append(bytes)
        didQueue()
    }

    /// As the other form, but the kernel gets them now where nothing is queued before them: for
    /// who has nothing to add in this turn. A failure is reported at the turn's end all the same.
    package func writeNow(_ bytes: UnsafeRawBufferPointer) {
        guard state == .open, queue == nil, tls == nil, !isBlocked, acceptsWrites else {
            return write(bytes)
        }
        let count = SystemCall.send(descriptor, bytes, moreFollows: false)
        if count == bytes.count { return }
        if count < 0, count != -Int(EAGAIN) {
            return fail(CloseReason(connectionError: Int32(-count), operation: "send"))
        }
        isBlocked = true
        write(UnsafeRawBufferPointer(rebasing: bytes[max(count, 0)...]))
        requestService()
    }

    package func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    /// Queues `length` bytes of `file` from `offset` on, to be sent without being copied, and
    /// read then, not now: if the file has become shorter, the stream closes with `.fileEnded`.
    package func write(file: SharedFile, offset: Int64, length: Int) {
        guard acceptsWrites, mayQueue(length) else { return }
        takeQueue().append(file: file, offset: offset, length: length)
        didQueue()
    }

    /// Queues `count` ranges of `file` that follow each other from `offset` on, as the other form
    /// does, each after a header: `headers` has `headerLength` bytes for each.
    package func write(
        _ headers: UnsafeRawBufferPointer, headerLength: Int, count: Int, file: SharedFile,
        offset: Int64, rangeLength: Int
    ) {
        guard acceptsWrites, mayQueue(headers.count + count * rangeLength) else { return }
        takeQueue().append(
            headers, headerLength: headerLength, count: count, file: file, offset: offset,
            rangeLength: rangeLength)
        didQueue()
    }

    /// Sends what is queued, then tells the other end that no more will come. What it sends is
    /// still received. Writes after this are ignored.
    package func shutdownWrite() {
        guard acceptsWrites else { return }
        isWriteShutDown = true
        requestService()
    }

    private var acceptsWrites: Bool {
        state != .closed && failure == nil && !isFinishing && !isWriteShutDown
    }

    private func mayQueue(_ count: Int) -> Bool {
        if count <= writeLimit - queuedByteCount { return true }
        fail(.overflow)
        return false
    }

    private func takeQueue() -> WriteQueue {
        if let queue { return queue }
        let queue = loop.writeQueues.take()
        self.queue = queue
        return queue
    }

    private func didQueue() {
        if queuedByteCount > lowWaterMark { isAboveLowWater = true }
        if !isBlocked { requestService() }
    }

    func releaseQueue() {
        if let queue { loop.writeQueues.give(queue) }
        queue = nil
    }

    /// Phase 6: sends a fair share of the queue, and does what is to be done once it is empty.
    func flush() {
        if let tls, !tls.isInKernel {
            guard flush(through: tls) else { return }
        } else if let queue, !isBlocked {
            guard send(queue) else { return }
        }
        if isAboveLowWater, queuedByteCount <= lowWaterMark {
            isAboveLowWater = false
            if !isFinishing { delegate?.streamDidDrain(self) }
        }
        if queue == nil, isOpen { endWriting() }
    }

    /// Gives the socket what it takes; where the kernel encrypts, it is the same.
    /// - Returns: false if the stream has closed.
    private func send(_ queue: WriteQueue) -> Bool {
        let before = queue.byteCount
        let sender = tls.map(\.fileSender) ?? .plain
        switch queue.send(to: descriptor, filesBy: sender, share: loop.sendShare) {
        case .drained: break
        case .blocked: isBlocked = true
        case .shareUsed: requestService()
        case .failed(let reason):
            finish(reason)
            return false
        }
        do throws(TLSError) {
            try tls?.noteSent(before - queue.byteCount)
        } catch {
            finish(.tls(error))
            return false
        }
        if queue.isEmpty { releaseQueue() }
        return true
    }

    /// The queue is empty: what was to be done after it?
    private func endWriting() {
        if let tls, !endWriting(through: tls) { return }
        if isFinishing, !lingers { return finish(.flushed) }
        if !hasSentEnd, isFinishing || isWriteShutDown {
            hasSentEnd = true
            // Fails on a connection that is gone, which reading will tell.
            shutdown(descriptor, Int32(SHUT_WR))
        }
        guard isFinishing else { return }
        state = .lingering
        if hasReceivedEnd { finish(.flushed) }
    }
}
