import Testing

@testable import Tracker

@Suite struct PrometheusTextTests {
    @Test func `families and samples are written as Prometheus reads them`() {
        var text = PrometheusText()
        text.single("a_total", .counter, "Things.", 3)
        text.family("b", .gauge, "Others.")
        text.sample("b", 0.5, [("kind", "x"), ("place", "y")])
        #expect(
            String(decoding: text.bytes, as: UTF8.self) == """
                # HELP a_total Things.
                # TYPE a_total counter
                a_total 3
                # HELP b Others.
                # TYPE b gauge
                b{kind="x",place="y"} 0.5

                """)
    }

    @Test func `a histogram's buckets count what took up to their bound`() {
        var histogram = Histogram()
        for nanoseconds in [0, 10_000, 10_001, 1_000_000, 60_000_000_000] as [Int64] {
            histogram.observe(nanoseconds: nanoseconds)
        }
        let counts = Dictionary(
            uniqueKeysWithValues: zip(Histogram.bounds, histogram.cumulativeCounts))
        #expect(counts[0.000_01] == 2 && counts[0.000_05] == 3 && counts[0.001] == 4)
        #expect(counts[5] == 4 && histogram.count == 5)
        #expect(abs(histogram.sum - 60.001_020_001) < 1e-9)
        var text = PrometheusText()
        text.histogram("h", histogram)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.first == "h_bucket{le=\"1e-05\"} 2")
        #expect(lines.suffix(3).first == "h_bucket{le=\"+Inf\"} 5" && lines.last == "h_count 5")
    }
}
