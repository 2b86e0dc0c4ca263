import Glibc

/// System calls with one convention: the result, or the negated error number. An interrupted call
/// is made again, an error that only a bug of ours can cause traps, and the rest, EAGAIN among
/// them, are values.
enum SystemCall {
    @inline(__always)
    static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 { return result }
            let error = errno
            if error == EINTR { continue }
            precondition(error != EBADF && error != EFAULT && error != ENOTSOCK)
            return -Int(error)
        }
    }

    /// recv(2).
    static func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        retrying { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }

    /// send(2), without SIGPIPE.
    static func send(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, moreFollows: Bool
    ) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (moreFollows ? Int32(MSG_MORE) : 0)
        return retrying { Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags) }
    }

    /// close(2). Linux frees the descriptor whatever it answers, so that it is never repeated.
    static func close(_ descriptor: Int32) {
        let result = Glibc.close(descriptor)
        precondition(result == 0 || errno != EBADF, "a descriptor was closed twice")
    }
}

/// Throws the error of a system call's negated result.
@discardableResult
func check<Result: SignedInteger>(
    _ result: Result, _ operation: @autoclosure () -> String
) throws(SystemError) -> Result {
    if result < 0 { throw SystemError(code: Int32(-result), operation: operation()) }
    return result
}
