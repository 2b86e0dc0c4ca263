/// Why a stream closed without `close` having been called.
package enum CloseReason: Error, Hashable, Sendable {
    /// `closeAfterFlush` has sent all there was.
    case flushed
    /// The other end has ended the connection, and the delegate has no use for half of one.
    case ended
    /// The other end, or something on the way, broke the connection off.
    case reset
    /// The connection couldn't be made.
    case connectFailed(SystemError)
    /// The connection wasn't made in time.
    case connectTimedOut
    /// More was written than `writeLimit` allows to be queued.
    case overflow
    /// A file ended before the range of it that was to be sent: it has shrunk.
    case fileEnded
    /// A range of a file couldn't be read.
    case fileFailed(SystemError)
    /// What `closeAfterFlush` was to send took too long.
    case flushTimedOut
    /// There is no TLS with the other end, or none any more.
    case tls(TLSError)
    /// Any other error of the connection, a time-out of TCP's own (ETIMEDOUT) among them.
    case failed(SystemError)
}

extension CloseReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .flushed: "closed after everything was sent"
        case .ended: "the other end closed the connection"
        case .reset: "the other end reset the connection"
        case .connectFailed(let error), .failed(let error), .fileFailed(let error):
            error.description
        case .connectTimedOut: "no connection in time"
        case .tls(let error): error.description
        case .overflow: "too much is waiting to be sent"
        case .fileEnded: "the file is shorter than what was to be sent of it"
        case .flushTimedOut: "what was waiting to be sent took too long"
        }
    }
}
