import Testing
import Wire

@testable import Tracker

@Suite struct FileAPITests {
    @Test func `a file is added, listed and described`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let info = try ann.info("a file.txt", in: "g")
        let request = AddFileRequest(info: Base64Bytes(info.encoded))
        let added = try ann.call(.post, "/groups/g/files", request)
        #expect(
            try added.decode(AddFileResponse.self, status: 201)
                == AddFileResponse(infoHash: info.infoHash, created: true))
        let list = try ann.call(.get, "/groups/g/files").decode(FileList.self)
        let summary = FileSummary(
            name: "a file.txt", size: 40_000, infoHash: info.infoHash, sha1: info.sha1!,
            sharersOnline: 0, sharers: 1)
        #expect(list.files == [summary])
        let details = try ann.call(.get, "/groups/g/files/a%20file.txt")
            .decode(FileDetails.self)
        #expect(details.info.bytes == info.encoded)
        #expect(details.file.pieceLength == 16_384 && details.file.pieceCount == 3)
        #expect(details.file.addedBy == "ann" && details.file.addedAt > 1_700_000_000)
        #expect(details.sharers == [SharerInfo(userID: "ann", online: false, pieces: 3)])
    }

    @Test func `a directory is one entry, whose size leaves out pads`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let info = try ann.directory("photos", in: "g")
        let request = AddFileRequest(info: Base64Bytes(info.encoded))
        let added = try ann.call(.post, "/groups/g/files", request)
        #expect(
            try added.decode(AddFileResponse.self, status: 201)
                == AddFileResponse(infoHash: info.infoHash, created: true))
        let list = try bob.call(.get, "/groups/g/files").decode(FileList.self)
        let summary = FileSummary(
            name: "photos", size: 20_001, infoHash: info.infoHash, sha1: nil, fileCount: 3,
            sharersOnline: 0, sharers: 1)
        #expect(list.files == [summary])
        let details = try bob.call(.get, "/groups/g/files/photos").decode(FileDetails.self)
        #expect(try Info(decoding: details.info.bytes) == info)
        #expect(details.file.fileCount == 3 && details.file.pieceCount == 3)
        #expect(details.file.size == 20_001 && details.file.sha1 == nil)
        let file = AddFileRequest(info: Base64Bytes(try bob.info("photos", in: "g").encoded))
        #expect(try bob.call(.post, "/groups/g/files", file).errorCode == "name_taken")
    }

    @Test func `a directory whose files lack hashes is refused by the file's name`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let info = try ann.directory("photos", in: "g", sha1: nil)
        let request = AddFileRequest(info: Base64Bytes(info.encoded))
        let answer = try ann.call(.post, "/groups/g/files", request)
        #expect(answer.errorCode == "invalid_info")
        #expect(answer.errorMessage?.contains("'sha1' of 'a/small' is missing") == true)
    }

    @Test func `names of every kind survive the path`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        for name in ["ä ö", "100%", "a?b#c", "..a", "\"q\"", "&=+", "line\nbreak"] {
            try ann.addFile(name, to: "g")
            let path = "/groups/g/files/" + PercentEncoding.encode(name)
            #expect(try ann.call(.get, path).decode(FileDetails.self).file.name == name)
        }
    }

    @Test func `the same file makes another sharer, another one of its name is refused`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        try ann.addFile("f", to: "g")
        let same = AddFileRequest(info: Base64Bytes(try bob.info("f", in: "g").encoded))
        let shared = try bob.call(.post, "/groups/g/files", same)
        #expect(try shared.decode(AddFileResponse.self).created == false)
        let other = AddFileRequest(info: Base64Bytes(try bob.info("f", in: "g", seed: 9).encoded))
        let refused = try bob.call(.post, "/groups/g/files", other)
        #expect(refused.status == 409)
        #expect(refused.errorCode == "name_taken")
        let details = try ann.call(.get, "/groups/g/files/f").decode(FileDetails.self)
        #expect(details.sharers.map(\.userID) == ["ann", "bob"])
    }

    @Test func `an info dictionary that doesn't belong here is refused`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        try ann.createGroup("h")
        let good = try ann.info("f", in: "g")
        var wrongs: [[UInt8]] = [
            try ann.info("f", in: "h").encoded,
            try ann.info("f", in: "g", isPrivate: false).encoded,
            Array(good.encoded.dropLast()), good.encoded + [0], [], Array("le".utf8),
        ]
        wrongs.append(
            try Info(
                name: "f", length: 1, pieceLength: 16_384,
                pieces: [UInt8](repeating: 0, count: 20), isPrivate: true, sha1: nil,
                source: good.source
            ).encoded)
        for encoded in wrongs {
            let request = AddFileRequest(info: Base64Bytes(encoded))
            let answer = try ann.call(.post, "/groups/g/files", request)
            #expect(answer.status == 400)
            #expect(answer.errorCode == "invalid_info")
        }
        let notBase64 = try ann.client.call(
            .post, "/api/v1/groups/g/files", token: ann.session.token, body: ["info": "%%%"])
        #expect(notBase64.errorCode == "invalid_request")
    }

    @Test func `an empty file is a file`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let info = try Info(
            name: "empty", length: 0, pieceLength: 16_384, pieces: [], isPrivate: true,
            sha1: SHA1Hasher.hash([]), source: "\(ann.session.networkID)/g")
        let request = AddFileRequest(info: Base64Bytes(info.encoded))
        #expect(try ann.call(.post, "/groups/g/files", request).status == 201)
        let holding = Holding(infoHash: info.infoHash, bitfield: Base64Bytes([]))
        #expect(
            try ann.call(.put, "/holdings", HoldingsReport(holdings: [holding])).status == 204)
    }

    @Test func `sharing stops and starts, and the last one takes the file along`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        try ann.addFile("f", to: "g")
        #expect(try bob.call(.put, "/groups/g/files/f/share").status == 204)
        #expect(try ann.call(.delete, "/groups/g/files/f/share").status == 204)
        let list = try ann.call(.get, "/groups/g/files").decode(FileList.self)
        #expect(list.files.map(\.sharers) == [1])
        #expect(try bob.call(.delete, "/groups/g/files/f/share").status == 204)
        #expect(try bob.call(.get, "/groups/g/files").decode(FileList.self).files.isEmpty)
        #expect(try ann.call(.put, "/groups/g/files/f/share").errorCode == "no_such_file")
    }

    @Test func `who holds which pieces is known, also of those who still download`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob", peerPort: 6000))
        try ann.createGroup("g")
        try bob.join("g", of: ann)
        let f = try ann.addFile("f", to: "g")
        let stream = try bob.events()
        let partial = Holding(infoHash: f, bitfield: Base64Bytes([0b1010_0000]))
        let report = HoldingsReport(holdings: [partial])
        #expect(try bob.call(.put, "/holdings", report).status == 204)
        var details = try ann.call(.get, "/groups/g/files/f").decode(FileDetails.self)
        #expect(
            details.sharers == [
                SharerInfo(userID: "ann", online: false, pieces: 3),
                SharerInfo(userID: "bob", online: true, pieces: 2),
            ])
        #expect(try ann.call(.put, "/holdings", report).status == 204)
        details = try ann.call(.get, "/groups/g/files/f").decode(FileDetails.self)
        #expect(details.sharers[0].pieces == 2)
        withExtendedLifetime(stream) {}
    }

    @Test func `holdings of foreign files and wrong bitfields are refused whole`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let good = Holding(infoHash: f, bitfield: Base64Bytes([0xe0]))
        let tooLong = Holding(infoHash: f, bitfield: Base64Bytes([0, 0]))
        let spareBits = Holding(infoHash: f, bitfield: Base64Bytes([0xff]))
        let foreign = try bob.call(.put, "/holdings", HoldingsReport(holdings: [good]))
        #expect(foreign.status == 404)
        #expect(foreign.errorCode == "no_such_file")
        for wrong in [tooLong, spareBits] {
            let answer = try ann.call(
                .put, "/holdings", HoldingsReport(holdings: [good, wrong]))
            #expect(answer.errorCode == "invalid_bitfield")
        }
        #expect(tracker.inspect { $0.presence.holders(of: f).count } == 0)
    }

    @Test func `a long report is taken like a short one`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        let holding = Holding(infoHash: f, bitfield: Base64Bytes([0xe0]))
        let report = HoldingsReport(holdings: Array(repeating: holding, count: 1000))
        #expect(try ann.call(.put, "/holdings", report).status == 204)
        let wrong = Holding(infoHash: f, bitfield: Base64Bytes([0xff]))
        let wrongReport = HoldingsReport(holdings: report.holdings + [wrong])
        #expect(try ann.call(.put, "/holdings", wrongReport).errorCode == "invalid_bitfield")
        let spaces = [UInt8](repeating: 0x20, count: 40_000)
        try ann.client.send(
            ann.client.request(
                .put, "/api/v1/holdings", token: ann.session.token, body: spaces))
        #expect(try ann.client.answer(to: .put).errorCode == "invalid_request")
    }

    @Test func `bodies have their limits`() throws {
        let tracker = try RunningTracker()
        let client = try tracker.connect()
        let password = String(repeating: "x", count: 20_000)
        let account = CreateUserRequest(userID: "ann", password: password)
        let answer = try client.call(.post, "/api/v1/users", body: account)
        #expect(answer.status == 413)
        #expect(answer.errorCode == "too_large")
    }
}

