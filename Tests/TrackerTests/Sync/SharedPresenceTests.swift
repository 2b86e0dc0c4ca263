import Testing
import TrackerCore
import Wire

@testable import Tracker

@Suite struct SharedPresenceTests {
    private func online(_ member: TestMember) throws -> Int? {
        try member.call(.get, "/groups/g/files").decode(FileList.self).files.first?.sharersOnline
    }

    /// Ann at the first tracker with a file, Bob at the second.
    private func members(of pair: TrackerPair) throws -> (ann: TestMember, bob: TestMember) {
        let ann = try pair.first.member("ann")
        try ann.createGroup("g")
        try ann.addFile("f", to: "g")
        let bob = try pair.second.member("bob", peerPort: 5001)
        try bob.join("g", of: ann)
        try eventually("Bob's membership at the second tracker") {
            try bob.call(.get, "/groups/g/files").status == 200
        }
        return (ann, bob)
    }

    private func share(of user: String, _ isOnline: Bool) throws -> (TrackerEvent) -> Bool {
        { event in
            guard case .share(let share) = event else { return false }
            return share.userID == user && share.online == isOnline
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who is online at one tracker is so at the other`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let (ann, bob) = try members(of: pair)
        let bobs = try bob.events()
        #expect(try online(bob) == 0)
        var stream: TestEventStream? = try ann.events()
        let isOnline = try share(of: "ann", true)
        while !isOnline(try bobs.next()) {}
        #expect(try online(bob) == 1)
        withExtendedLifetime(stream) {}
        stream = nil
        let isOffline = try share(of: "ann", false)
        while !isOffline(try bobs.next()) {}
        #expect(try online(bob) == 0)
    }

    @Test(arguments: StoreKind.allCases)
    func `a session that moves to the other tracker stays online`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let (ann, bob) = try members(of: pair)
        var stream: TestEventStream? = try ann.events()
        try eventually("Ann online at the second tracker") { try online(bob) == 1 }
        let moved = try pair.moved(ann).events()
        try eventually("both streams known at both trackers") {
            pair.first.inspect { $0.heardOf.count } == 1
                && pair.first.inspect { $0.presence.streamCount } == 2
                && pair.second.inspect { $0.presence.streamCount } == 2
        }
        withExtendedLifetime(stream) {}
        stream = nil
        try eventually("the first stream's end at both trackers") {
            pair.first.inspect { $0.presence.streamCount } == 1
                && pair.second.inspect { $0.presence.streamCount } == 1
        }
        #expect(try online(bob) == 1)
        #expect(try online(pair.moved(bob)) == 1)
        withExtendedLifetime(moved) {}
    }

    @Test(arguments: StoreKind.allCases)
    func `pieces that are reported to one tracker are known to the other`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let (ann, bob) = try members(of: pair)
        let stream = try ann.events()
        let info = try ann.info("f", in: "g")
        let report = HoldingsReport(holdings: [
            Holding(infoHash: info.infoHash, bitfield: Base64Bytes([0x40]))
        ])
        #expect(try ann.call(.put, "/holdings", report).status == 204)
        try eventually("one piece of Ann's") {
            let details = try bob.call(.get, "/groups/g/files/f").decode(FileDetails.self)
            return details.sharers.map(\.pieces) == [1] && details.sharers[0].online
        }
        withExtendedLifetime(stream) {}
    }

    @Test(arguments: StoreKind.allCases)
    func `a tracker that starts knows who is online at the other`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind)
        let (ann, bob) = try members(of: pair)
        let stream = try ann.events()
        try eventually("Ann online at the second tracker") { try online(bob) == 1 }
        let third = try pair.another()
        #expect(third.inspect { $0.presence.onlineSessions.count } == 1)
        withExtendedLifetime(stream) {}
    }

    @Test(arguments: StoreKind.allCases)
    func `a tracker that isn't heard of any more takes its sessions along`(kind: StoreKind) throws {
        let pair = try TrackerPair(kind) {
            $0.trackerSilence = .seconds(4)
            $0.pollInterval = .milliseconds(100)
        }
        let (ann, bob) = try members(of: pair)
        let stream = try ann.events()
        try eventually("Ann online at the second tracker") { try online(bob) == 1 }
        // A tracker that stops takes nobody for offline: its peers go to another one.
        #expect(pair.first.stop())
        #expect(try online(bob) == 1)
        try eventually("Ann offline") { try online(bob) == 0 }
        withExtendedLifetime(stream) {}
    }
}
