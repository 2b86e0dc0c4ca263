import Glibc
import Testing

@testable import Reactor

@Suite struct SystemErrorTests {
    @Test func `an error says what was done and what went wrong`() {
        let error = SystemError(code: ECONNREFUSED, operation: "connect 1.2.3.4:5")
        #expect(error.text == "Connection refused")
        #expect("\(error)" == "connect 1.2.3.4:5: Connection refused (ECONNREFUSED)")
    }

    @Test func `an unknown number is shown as it is`() {
        #expect("\(SystemError(code: 4242, operation: "call"))" == "call: error 4242")
    }

    @Test func `every reason to close has a text of its own`() {
        let error = SystemError(code: EIO, operation: "sendfile")
        let reasons: [CloseReason] = [
            .flushed, .ended, .reset, .connectTimedOut, .overflow, .fileEnded, .flushTimedOut,
            .failed(error),
        ]
        #expect(Set(reasons.map(\.description)).count == reasons.count)
        #expect(CloseReason.fileFailed(error).description == error.description)
    }
}
