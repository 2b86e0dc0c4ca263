import Testing
import Wire

@testable import TrackerCore

/// A directory that events are fed to one after another.
struct DirectoryScript: ~Copyable {
    var directory = Directory()
    var notices: [DirectoryNotice] = []
    private var sequence: Int64 = 0

    mutating func play(_ events: DirectoryEvent...) throws {
        for event in events {
            sequence += 1
            notices.removeAll()
            let recorded = RecordedEvent(sequence: sequence, time: 1000 + sequence, event: event)
            try directory.apply(recorded, into: &notices)
        }
    }

    /// Users a, b and c; a group "g" of a and b; a's file "f" in it.
    static func group() throws -> DirectoryScript {
        var script = DirectoryScript()
        try script.play(
            .userCreated(user: "a", passkey: key(1)), .userCreated(user: "b", passkey: key(2)),
            .userCreated(user: "c", passkey: key(3)),
            .groupCreated(group: "g", kind: .open, owner: "a"),
            .joinRequested(group: "g", user: "b"), .memberAccepted(group: "g", user: "b"),
            .fileAdded(group: "g", file: file("f")), .shareAdded(group: "g", name: "f", user: "a"))
        return script
    }
}

func key(_ number: UInt64) -> Passkey {
    var generator = SmallGenerator(seed: number)
    return Passkey(random: &generator)
}

func hash(_ text: String) -> InfoHash { InfoHash(SHA1Hasher.hash(Array(text.utf8))) }

func file(_ name: String, group: String = "g", by user: String = "a") -> FileRecord {
    FileRecord(
        name: name, infoHash: hash("\(group)/\(name)"), size: 100, sha1: SHA1Hasher.hash([]),
        pieceLength: 16384, pieceCount: 1, addedBy: user)
}

@Suite struct DirectoryTests {
    @Test func `a request tells the owner and the one who asks`() throws {
        var script = try DirectoryScript.group()
        try script.play(.joinRequested(group: "g", user: "c"))
        let change = MembershipEvent(groupID: "g", userID: "c", change: .requested)
        #expect(script.notices == [.membership(change, to: [0, 2])])
        #expect(script.directory.group("g")?.hasRequest(of: 2) == true)
        #expect(script.directory.group("g")?.isMember(2) == false)
    }

    @Test func `accepting makes a member, with passkey access to the group's files`() throws {
        var script = try DirectoryScript.group()
        let f = hash("g/f")
        #expect(script.directory.isMember(2, ofGroupOwning: f) == false)
        try script.play(
            .joinRequested(group: "g", user: "c"), .memberAccepted(group: "g", user: "c"))
        let change = MembershipEvent(groupID: "g", userID: "c", change: .accepted)
        #expect(script.notices == [.membership(change, to: [0, 1, 2])])
        #expect(script.directory.isMember(2, ofGroupOwning: f) == true)
        #expect(script.directory.group("g")?.requests == [])
        #expect(script.directory.users[2].groups == ["g"])
    }

    @Test func `a rejected request is gone`() throws {
        var script = try DirectoryScript.group()
        try script.play(
            .joinRequested(group: "g", user: "c"), .requestRejected(group: "g", user: "c"))
        let change = MembershipEvent(groupID: "g", userID: "c", change: .rejected)
        #expect(script.notices == [.membership(change, to: [0, 2])])
        #expect(script.directory.group("g")?.hasRequest(of: 2) == false)
    }

