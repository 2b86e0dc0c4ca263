import CEpollShim
import Glibc

/// A system call that failed: which one, and the error number it left.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The error number, errno(3).
    package let code: Int32
    /// What was being done: the call's name, and what it was applied to where that helps.
    package let operation: String

    package init(code: Int32, operation: String) {
        self.code = code
        self.operation = operation
    }

    /// "Connection refused", or "error 4242" for a number the C library doesn't know.
    package var text: String {
        shim_error_text(code).map { String(cString: $0) } ?? "error \(code)"
    }

    /// "connect: Connection refused (ECONNREFUSED)".
    package var description: String {
        guard let name = shim_error_name(code) else { return "\(operation): \(text)" }
        return "\(operation): \(text) (\(String(cString: name)))"
    }
}
