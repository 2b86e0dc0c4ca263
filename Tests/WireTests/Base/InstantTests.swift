import Testing

@testable import Wire

struct InstantTests {
    @Test func `durations are added and subtracted`() {
        let start = Instant(nanoseconds: 1_000)
        #expect(start + .seconds(2) == Instant(nanoseconds: 2_000_001_000))
        #expect(start - .microseconds(1) == .zero)
        #expect(start - Instant.zero == .microseconds(1))
        #expect(Instant.zero - start == .nanoseconds(-1_000))
        #expect(start < start + .nanoseconds(1))
        var moving = start
        moving += .milliseconds(1)
        #expect(moving.nanoseconds == 1_001_000)
    }

    @Test func `arithmetic saturates`() {
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant.zero + .seconds(Int64.max) == .distantFuture)
        #expect(Instant(nanoseconds: 5) - .seconds(Int64.min) == .distantFuture)
        #expect(Instant(nanoseconds: .min) - .seconds(1) == Instant(nanoseconds: .min))
        #expect(Instant.zero + .seconds(Int64.min) == Instant(nanoseconds: .min))
        #expect(
            Instant(nanoseconds: .min).duration(to: .distantFuture) == .nanoseconds(Int64.max))
        #expect(
            Instant.distantFuture.duration(to: Instant(nanoseconds: .min))
                == .nanoseconds(Int64.min))
    }

    @Test func `a duration in nanoseconds is cut towards zero, and bounded`() {
        #expect(Duration.zero.nanosecondsSaturating == 0)
        #expect(Duration(attoseconds: 1_999_999_999).nanosecondsSaturating == 1)
        #expect(Duration(attoseconds: -1_999_999_999).nanosecondsSaturating == -1)
        for count in [1, -1, 1_500_000_000, -77_000_000_001, Int64.max, -Int64.max, Int64.min + 1] {
            #expect(Duration.nanoseconds(count).nanosecondsSaturating == count)
        }
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).nanosecondsSaturating == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).nanosecondsSaturating == .min)
        #expect(Duration.seconds(Int64.max).nanosecondsSaturating == .max)
        #expect(Duration.seconds(Int64.min).nanosecondsSaturating == .min)
    }
}
