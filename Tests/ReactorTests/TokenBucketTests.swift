import Testing

@testable import Reactor

@Suite struct TokenBucketTests {
    private func time(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds * 1e9))
    }

    /// Takes units as soon as the bucket lets them pass, or later by what `lateness` says.
    /// - Returns: bytes that passed in `seconds`.
    private func passed(
        _ bucket: inout TokenBucket, unit: Int, seconds: Double, from start: Double = 0,
        lateness: Double = 0
    ) -> Int {
        var total = 0
        var now = time(start)
        let end = time(start + seconds)
        while now < end {
            while bucket.available(at: now) >= 0 {
                bucket.take(unit, at: now)
                total += unit
            }
            now = bucket.nextTime(after: now) + .nanoseconds(Int64(lateness * 1e9))
        }
        return total
    }

    @Test(arguments: [10 << 10, 1 << 20, 100 << 20, 1 << 30])
    func `what passes is the rate, from 10 KiB/s to 1 GiB/s`(rate: Int) {
        for lateness in [0, 0.001, 0.02] {
            var bucket = TokenBucket(bytesPerSecond: rate, at: time(0))
            let seconds = 20.0
            let total = passed(&bucket, unit: 16_397, seconds: seconds, lateness: lateness)
            let expected = Double(rate) * seconds
            // One unit at the start, before anything was to be paid for, and one at the end.
            #expect(abs(Double(total) - expected) <= expected * 0.002 + 2 * 16_397)
        }
    }

    @Test func `after a pause a quarter of a second's worth passes at once, and one unit`() {
        var bucket = TokenBucket(bytesPerSecond: 1 << 20, at: time(0))
        bucket.take(1, at: time(0))
        let now = time(3600)
        var total = 0
        while bucket.available(at: now) >= 0 {
            bucket.take(1000, at: now)
            total += 1000
        }
        #expect((256 << 10...(256 << 10) + 1000).contains(total))
    }

    @Test func `a unit larger than what can gather passes and is paid for`() {
        var bucket = TokenBucket(bytesPerSecond: 10 << 10, at: time(0))
        #expect(bucket.available(at: time(0)) == 0)
        bucket.take(1 << 20, at: time(0))
        #expect(bucket.available(at: time(102)) < 0)
        #expect(bucket.nextTime(after: time(0)) == time(102.4))
        #expect(bucket.available(at: time(102.4)) >= 0)
    }

    @Test func `another rate holds at once`() {
        var bucket = TokenBucket(bytesPerSecond: 1 << 30, at: time(0))
        bucket.take(16 << 10, at: time(0))
        // A quarter of a GiB had gathered; of that no more than a quarter of the new rate is kept.
        bucket.setRate(64 << 10, at: time(10))
        #expect(bucket.available(at: time(10)) == 16 << 10)
        let slow = passed(&bucket, unit: 1 << 10, seconds: 10, from: 10)
        #expect((640 << 10...(640 + 18) << 10).contains(slow))
        // What is owed at a slow rate is paid at the fast one.
        bucket.take(1 << 20, at: time(20))
        bucket.setRate(10 << 20, at: time(20))
        #expect(bucket.nextTime(after: time(20)) <= time(20.11))
    }

    @Test func `a clock that is late or looks back gives nothing away`() {
        var bucket = TokenBucket(bytesPerSecond: 1000, at: time(5))
        bucket.take(100, at: time(5))
        #expect(bucket.available(at: time(4)) == -100)
        #expect(bucket.available(at: time(5.05)) == -50)
        #expect(bucket.available(at: time(4.9)) == -50)
        #expect(bucket.available(at: time(5.1)) == 0)
    }
}
