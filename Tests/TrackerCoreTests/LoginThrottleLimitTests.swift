import Testing
import Wire

@testable import TrackerCore

@Suite struct LoginThrottleLimitTests {
    @Test func `many names take no more memory than their limit`() {
        var throttle = LoginThrottle()
        for number in 0..<LoginThrottle.recordLimit + 50 {
            _ = throttle.admit("user\(number)", at: Instant(nanoseconds: Int64(number)))
        }
        #expect(throttle.recordCount == LoginThrottle.recordLimit)
    }
}
