import Glibc

extension Stream {
    /// The kernel has an answer to connect(2).
    func finishConnecting() {
        let error = Socket.takeError(descriptor)
        if error != 0 {
            let error = SystemError(code: error, operation: "connect \(remoteAddress)")
            return finish(.connectFailed(error))
        }
        if Socket.isConnectedToItself(descriptor, remoteAddress: remoteAddress) {
            let error = SystemError(code: ECONNREFUSED, operation: "connect \(remoteAddress)")
            return finish(.connectFailed(error))
        }
        state = .open
        // A finishing stream's time-out is that of the flush.
        if !isFinishing { cancelTimeout() }
        // For the interest, and for what has been written meanwhile.
        requestService()
        if tls != nil { return awaitHandshake() }
        if !isFinishing { delegate?.streamDidConnect(self) }
    }

    func cancelTimeout() {
        if let timeout { loop.cancel(timeout) }
        timeout = nil
    }
}
