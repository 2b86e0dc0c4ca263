/// A connection that has come in and isn't a stream yet; closed if it is dropped.
package struct AcceptedSocket: ~Copyable {
    let descriptor: Int32
    package let remoteAddress: SocketAddress

    init(descriptor: Int32, remoteAddress: SocketAddress) {
        self.descriptor = descriptor
        self.remoteAddress = remoteAddress
    }

    /// Takes a descriptor that `takeDescriptor` gave away, on whichever thread.
    package init(taking descriptor: Int32, from remoteAddress: SocketAddress) {
        self.init(descriptor: descriptor, remoteAddress: remoteAddress)
    }

    /// Hands the descriptor over: the caller closes it.
    package consuming func takeDescriptor() -> Int32 {
        let result = descriptor
        discard self
        return result
    }

    deinit { SystemCall.close(descriptor) }
}