    @Test func `a member who leaves takes the shares along and is to be dropped from swarms`()
        throws
    {
        var script = try DirectoryScript.group()
        try script.play(
            .shareAdded(group: "g", name: "f", user: "b"),
            .memberLeft(group: "g", user: "b", removed: true))
        let change = MembershipEvent(groupID: "g", userID: "b", change: .removed)
        #expect(
            script.notices == [
                .membership(change, to: [0, 1]), .memberExcluded(1, from: [hash("g/f")]),
            ])
        #expect(script.directory.file("f", of: "g")?.sharers == [0])
        #expect(script.directory.isMember(1, ofGroupOwning: hash("g/f")) == false)
        #expect(script.directory.users[1].groups == [])
    }

    @Test func `shares come and go and every member is told`() throws {
        var script = try DirectoryScript.group()
        let share = DirectoryNotice.Share(
            group: "g", name: "f", infoHash: hash("g/f"), user: 1)
        try script.play(.shareAdded(group: "g", name: "f", user: "b"))
        #expect(script.notices == [.share(share, isSharing: true, to: [0, 1])])
        #expect(script.directory.shares(of: 1, limit: 9).map(\.file.record.name) == ["f"])
        try script.play(.shareRemoved(group: "g", name: "f", user: "b"))
        #expect(script.notices == [.share(share, isSharing: false, to: [0, 1])])
        #expect(script.directory.shares(of: 1, limit: 9).isEmpty)
    }

    @Test func `a file that leaves the catalogue ends its swarm`() throws {
        var script = try DirectoryScript.group()
        try script.play(.fileRemoved(group: "g", name: "f"))
        let change = CatalogueEvent(groupID: "g", name: "f", change: .removed)
        #expect(
            script.notices == [.catalogue(change, to: [0, 1]), .swarmEnded(hash("g/f"))])
        #expect(script.directory.file(hash("g/f")) == nil)
        #expect(script.directory.isMember(0, ofGroupOwning: hash("g/f")) == false)
    }

    @Test func `two spellings of one character are two names`() throws {
        var script = try DirectoryScript.group()
        let names = ["caf\u{e9}", "cafe\u{301}"]
        for name in names { try script.play(.fileAdded(group: "g", file: file(name))) }
        for name in names {
            try script.play(.shareAdded(group: "g", name: name, user: "a"))
            try script.play(.shareRemoved(group: "g", name: name, user: "a"))
            try script.play(.fileRemoved(group: "g", name: name))
        }
        let found = script.directory.group("g")
        let group = try #require(found)
        #expect(script.directory.files(of: group).map(\.record.name) == ["f"])
    }

    @Test func `a deleted group leaves nothing behind, and its place is taken again`() throws {
        var script = try DirectoryScript.group()
        try script.play(.groupDeleted(group: "g"))
        #expect(script.notices == [.swarmEnded(hash("g/f"))])
        #expect(script.directory.groups.isEmpty)
        #expect(script.directory.users.allSatisfy { $0.groups.isEmpty })
        try script.play(
            .groupCreated(group: "h", kind: .open, owner: "c"),
            .fileAdded(group: "h", file: file("f", group: "h", by: "c")))
        #expect(script.directory.isMember(2, ofGroupOwning: hash("h/f")) == true)
        #expect(script.directory.isMember(0, ofGroupOwning: hash("h/f")) == false)
        #expect(script.directory.isMember(0, ofGroupOwning: hash("g/f")) == false)
    }

    @Test func `an ended session is unknown and its stream is to be closed`() throws {
        var script = try DirectoryScript.group()
        let id = try #require(SessionID([UInt8](repeating: 7, count: 32)))
        try script.play(.sessionOpened(session: id, user: "b", port: 5000))
        #expect(script.directory.session(id) == Directory.Session(user: 1, port: 5000))
        try script.play(.sessionEnded(session: id))
        let ended = Directory.Session(user: 1, port: 5000)
        #expect(script.notices == [.sessionEnded(id, ended)])
        #expect(script.directory.session(id) == nil)
        #expect(script.directory.users[1].sessions == [])
    }

    @Test func `an event that was applied is not applied again`() throws {
        var script = try DirectoryScript.group()
        var notices: [DirectoryNotice] = []
        let old = RecordedEvent(
            sequence: 8, time: 0, event: .shareAdded(group: "g", name: "f", user: "b"))
        try script.directory.apply(old, into: &notices)
        #expect(notices.isEmpty)
        #expect(script.directory.file("f", of: "g")?.sharers == [0])
        #expect(script.directory.appliedThrough == 8)
    }

    @Test(arguments: [
        DirectoryEvent.groupCreated(group: "x", kind: .open, owner: "nobody"),
        .joinRequested(group: "none", user: "a"), .userCreated(user: "a", passkey: key(9)),
        .fileRemoved(group: "g", name: "none"), .groupDeleted(group: "none"),
        .shareAdded(group: "g", name: "none", user: "a"),
    ])
    func `an event that doesn't fit is refused`(event: DirectoryEvent) throws {
        var script = try DirectoryScript.group()
        #expect(throws: DirectoryInconsistency.self) { try script.play(event) }
    }

    @Test func `events and passkeys survive their JSON form`() throws {
        let id = try #require(SessionID([UInt8](repeating: 0xab, count: 32)))
        let events: [DirectoryEvent] = [
            .userCreated(user: "a", passkey: key(1)),
            .sessionOpened(session: id, user: "a", port: 1), .sessionEnded(session: id),
            .fileAdded(group: "g", file: file("ü \"f\"")),
            .memberLeft(group: "g", user: "a", removed: true),
            .hashRegistered(infoHash: hash("h"), user: "a"),
            .hashWithdrawn(infoHash: hash("h"), user: "a"),
        ]
        for event in events {
            let json = WireJSON.encode(event)
            #expect(try WireJSON.decode(DirectoryEvent.self, from: json) == event)
        }
    }

    @Test func `a passkey never prints itself`() {
        #expect("\(key(1))" == "[redacted]")
        #expect(Passkey(hex: key(1).hex) == key(1))
        #expect(Passkey(hex: key(1).hex.uppercased()) == key(1))
        #expect(Passkey(hex: String(key(1).hex.dropLast())) == nil)
        #expect(Passkey(hex: String(repeating: "g", count: 32)) == nil)
    }
}

