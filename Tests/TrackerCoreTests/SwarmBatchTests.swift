import Testing
import Wire

@testable import TrackerCore

@Suite struct SwarmBatchTests {
    private static let infoHash = InfoHash(SHA1Hasher.hash([1]))
    private static let ipv4 = Endpoint(address: IPAddress(ipv4: 0x0102_0304), port: 0x1ae1)
    private static let ipv6 = Endpoint(address: IPAddress(high: 0x2001 << 48, low: 7), port: 5)
    private static let names = ["ann", "bob", "päul"]

    private static func name(_ user: UserIndex) -> String { names[Int(user)] }

    private static func index(_ name: String) -> UserIndex? {
        names.firstIndex(of: name).map { UserIndex($0) }
    }

    private static let batch = SwarmBatch(
        time: 1_800_000_000,
        changes: [
            .entered(
                SwarmEntry(
                    infoHash: infoHash, identity: 0x01_0203_0405, user: nil, endpoint: ipv4,
                    isSeeder: true, lifetime: .seconds(80))),
            .entered(
                SwarmEntry(
                    infoHash: infoHash, identity: 9, user: 2, endpoint: ipv6, isSeeder: false,
                    isPaused: true, hasCompleted: true, lifetime: .seconds(172_800))),
            .left(infoHash, 0xff_ffff_ffff),
            .disconnected(0, port: 6000),
            .disconnected(2, port: 1),
        ])

    @Test func `what is written is read again`() throws {
        let bytes = Self.batch.encoded(name: Self.name)
        #expect(try SwarmBatch(decoding: bytes, user: Self.index) == Self.batch)
        let empty = SwarmBatch(time: -1, changes: [])
        #expect(try SwarmBatch(decoding: empty.encoded(name: Self.name), user: Self.index) == empty)
    }

    @Test func `version 1 has these bytes`() {
        let batch = SwarmBatch(time: 2, changes: Array(Self.batch.changes.prefix(1)))
        let head: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1]
        let entry = [8] + Self.infoHash.bytes + [1, 2, 3, 4, 5, 0, 10, 1, 2, 3, 4, 0x1a, 0xe1]
        #expect(batch.encoded(name: Self.name) == head + entry)
        let gone = SwarmBatch(time: 2, changes: [.disconnected(1, port: 258)])
        let user: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 3] + Array("bob".utf8)
        #expect(gone.encoded(name: Self.name) == user + [0, 0, 0, 1, 2, 0, 0, 1, 2])
    }

    @Test func `lifetimes are rounded up to eight seconds`() throws {
        for (lifetime, read) in [(1, 8), (8, 8), (9, 16), (270, 272)] {
            let entry = SwarmEntry(
                infoHash: Self.infoHash, identity: 1, user: nil, endpoint: Self.ipv4,
                isSeeder: false, lifetime: .seconds(lifetime))
            let bytes = SwarmBatch(time: 0, changes: [.entered(entry)]).encoded(name: Self.name)
            let changes = try SwarmBatch(decoding: bytes, user: Self.index).changes
            guard case .entered(let other) = changes.first else {
                Issue.record("no entry")
                continue
            }
            #expect(other.lifetime == .seconds(read))
        }
    }

    @Test func `changes of users that are nobody here are left out`() throws {
        let bytes = Self.batch.encoded(name: Self.name)
        let read = try SwarmBatch(decoding: bytes) { $0 == "ann" ? 41 : nil }
        #expect(
            read.changes == [
                Self.batch.changes[0], Self.batch.changes[2], .disconnected(41, port: 6000),
            ])
    }

    @Test func `what is cut short, too long or of another version is refused`() {
        let bytes = Self.batch.encoded(name: Self.name)
        for count in 0..<bytes.count {
            #expect(throws: SwarmBatchError.malformed) {
                try SwarmBatch(decoding: Array(bytes.prefix(count)), user: Self.index)
            }
        }
        #expect(throws: SwarmBatchError.malformed) {
            try SwarmBatch(decoding: bytes + [0], user: Self.index)
        }
        #expect(throws: SwarmBatchError.unknownVersion(2)) {
            try SwarmBatch(decoding: [2] + bytes.dropFirst(), user: Self.index)
        }
    }

    @Test func `bytes at random never trap`() {
        var random = SmallGenerator(seed: 5)
        let whole = Self.batch.encoded(name: Self.name)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 1..<bytes.count, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            let read = try? SwarmBatch(decoding: bytes, user: Self.index)
            #expect((read?.changes.count ?? 0) <= 5)
        }
    }
}

@Suite struct SwarmChangeTests {
    private let infoHash = InfoHash(SHA1Hasher.hash([1]))

