import PeerCore
import Simulation
import Testing
import Wire

struct SimulatedClockTests {
    @Test(arguments: [-400_000, -37, 0, 1, 20_000])
    func `a deadline comes when the clock shows it, and not a nanosecond earlier`(gain: Int) {
        var random = SeededRandom(seed: 1)
        let clock = SimulatedClock(offset: .seconds(1_000), gain: gain)
        for _ in 0..<200 {
            let now = Instant(nanoseconds: Int64(random.below(1 << 50)))
            let shown = clock.local(now)
            let moment = clock.moment(showing: shown)
            #expect(clock.local(moment) >= shown)
            #expect(clock.local(Instant(nanoseconds: moment.nanoseconds - 1)) < shown)
        }
    }

    @Test func `a clock never goes back`() {
        let clock = SimulatedClock(gain: -250_000)
        var last = clock.local(.zero)
        for nanoseconds in 1..<2_000 {
            let next = clock.local(Instant(nanoseconds: Int64(nanoseconds) * 977))
            #expect(next >= last)
            last = next
        }
    }
}