@Suite struct AnnounceDecisionTests {
    private func decide(
        _ passkey: Passkey?, _ infoHash: InfoHash, open: OpenSwarms = .on
    ) throws -> AnnounceDecision {
        try DirectoryScript.group().directory.decide(
            passkey: passkey, infoHash: infoHash, openSwarms: open)
    }

    @Test func `a member may announce the group's files and nothing else`() throws {
        #expect(try decide(key(2), hash("g/f")) == .allowed(user: 1))
        #expect(try decide(key(2), hash("other")) == .refused(.notRegistered))
    }

    @Test func `a user who isn't a member gets the same answer as for an unknown file`() throws {
        #expect(try decide(key(3), hash("g/f")) == .refused(.notRegistered))
    }

    @Test func `an unknown passkey is refused`() throws {
        #expect(try decide(key(4), hash("g/f")) == .refused(.unknownPasskey))
    }

    @Test func `without a passkey only open swarms are announced, where they are on`() throws {
        #expect(try decide(nil, hash("other")) == .allowed(user: nil))
        #expect(try decide(nil, hash("g/f")) == .refused(.passkeyMissing))
        #expect(try decide(nil, hash("other"), open: .off) == .refused(.openSwarmsOff))
        #expect(try decide(nil, hash("g/f"), open: .off) == .refused(.passkeyMissing))
    }

    @Test func `where that is asked for, swarms are open as long as a user has them registered`()
        throws
    {
        var script = try DirectoryScript.group()
        func decide() -> AnnounceDecision {
            script.directory.decide(
                passkey: nil, infoHash: hash("other"), openSwarms: .registered)
        }
        #expect(decide() == .refused(.notOpen))
        for user in ["a", "b", "b"] {
            try script.play(.hashRegistered(infoHash: hash("other"), user: user))
        }
        #expect(decide() == .allowed(user: nil))
        try script.play(.hashWithdrawn(infoHash: hash("other"), user: "a"))
        #expect(script.notices.isEmpty && decide() == .allowed(user: nil))
        try script.play(.hashWithdrawn(infoHash: hash("other"), user: "b"))
        #expect(script.notices == [.hashWithdrawn(hash("other"))])
        #expect(decide() == .refused(.notOpen))
        try script.play(.hashRegistered(infoHash: hash("g/f"), user: "b"))
        let group = script.directory.decide(
            passkey: nil, infoHash: hash("g/f"), openSwarms: .registered)
        #expect(group == .refused(.passkeyMissing))
    }
}