    private func entry(
        _ number: Int, user: UserIndex? = nil, seeding: Bool = false, completed: Bool = false
    ) -> SwarmEntry {
        SwarmEntry(
            infoHash: infoHash, identity: PeerIdentity(number), user: user,
            endpoint: Endpoint(address: IPAddress(ipv4: UInt32(number)), port: 6000),
            isSeeder: seeding, hasCompleted: completed, lifetime: .seconds(100))
    }

    @Test func `changes make the same swarms elsewhere`() {
        var swarms = Swarms()
        swarms.apply(.entered(entry(1, seeding: true)), at: .zero)
        swarms.apply(.entered(entry(2, user: 4)), at: .zero)
        swarms.apply(.entered(entry(3)), at: .zero)
        #expect(swarms.counts(of: infoHash) == Swarms.Counts(seeders: 1, leechers: 2))
        swarms.apply(.entered(entry(3, seeding: true, completed: true)), at: .zero)
        #expect(swarms.counts(of: infoHash) == Swarms.Counts(seeders: 2, leechers: 1, completed: 1))
        swarms.apply(.left(infoHash, 1), at: .zero)
        swarms.apply(.disconnected(4, port: 5999), at: .zero)
        #expect(swarms.counts(of: infoHash) == Swarms.Counts(seeders: 1, leechers: 1, completed: 1))
        swarms.apply(.disconnected(4, port: 6000), at: .zero)
        #expect(swarms.counts(of: infoHash) == Swarms.Counts(seeders: 1, completed: 1))
    }

    @Test func `an old entry counts for the rest of its time`() {
        var swarms = Swarms()
        swarms.apply(.entered(entry(1)), at: .zero, age: .seconds(101))
        #expect(swarms.counts(of: infoHash) == nil)
        swarms.apply(.entered(entry(1)), at: .zero, age: .seconds(60))
        swarms.removeExpired(at: .zero.advanced(by: .seconds(30)), budget: 100) { _ in false }
        #expect(swarms.peerCount == 1)
        swarms.removeExpired(at: .zero.advanced(by: .seconds(50)), budget: 100) { _ in false }
        #expect(swarms.peerCount == 0)
    }

    @Test func `a copy has the same peers for the rest of their time`() {
        var swarms = Swarms()
        for number in 1...300 {
            swarms.apply(.entered(entry(number, seeding: number < 9)), at: .zero)
        }
        swarms.apply(.entered(entry(301, user: 3, seeding: true, completed: true)), at: .zero)
        var second = entry(301, user: 3, seeding: true)
        second.endpoint = Endpoint(address: IPAddress(high: 1, low: 2), port: 5)
        swarms.apply(.entered(second), at: .zero)
        var copy = swarms.copy(at: .zero.advanced(by: .seconds(40)))
        #expect(copy.counts(of: infoHash) == swarms.counts(of: infoHash))
        #expect(copy.counts(of: infoHash)?.completed == 1)
        copy.removePeers(of: 3, port: 5)
        #expect(copy.peerCount == 300 && swarms.peerCount == 301)
        copy.removeExpired(at: .zero.advanced(by: .seconds(90)), budget: 10_000) { _ in false }
        #expect(copy.peerCount == 300)
        copy.removeExpired(at: .zero.advanced(by: .seconds(120)), budget: 10_000) { _ in false }
        #expect(copy.peerCount == 0)
    }

    @Test func `downloads that are known already aren't counted again`() {
        var swarms = Swarms()
        let done = SwarmChange.entered(entry(1, user: 0, seeding: true, completed: true))
        swarms.apply(done, at: .zero, countsDownloads: false)
        #expect(swarms.counts(of: infoHash) == Swarms.Counts(seeders: 1))
    }
}

@Suite struct PeerIdentitiesTests {
    @Test func `SipHash gives what its authors' example does`() {
        var hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        hash.combine(0x0706_0504_0302_0100)
        #expect(hash.finalize(tail: 0x0e_0d0c_0b0a_0908, tailCount: 7) == 0xa129_ca61_49be_45e5)
    }

    @Test func `identities hold for who has the key, and differ by all that they are of`() throws {
        var random = SmallGenerator(seed: 1)
        let (one, other) = (PeerID(random: &random), PeerID(random: &random))
        let (passkey, foreign) = (Passkey(random: &random), Passkey(random: &random))
        let (address, far) = (IPAddress(ipv4: 1), IPAddress(ipv4: 2))
        let identities = PeerIdentities(key: (1, 2))
        func all(_ identities: PeerIdentities) -> [PeerIdentity] {
            [one, other].flatMap { peer in
                [passkey, foreign].map { identities.identity(of: peer, passkey: $0) }
                    + [1, 2].map { identities.identity(of: peer, key: $0) }
                    + [address, far].map { identities.identity(of: peer, address: $0) }
            }
        }
        #expect(Set(all(identities)).count == 12)
        #expect(all(identities) == all(PeerIdentities(key: (1, 2))))
        #expect(Set(all(identities) + all(PeerIdentities(key: (1, 3)))).count == 24)
    }
}
