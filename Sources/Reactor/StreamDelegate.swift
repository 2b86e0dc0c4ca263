/// What a stream tells its owner, always from a phase of the loop and never from within a call to
/// the stream. In each of these calls the stream, and any other, may be written to and closed.
package protocol StreamDelegate: AnyObject {
    /// An outgoing connection has been made, and where it is to speak TLS, the handshake.
    func streamDidConnect(_ stream: Stream)

    /// Bytes have arrived, one at least. They are in the loop's own buffer, which is valid during
    /// the call only: the delegate takes all of them.
    func stream(_ stream: Stream, didReceive bytes: UnsafeRawBufferPointer)

    /// The other end won't send any more, but may still read: a half-closed connection. Without an
    /// implementation the stream closes and reports `.ended`.
    func streamDidReceiveEnd(_ stream: Stream)

    /// The queue has fallen to `lowWaterMark` or below, after having been above it.
    func streamDidDrain(_ stream: Stream)

    /// The stream has closed by itself: the last call it makes. Not made after `close`.
    func stream(_ stream: Stream, didClose reason: CloseReason)
}

extension StreamDelegate {
    package func streamDidConnect(_ stream: Stream) {}
    package func streamDidReceiveEnd(_ stream: Stream) { stream.fail(.ended) }
    package func streamDidDrain(_ stream: Stream) {}
}
