/// A connection that has come in and isn't a stream yet; closed if it is dropped.
package struct AcceptedSocket: ~Copyable {
    let descriptor: Int32
    package let remoteAddress: SocketAddress

    /// Hands the descriptor over: the caller closes it.
    consuming func takeDescriptor() -> Int32 {
        let result = descriptor
        discard self
        return result
    }

    deinit { SystemCall.close(descriptor) }
}
