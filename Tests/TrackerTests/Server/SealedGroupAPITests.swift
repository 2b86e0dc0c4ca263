import Certificates
import Foundation
import Testing
import Wire

@testable import Tracker

@Suite struct SealedGroupAPITests {
    private func create(_ group: String, _ owner: TestMember) throws {
        let request = CreateGroupRequest(groupID: group, kind: .sealed)
        #expect(try owner.call(.post, "/groups", request).status == 201)
    }

    private func ask(_ group: String, _ member: TestMember) throws -> TestAnswer {
        let request = try CertificateRequest(key: PrivateKey()).pem()
        return try member.call(
            .post, "/groups/\(group)/certificate",
            GroupCertificateRequest(request: String(decoding: request, as: UTF8.self)))
    }

    private func certificate(
        _ group: String, _ member: TestMember
    ) throws -> GroupCertificateResponse {
        try ask(group, member).decode(GroupCertificateResponse.self)
    }

    @Test func `a member gets a certificate of the group's authority for an hour`() throws {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try create("s", ann)
        let groups = try ann.call(.get, "/groups").decode(GroupList.self)
        #expect(groups.groups.map(\.kind) == [.sealed])
        let answer = try certificate("s", ann)
        let certificate = try Certificate(pem: Array(answer.certificate.utf8))
        #expect(certificate.commonName == "ann" && certificate.names(host: "*"))
        #expect((3000...3300).contains(certificate.secondsLeft))
        #expect(try self.certificate("s", ann).authority == answer.authority)
        #expect(answer.left.isEmpty)
    }

    @Test func `ids of 64 letters are a group's and a member's too`() throws {
        let tracker = try RunningTracker()
        let longest = String(repeating: "x", count: 64)
        let ann = try tracker.member(longest)
        try create(longest, ann)
        let answer = try certificate(longest, ann)
        #expect(try Certificate(pem: Array(answer.certificate.utf8)).commonName == longest)
    }

    @Test func `nobody else gets one`() throws {
        let tracker = try RunningTracker()
        let (ann, eve) = (try tracker.member("ann"), try tracker.member("eve"))
        try create("s", ann)
        try ann.createGroup("o")
        #expect(try ask("s", eve).errorCode == "not_member")
        #expect(try ask("x", eve).errorCode == "no_such_group")
        #expect(try ask("o", ann).errorCode == "not_sealed")
        let nonsense = GroupCertificateRequest(request: "nonsense")
        let answer = try ann.call(.post, "/groups/s/certificate", nonsense)
        #expect(answer.errorCode == "invalid_request")
    }

    @Test func `who has left is named to who asks, until readmitted`() throws {
        let tracker = try RunningTracker()
        let (ann, bob) = (try tracker.member("ann"), try tracker.member("bob"))
        try create("s", ann)
        try bob.join("s", of: ann)
        #expect(try certificate("s", bob).left.isEmpty)
        #expect(try ann.call(.delete, "/groups/s/members/bob").status == 200)
        #expect(try certificate("s", ann).left == ["bob"])
        #expect(try ask("s", bob).errorCode == "not_member")
        try bob.join("s", of: ann)
        #expect(try certificate("s", ann).left.isEmpty)
    }

    @Test func `files of a sealed group have its authority's certificate, others have none`() throws
    {
        let tracker = try RunningTracker()
        let ann = try tracker.member("ann")
        try create("s", ann)
        try ann.createGroup("o")
        let authority = Array(try certificate("s", ann).authority.utf8)
        func add(_ group: String, _ certificate: [UInt8]?) throws -> TestAnswer {
            let info = try Info(
                name: "f", length: 3, pieceLength: 16_384,
                pieces: [UInt8](repeating: 0, count: 20), isPrivate: true,
                sha1: SHA1Hasher.hash([]), source: "\(ann.session.networkID)/\(group)",
                sslCertificate: certificate)
            return try ann.call(
                .post, "/groups/\(group)/files", AddFileRequest(info: Base64Bytes(info.encoded)))
        }
        #expect(try add("s", nil).errorCode == "invalid_info")
        #expect(try add("s", Array("another".utf8)).errorCode == "invalid_info")
        #expect(try add("s", authority).status == 201)
        #expect(try add("o", authority).errorCode == "invalid_info")
        #expect(try add("o", nil).status == 201)
    }

    @Test func `the authority's key is in the database under the tracker's key alone`() throws {
        let folder = try TemporaryFolder()
        let first = try RunningTracker(folder: folder)
        let ann = try first.member("ann")
        try create("s", ann)
        let known = try certificate("s", ann).authority
        #expect(first.stop())
        // The write-ahead log may have what isn't in the file yet.
        let database = ["/tracker.db", "/tracker.db-wal"].reduce(into: Data()) { all, name in
            all += (try? Data(contentsOf: URL(fileURLWithPath: folder.path + name))) ?? Data()
        }
        #expect(database.range(of: Data("BEGIN CERTIFICATE".utf8)) != nil)
        #expect(database.range(of: Data("PRIVATE KEY".utf8)) == nil)
        // A tracker of the same network with the same key signs on, one with another doesn't.
        let second = try RunningTracker(folder: folder)
        let again = try second.logIn("ann")
        #expect(try certificate("s", again).authority == known)
        #expect(second.stop())
        try FileManager.default.removeItem(atPath: folder.path + "/secret.key")
        let third = try RunningTracker(folder: folder)
        #expect(try ask("s", try third.logIn("ann")).errorCode == "key_missing")
        #expect(third.stop())
    }
}