@Suite struct RestartTests {
    @Test func `after a restart all that was answered is there, tokens included`() throws {
        let first = try RunningTracker()
        let ann = try first.member("ann")
        try ann.createGroup("g")
        let f = try ann.addFile("f", to: "g")
        #expect(first.stop())
        let second = try RunningTracker(folder: first.folder)
        let client = try second.connect()
        let token = ann.session.token
        let info = try client.call(.get, "/api/v1/sessions/current", token: token)
            .decode(SessionInfo.self)
        #expect(info.passkey == ann.session.passkey)
        #expect(info.networkID == ann.session.networkID)
        let files = try client.call(.get, "/api/v1/groups/g/files", token: token)
            .decode(FileList.self)
        #expect(files.files.map(\.infoHash) == [f])
        let answer = try client.announce(f, passkey: info.passkey, port: 5000)
        #expect(answer.complete == 1)
    }

    @Test func `each run has another instance`() throws {
        let first = try RunningTracker()
        let ann = try first.member("ann")
        let one = try TestEventStream(
            port: first.port, token: ann.session.token, expectingHello: false
        ).next()
        #expect(first.stop())
        let second = try RunningTracker(folder: first.folder)
        let two = try TestEventStream(
            port: second.port, token: ann.session.token, expectingHello: false
        ).next()
        #expect(one != two)
    }
}
