import Testing
import Wire

@testable import TrackerCore

@Suite struct AddressLimitTests {
    private let campus = IPAddress(ipv4: 0x0a00_0001)
    private let other = IPAddress(ipv4: 0x0a00_0002)

    private func seconds(_ count: Double) -> Instant { Instant.zero.advanced(by: .seconds(count)) }

    @Test func `an address has its burst at once, then its rate, and others have theirs`() {
        var rates = AddressRates(perSecond: 2, burst: 10)
        for _ in 0..<10 { #expect(rates.take(campus, at: .zero) == nil) }
        #expect(rates.take(campus, at: .zero) == .milliseconds(500))
        #expect(rates.take(other, at: .zero) == nil)
        #expect(rates.take(campus, at: seconds(0.5)) == nil)
        #expect(rates.take(campus, at: seconds(0.5)) == .milliseconds(500))
    }

    @Test func `what is refused costs nothing, and what is given back can be taken again`() {
        var rates = AddressRates(perSecond: 1, burst: 1)
        #expect(rates.take(campus, at: .zero) == nil)
        for _ in 0..<100 { #expect(rates.take(campus, at: .zero) == .seconds(1)) }
        rates.giveBack(campus)
        #expect(rates.take(campus, at: .zero) == nil)
        #expect(rates.take(campus, at: seconds(1)) == nil)
    }

    @Test func `over any time an address gets its rate and one burst`() {
        var rates = AddressRates(perSecond: 10, burst: 5)
        var generator = SmallGenerator(seed: 3)
        var (now, taken) = (0.0, 0)
        while now < 60 {
            if rates.take(campus, at: seconds(now)) == nil { taken += 1 }
            now += Double.random(in: 0...0.05, using: &generator)
        }
        #expect((595...605).contains(taken))
    }

    @Test func `addresses that have their burst again are forgotten, and there is a most of them`()
    {
        var rates = AddressRates(perSecond: 1, burst: 10, mostAddresses: 1000)
        for number in 0..<5000 {
            #expect(rates.take(IPAddress(ipv4: UInt32(number)), at: .zero) == nil)
        }
        #expect(rates.entryCount == 1000)
        // The first of them are counted all the same.
        for _ in 0..<9 { #expect(rates.take(IPAddress(ipv4: 0), at: seconds(1)) == nil) }
        #expect(rates.take(IPAddress(ipv4: 0), at: seconds(1)) == nil)
        #expect(rates.take(IPAddress(ipv4: 0), at: seconds(1)) != nil)
        for time in [10.0, 20, 30] { #expect(rates.take(other, at: seconds(time)) == nil) }
        #expect(rates.entryCount <= 2)
    }

    @Test func `the hosts of an IPv6 network count as one, IPv4 addresses each`() throws {
        var counts = AddressCounts()
        let first = try #require(IPAddress("2001:db8:1:2::1"))
        let neighbour = try #require(IPAddress("2001:db8:1:2:ffff::9"))
        let elsewhere = try #require(IPAddress("2001:db8:1:3::1"))
        for address in [first, neighbour, elsewhere, campus, other] {
            #expect(counts.add(address, limit: 2) == true)
        }
        #expect(counts.add(first, limit: 2) == false)
        #expect(counts.addressCount == 4)
        counts.remove(neighbour)
        #expect(counts.add(first, limit: 2) == true)
        for address in [first, first, elsewhere, campus, other] { counts.remove(address) }
        #expect(counts.addressCount == 0)
    }
}
