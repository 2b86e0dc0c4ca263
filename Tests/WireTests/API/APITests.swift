import Testing

@testable import Wire

struct APITests {
    private static let infoHash = InfoHash(hex: "000102030405060708090a0b0c0d0e0f10111213")!
    private static let hex = "000102030405060708090a0b0c0d0e0f10111213"

    private func check<T: Codable & Equatable>(_ value: T, _ json: String) throws {
        let bytes = WireJSON.encode(value)
        #expect(String(decoding: bytes, as: UTF8.self) == json)
        #expect(try WireJSON.decode(T.self, from: bytes) == value)
        for count in 0..<bytes.count {
            #expect(throws: JSONError.self) {
                try WireJSON.decode(T.self, from: bytes.prefix(count))
            }
        }
    }

    @Test func `the bodies of accounts and sessions have the documented form`() throws {
        try check(
            NetworkInfo(networkID: "ab", version: "1.0", openSwarms: true),
            #"{"network_id":"ab","open_swarms":true,"version":"1.0"}"#)
        try check(
            CreateUserRequest(userID: "ann", password: "pä\"ss"),
            #"{"password":"pä\"ss","user_id":"ann"}"#)
        try check(CreateUserResponse(userID: "ann"), #"{"user_id":"ann"}"#)
        try check(
            LoginRequest(
                userID: "ann", password: "x", port: 6881, peerID: PeerID(hex: Self.hex)!),
            #"{"password":"x","peer_id":"\#(Self.hex)","port":6881,"user_id":"ann"}"#)
        try check(
            LoginResponse(token: "t", userID: "ann", passkey: "p", networkID: "n"),
            #"{"network_id":"n","passkey":"p","token":"t","user_id":"ann"}"#)
        try check(
            SessionInfo(userID: "ann", passkey: "p", networkID: "n"),
            #"{"network_id":"n","passkey":"p","user_id":"ann"}"#)
        try check(
            APIErrorBody(code: "name_taken", message: "m"),
            #"{"error":{"code":"name_taken","message":"m"}}"#)
    }

    @Test func `the bodies of groups have the documented form`() throws {
        let group = GroupSummary(
            groupID: "g", owner: "ann", kind: .open, members: 2, isMember: true, isPending: false)
        try check(
            GroupList(groups: [group]),
            #"{"groups":[{"group_id":"g","is_member":true,"is_pending":false,"#
                + #""kind":"open","members":2,"owner":"ann"}]}"#)
        try check(
            CreateGroupRequest(groupID: "g", kind: .sealed), #"{"group_id":"g","kind":"sealed"}"#)
        try check(
            RequestList(requests: [MembershipRequest(userID: "bob", requestedAt: 1_700_000_000)]),
            #"{"requests":[{"requested_at":1700000000,"user_id":"bob"}]}"#)
        try check(
            MembershipRemovedResponse(newOwner: "bob", groupDeleted: false),
            #"{"group_deleted":false,"new_owner":"bob"}"#)
        try check(
            MembershipRemovedResponse(groupDeleted: true), #"{"group_deleted":true}"#)
    }

    @Test func `the bodies of files have the documented form`() throws {
        let summary =
            #""info_hash":"\#(Self.hex)","name":"a/b","#
        let sha1 = SHA1Digest(hex: Self.hex)!
        try check(
            FileList(files: [
                FileSummary(
                    name: "a/b", size: 1 << 40, infoHash: Self.infoHash, sha1: sha1,
                    sharersOnline: 1, sharers: 2)
            ]),
            #"{"files":[{\#(summary)"sha1":"\#(Self.hex)","sharers":2,"#
                + #""sharers_online":1,"size":1099511627776}]}"#)
        try check(
            FileSummary(
                name: "dir", size: 1, infoHash: Self.infoHash, sha1: nil, fileCount: 2,
                sharersOnline: 0, sharers: 1),
            #"{"file_count":2,"info_hash":"\#(Self.hex)","name":"dir","sharers":1,"#
                + #""sharers_online":0,"size":1}"#)
        try check(AddFileRequest(info: Base64Bytes(Array("de"))), #"{"info":"ZGU="}"#)
        try check(
            AddFileResponse(infoHash: Self.infoHash, created: true),
            #"{"created":true,"info_hash":"\#(Self.hex)"}"#)
        try check(
            HoldingsReport(holdings: [
                Holding(infoHash: Self.infoHash, bitfield: Base64Bytes([0xff, 0x80]))
            ]),
            #"{"holdings":[{"bitfield":"/4A=","info_hash":"\#(Self.hex)"}]}"#)
        let description = FileDescription(
            name: "n", size: 3, infoHash: Self.infoHash, sha1: sha1, sharersOnline: 0, sharers: 1,
            pieceLength: 16_384, pieceCount: 1, addedBy: "ann", addedAt: 5)
        let details = FileDetails(
            file: description, info: Base64Bytes([]),
            sharers: [SharerInfo(userID: "ann", online: false, pieces: 1)])
        #expect(
            try WireJSON.decode(FileDetails.self, from: WireJSON.encode(details)) == details)
    }

    @Test(arguments: [
        TrackerEvent.hello(HelloEvent(instance: "i")),
        .passkey(PasskeyEvent(passkey: "k")),
        .membership(MembershipEvent(groupID: "g", userID: "u", change: .owner)),
        .catalogue(CatalogueEvent(groupID: "g", name: "line\nbreak", change: .removed)),
        .share(
            ShareEvent(groupID: "g", name: "n", infoHash: infoHash, userID: "u", online: true)),
    ])
    func `tracker events round-trip`(event: TrackerEvent) throws {
        let sent = event.serverSentEvent
        #expect(!sent.data.contains("\n"))
        #expect(try TrackerEvent.decode(sent) == event)
    }

    @Test func `events of unknown kinds are passed over and damaged ones named`() throws {
        #expect(try TrackerEvent.decode(ServerSentEvent(event: "later", data: "?")) == nil)
        #expect(throws: JSONError.self) {
            try TrackerEvent.decode(ServerSentEvent(event: "hello", data: "{}"))
        }
    }

    @Test(arguments: [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "has the wrong type"),
        ("{\"holdings\":null}", "holdings: must not be null"),
        ("{}", "holdings: is missing"),
        ("{\"holdings\":[{}]}", "holdings[0].info_hash: is missing"),
        (
            "{\"holdings\":[{\"info_hash\":\"zz\",\"bitfield\":\"\"}]}",
            "holdings[0].info_hash: must be 40 hexadecimal digits"
        ),
        (
            "{\"holdings\":[{\"info_hash\":\"\(hex)\",\"bitfield\":\"*\"}]}",
            "holdings[0].bitfield: is not Base64"
        ),
    ])
    func `what is wrong with a document is named`(json: String, problem: String) {
        let error = #expect(throws: JSONError.self) {
            try WireJSON.decode(HoldingsReport.self, from: json.utf8)
        }
        #expect(error?.description == problem)
    }

    @Test func `random and damaged documents never trap`() {
        var generator = SeededGenerator(seed: 10)
        let valid = WireJSON.encode(
            LoginRequest(
                userID: "ann", password: "x", port: 6881, peerID: PeerID(hex: Self.hex)!))
        for round in 0..<600 {
            let bytes = round % 3 == 0 ? generator.bytes(40) : generator.mutated(valid)
            _ = try? WireJSON.decode(LoginRequest.self, from: bytes)
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: JSONError.self) { try WireJSON.decode(LoginRequest.self, from: deep) }
    }
}
