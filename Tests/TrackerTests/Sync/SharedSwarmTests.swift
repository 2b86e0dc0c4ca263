import Testing
import TrackerCore
import Wire

@testable import Tracker

@Suite struct SharedSwarmTests {
    private let infoHash = InfoHash(SHA1Hasher.hash(Array("open swarm".utf8)))

    private func announce(
        _ tracker: RunningTracker, port: UInt16, event: AnnounceRequest.Event = .none,
        left: UInt64 = 1
    ) throws -> AnnounceResponse {
        try tracker.connect().announce(
            infoHash, passkey: nil, left: left, event: event, port: port)
    }

    private func counts(_ tracker: RunningTracker) -> Swarms.Counts? {
        tracker.inspect { [infoHash] in $0.swarms.counts(of: infoHash) } ?? nil
    }

    @Test func `clients that announce to different trackers find each other`() throws {
        let pair = try TrackerPair()
        _ = try announce(pair.first, port: 5001)
        try eventually("the first client at the second tracker") {
            counts(pair.second)?.leechers == 1
        }
        let answer = try announce(pair.second, port: 5002)
        #expect(answer.peers.map(\.port) == [5001])
        // The same client at the other tracker is the same peer.
        let again = try announce(pair.second, port: 5001)
        #expect(again.peers.map(\.port) == [5002])
        #expect(counts(pair.second)?.leechers == 2)
    }

    @Test func `who leaves at one tracker is gone at the other`() throws {
        let pair = try TrackerPair()
        _ = try announce(pair.first, port: 5001, left: 0)
        _ = try announce(pair.first, port: 5002)
        try eventually("both at the second tracker") {
            counts(pair.second)?.seeders == 1 && counts(pair.second)?.leechers == 1
        }
        _ = try announce(pair.second, port: 5001, event: .stopped)
        try eventually("one at the first tracker") { counts(pair.first)?.seeders == 0 }
        #expect(counts(pair.first)?.leechers == 1)
    }

    @Test func `a tracker that starts has the swarms before its first answer`() throws {
        let first = try RunningTracker()
        for port in 5001...5040 as ClosedRange<UInt16> {
            _ = try announce(first, port: port, event: port == 5001 ? .completed : .none)
        }
        #expect(first.stop())
        let second = try RunningTracker(folder: first.folder)
        #expect(counts(second)?.leechers == 40)
        let answer = try announce(second, port: 5001)
        #expect(answer.peers.count == 39)
    }

    @Test func `a member who was removed isn't entered by a late batch`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let bob = try tracker.member("bob", peerPort: 5001)
        var generator = SystemRandomness()
        let elsewhere = TrackerInstance(random: &generator)
        let entry = SwarmEntry(
            infoHash: f, identity: 7, user: 1,
            endpoint: Endpoint(address: IPAddress(ipv4: 1), port: 5001), isSeeder: true,
            isPaused: false, hasCompleted: false, lifetime: .seconds(100))
        let told = tracker.inspect { service in
            var batch = TrackerBatch()
            batch.swarms = SwarmBatch(time: StoreWorker.wallClock, changes: [.entered(entry)])
                .encoded { service.directory.users[Int($0)].id }
            let logged = SwarmLogEntry(
                sequence: 1, tracker: elsewhere, time: 0, body: batch.encoded)
            service.follow([logged], isCurrent: false)
            return service.heardOf.count
        }
        #expect(told == 0)
        try eventually("the batch's being read") { tracker.inspect { $0.heardOf.count } == 1 }
        #expect(tracker.inspect { $0.swarms.counts(of: f)?.seeders ?? 0 } == 0)
        // A member is entered by the same.
        try bob.join("g", of: ann)
        _ = tracker.inspect { service in
            var batch = TrackerBatch()
            batch.swarms = SwarmBatch(time: StoreWorker.wallClock, changes: [.entered(entry)])
                .encoded { service.directory.users[Int($0)].id }
            let logged = SwarmLogEntry(
                sequence: 2, tracker: elsewhere, time: 0, body: batch.encoded)
            service.follow([logged], isCurrent: false)
        }
        try eventually("Bob's entry") {
            tracker.inspect { $0.swarms.counts(of: f)?.seeders } == 1
        }
    }

    @Test func `trackers that don't tell of announces keep their own`() throws {
        let pair = try TrackerPair { $0.tellsSwarms = false }
        _ = try announce(pair.first, port: 5001)
        let ann = try pair.first.member("ann")
        let stream = try ann.events()
        try eventually("what came later") {
            pair.second.inspect { $0.presence.streamCount } == 1
        }
        #expect(counts(pair.second) == nil)
        withExtendedLifetime(stream) {}
    }
}
