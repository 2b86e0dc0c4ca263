import Testing
import Wire

@testable import TrackerCore

struct ConnectionIDsTests {
    private let ann = IPAddress(ipv4: 0x0a00_0001)
    private let bob = IPAddress(ipv4: 0x0a00_0002)
    private var ids: ConnectionIDs

    init() {
        var generator = SmallGenerator(seed: 1)
        ids = ConnectionIDs(lifetime: .seconds(120), random: &generator)
    }

    private func at(_ seconds: Int64) -> Instant {
        Instant(nanoseconds: 5_000_000_000_000 + seconds * 1_000_000_000)
    }

    @Test func `an id counts for the address it was given to`() {
        let id = ids.id(for: ann, at: at(0))
        #expect(ids.isValid(id, for: ann, at: at(0)))
        #expect(!ids.isValid(id, for: bob, at: at(0)))
        #expect(!ids.isValid(id ^ 1 << 40, for: ann, at: at(0)))
    }

    @Test func `an id counts for its lifetime and a quarter more at most`() {
        for given in stride(from: Int64(0), to: 120, by: 7) {
            let id = ids.id(for: ann, at: at(given))
            for age in stride(from: Int64(0), through: 120, by: 5) {
                #expect(ids.isValid(id, for: ann, at: at(given + age)))
            }
            for age in [Int64(150), 151, 300, 7650, 7680, 7700, 100_000] {
                #expect(!ids.isValid(id, for: ann, at: at(given + age)))
            }
        }
    }

    @Test func `no id counts before it is given`() {
        let later = ids.id(for: ann, at: at(60))
        #expect(!ids.isValid(later, for: ann, at: at(0)))
    }

    @Test func `another tracker's ids don't count`() {
        var generator = SmallGenerator(seed: 2)
        let others = ConnectionIDs(lifetime: .seconds(120), random: &generator)
        #expect(!ids.isValid(others.id(for: ann, at: at(0)), for: ann, at: at(0)))
    }

    @Test func `guessed ids don't count`() {
        var generator = SmallGenerator(seed: 3)
        for _ in 0..<100_000 {
            #expect(!ids.isValid(generator.next(), for: ann, at: at(0)))
        }
    }
}
