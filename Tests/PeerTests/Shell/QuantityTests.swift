import Peer
import Testing

struct QuantityTests {
    @Test(arguments: [
        (Int64(0), "0 B"), (1, "1 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1536, "1.50 KiB"),
        (10_239, "10.0 KiB"), (102_400, "100 KiB"), (1_048_575, "1.00 MiB"),
        (536_870_912, "512 MiB"), (1 << 40, "1.00 TiB"), (.max, "8.00 EiB"), (-5, "0 B"),
    ])
    func `sizes have three figures and binary units`(count: Int64, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test func `a rate that makes no sense is written as a bound one`() {
        #expect(Quantity.rate(1_310_720) == "1.25 MiB/s")
        #expect(Quantity.rate(-1) == "0 B/s")
        #expect(Quantity.rate(.nan) == "0 B/s")
        #expect(Quantity.rate(.infinity) == "0 B/s")
        #expect(Quantity.rate(1e300) == Quantity.rate(1e18))
    }

    @Test(arguments: [
        (Double?.none, "--:--"), (0, "0:00"), (0.2, "0:01"), (7, "0:07"), (754, "12:34"),
        (3723, "1:02:03"), (273_600, "3d 4h"), (1e12, "--:--"), (.infinity, "--:--"),
        (-1, "--:--"),
    ])
    func `times to come are short`(seconds: Double?, text: String) {
        #expect(Quantity.time(seconds: seconds) == text)
    }

    @Test func `percent reaches 100 only when all is done`() {
        #expect(Quantity.percent(0, of: 10) == 0)
        #expect(Quantity.percent(999_999, of: 1_000_000) == 99)
        #expect(Quantity.percent(10, of: 10) == 100)
        #expect(Quantity.percent(0, of: 0) == 100)
        #expect(Quantity.percent(.max, of: .max) == 100)
        #expect(Quantity.percent(11, of: 10) == 100)
    }
}
