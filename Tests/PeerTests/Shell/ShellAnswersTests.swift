import Testing
import Wire

@testable import Peer

/// What commands print on a pipe: the form that scripts rely on.
struct ShellAnswersTests {
    private let scratch = ScratchDirectory()

    private func answers(
        to line: String, _ change: (inout FakePeer.Answers) -> Void = { _ in }
    ) -> ShellOnPipes.Ended {
        var answers = FakePeer.Answers()
        change(&answers)
        let peer = FakePeer(dataDirectory: scratch.path, answers: answers)
        let shell = ShellOnPipes(service: peer, scratch: scratch)
        shell.send(line + "\n")
        return shell.end()
    }

    private func digest(_ byte: UInt8) throws -> SHA1Digest {
        try #require(SHA1Digest([UInt8](repeating: byte, count: 20)))
    }

    private func infoHash(_ byte: UInt8) throws -> InfoHash {
        try #require(InfoHash([UInt8](repeating: byte, count: 20)))
    }

    @Test func `login tells what goes on, and problems as warnings that are no failure`() {
        let ended = answers(to: "login alice x") {
            $0.login = LoginSummary(
                userID: "alice", sharesRestored: 2, downloadsResumed: 1,
                problems: ["/tmp/\u{1B}f has changed: not shared"])
        }
        #expect(ended.output == "logged in as alice, 2 files shared again, 1 download resumed\n")
        #expect(ended.errors == "warning: /tmp/\\u{1b}f has changed: not shared\n")
        #expect(ended.code == .success)
    }

    @Test(arguments: [("passkey", "old-key\n"), ("passkey reset", "new-key\n")])
    func `a passkey is a line of its own, the new one too`(line: String, text: String) {
        let ended = answers(to: line)
        #expect(ended.output == text)
        #expect(ended.code == .success)
    }

    @Test(arguments: [
        (MembershipRemovedResponse(groupDeleted: false), "left g\n"),
        (
            MembershipRemovedResponse(newOwner: "bob", groupDeleted: false),
            "left g; bob owns it now\n"
        ),
        (
            MembershipRemovedResponse(groupDeleted: true),
            "left g; you were its last member, so it is deleted\n"
        ),
    ])
    func `leaving tells what became of the group`(
        response: MembershipRemovedResponse, text: String
    ) {
        #expect(answers(to: "leave_group g") { $0.leaving = response }.output == text)
    }

    @Test func `groups are a tab-separated line each`() {
        let ended = answers(to: "list_groups") {
            $0.user = "alice"
            $0.groups = [
                GroupSummary(
                    groupID: "a", owner: "alice", kind: .open, members: 1, isMember: true,
                    isPending: false),
                GroupSummary(
                    groupID: "b", owner: "bob", kind: .open, members: 12, isMember: true,
                    isPending: false),
                GroupSummary(
                    groupID: "c", owner: "bob", kind: .sealed, members: 3, isMember: false,
                    isPending: true),
                GroupSummary(
                    groupID: "d", owner: "bob", kind: .open, members: 3, isMember: false,
                    isPending: false),
            ]
        }
        #expect(
            ended.lines == [
                "a\talice\topen\t1\towner", "b\tbob\topen\t12\tmember",
                "c\tbob\tsealed\t3\tasked", "d\tbob\topen\t3\t-",
            ])
    }

    /// What a terminal would obey, or show in another order.
    private static let hostile = "a\u{1B}[2J\u{9B}31m\u{202E}\u{2066}\r\n\u{7F}b"

    @Test(arguments: [
        "list_groups", "list_files g", "list_requests g", "file_info g f", "show_downloads",
        "wait", "leave_group g", "login alice x", "upload_file f g", "share f m",
    ])
    func `nothing that others have named reaches the terminal unescaped`(line: String) throws {
        let name = Self.hostile
        let (sha1, infoHash) = (try digest(1), try infoHash(2))
        let ended = answers(to: line) {
            $0.login = LoginSummary(userID: name, problems: [name])
            $0.leaving = MembershipRemovedResponse(newOwner: name, groupDeleted: false)
            $0.requests = [MembershipRequest(userID: name, requestedAt: 0)]
            $0.groups = [
                GroupSummary(
                    groupID: name, owner: name, kind: .sealed, members: 1, isMember: true,
                    isPending: false)
            ]
            $0.files = [
                FileSummary(
                    name: name, size: 1, infoHash: infoHash, sha1: sha1, sharersOnline: 0,
                    sharers: 0)
            ]
            $0.details = FileDetails(
                file: FileDescription(
                    name: name, size: 1, infoHash: infoHash, sha1: sha1, sharersOnline: 0,
                    sharers: 1, pieceLength: 1, pieceCount: 1, addedBy: name, addedAt: 0),
                info: Base64Bytes([]),
                sharers: [SharerInfo(userID: name, online: true, pieces: 1)])
            $0.downloads = [
                .sample(name: name, state: .failed(CommandError(name))),
                .sample(name: name, state: .complete),
            ]
            $0.outcome = UploadOutcome(
                name: name, size: 1, infoHash: "", sha1: nil, fileCount: nil, pieceCount: 1,
                pieceLength: 1, created: true)
        }
        let text = ended.output + ended.errors
        #expect(text.contains("\\u{1b}[2J") && text.contains("\\u{202e}"), "\(line)")
        let unsafe = text.unicodeScalars.filter {
            !"\n\t".unicodeScalars.contains($0) && terminalSafe(String($0)) != String($0)
        }
        #expect(unsafe.isEmpty, "\(line): \(unsafe.map(\.value))")
        #expect(text.split(separator: "\n").allSatisfy { !$0.hasPrefix("b") })
    }

    @Test(arguments: ["list_groups", "list_files g", "list_requests g", "show_downloads", "wait"])
    func `an empty list has no lines`(line: String) {
        let ended = answers(to: line)
        #expect(ended.output == "")
        #expect(ended.code == .success)
    }

    @Test func `requests have a date`() {
        let ended = answers(to: "list_requests g") {
            $0.requests = [MembershipRequest(userID: "bob", requestedAt: 1_700_000_000)]
        }
        #expect(ended.output == "bob\t2023-11-14T22:13:20Z\n")
    }

    @Test func `files have their size in bytes, and hostile names are escaped`() throws {
        let ended = answers(to: "list_files g") {
            $0.files = [
                FileSummary(
                    name: "a\u{1B}]0;x\u{7}\t.bin", size: 536_870_912,
                    infoHash: InfoHash([UInt8](repeating: 1, count: 20))!,
                    sha1: SHA1Digest([UInt8](repeating: 2, count: 20))!, sharersOnline: 1,
                    sharers: 3)
            ]
        }
        #expect(ended.output == "a\\u{1b}]0;x\\u{7}\\t.bin\t536870912\t1/3\n")
    }

    @Test func `a file's facts and sharers are a line each`() throws {
        let details = FileDetails(
            file: FileDescription(
                name: "f.bin", size: 40_000, infoHash: try infoHash(0xAB), sha1: try digest(0xCD),
                sharersOnline: 1, sharers: 2, pieceLength: 16_384, pieceCount: 3,
                addedBy: "alice", addedAt: 1_700_000_000),
            info: Base64Bytes([]),
            sharers: [
                SharerInfo(userID: "alice", online: true, pieces: 3),
                SharerInfo(userID: "bob", online: false, pieces: 1),
            ])
        let ended = answers(to: "file_info g f.bin") { $0.details = details }
        #expect(
            ended.lines == [
                "name\tf.bin", "size\t40000", "sha1\t" + String(repeating: "cd", count: 20),
                "info_hash\t" + String(repeating: "ab", count: 20), "piece_length\t16384",
                "pieces\t3", "added\t2023-11-14T22:13:20Z by alice", "sharers\t1/2",
                "sharer\talice\tonline\t3/3", "sharer\tbob\toffline\t1/3",
            ])
    }

    @Test func `a directory's files are a line each, without pads`() throws {
        let sha1 = try digest(0xCD)
        let files = [
            Info.File(path: ["a\u{7}"], length: 1, sha1: sha1),
            Info.File(path: ["b", "c"], length: 20_000, sha1: sha1),
            Info.File(path: ["d"], length: 0),
        ]
        let info = try Info(
            name: "dir", files: Info.layout(of: files, pieceLength: 16_384), pieceLength: 16_384,
            pieces: [UInt8](repeating: 0, count: 60), isPrivate: true, source: "n/g")
        let description = FileDescription(
            name: "dir", size: 20_001, infoHash: info.infoHash, sha1: nil, fileCount: 3,
            sharersOnline: 1, sharers: 1, pieceLength: 16_384, pieceCount: 3, addedBy: "alice",
            addedAt: 1_700_000_000)
        let ended = answers(to: "file_info g dir/") {
            $0.details = FileDetails(
                file: description, info: Base64Bytes(info.encoded),
                sharers: [SharerInfo(userID: "alice", online: true, pieces: 3)])
        }
        #expect(
            ended.lines == [
                "name\tdir", "size\t20001", "files\t3", "info_hash\t\(info.infoHash.hex)",
                "piece_length\t16384", "pieces\t3", "added\t2023-11-14T22:13:20Z by alice",
                "sharers\t1/1", "sharer\talice\tonline\t3/3", "file\ta\\u{7}\t1\t\(sha1.hex)",
                "file\tb/c\t20000\t\(sha1.hex)", "file\td\t0\t-",
            ])
    }

    @Test func `an upload of a directory tells how many files it has`() {
        let ended = answers(to: "upload_file dir g") {
            $0.outcome = UploadOutcome(
                name: "dir", size: 2048, infoHash: "", sha1: nil, fileCount: 1, pieceCount: 1,
                pieceLength: 16_384, created: true)
        }
        #expect(ended.output == "sharing dir in g: 2.00 KiB in 1 file, 1 piece of 16.0 KiB\n")
    }

    @Test func `an upload tells sizes and hash, or that one is another sharer`() {
        let sha1 = String(repeating: "cd", count: 20)
        #expect(
            answers(to: "upload_file f g").output
                == "sharing f.bin in g: 1.00 MiB, 64 pieces of 16.0 KiB, sha1 \(sha1)\n")
        let joined = answers(to: "upload_file f g") {
            $0.outcome = UploadOutcome(
                name: "f.bin", size: 0, infoHash: "", sha1: sha1, fileCount: nil, pieceCount: 0,
                pieceLength: 0,
                created: false)
        }
        #expect(joined.output == "f.bin in g was there already: you are one of its sharers now\n")
        let empty = answers(to: "share f m") {
            $0.outcome = UploadOutcome(
                name: "f", size: 0, infoHash: "", sha1: sha1, fileCount: nil, pieceCount: 0,
                pieceLength: 16_384,
                created: true)
        }
        #expect(empty.output == "sharing f, described by m: 0 B, no pieces, sha1 \(sha1)\n")
    }

    @Test func `downloads begin with state, group and name, and more columns follow`() {
        let ended = answers(to: "show_downloads") {
            $0.downloads = [
                .sample(name: "a b", state: .downloading, verified: 250, rate: 100),
                .sample(state: .finishing, verified: 1000),
                .sample(
                    group: "", name: "c", state: .complete, verified: 1000,
                    contributions: [
                        .init(endpoint: "127.0.0.1:7001", bytes: 600),
                        .init(endpoint: "127.0.0.1:7002", bytes: 400),
                    ]),
                .sample(name: "d", state: .failed(CommandError("disk\nfull", .notEnoughDisk))),
            ]
        }
        #expect(
            ended.lines == [
                "[D] [g] a b\t25%\t250\t1000\t100\t8\t2\t-\t-",
                "[D] [g] f.bin\t100%\t1000\t1000\t0\t-\t2\t-\t-",
                "[C] [] c\t100%\t1000\t1000\t0\t-\t2\t127.0.0.1:7001=600,127.0.0.1:7002=400\t-",
                "[F] [g] d\t0%\t0\t1000\t0\t-\t2\t-\tdisk\\nfull",
            ])
        #expect(ended.code == .success)
    }

    @Test func `waiting fails with the cause of a download that failed`() {
        let ended = answers(to: "wait") {
            $0.downloads = [
                .sample(name: "a", state: .failed(CommandError("disk full", .notEnoughDisk))),
                .sample(name: "b", state: .failed(CommandError("other", .ioError))),
                .sample(name: "c", state: .complete, verified: 1000),
            ]
        }
        #expect(ended.lines.map { $0.prefix(9) } == ["[F] [g] a", "[F] [g] b", "[C] [g] c"])
        #expect(ended.errors == "error: a failed: disk full (and 1 more download)\n")
        #expect(ended.code == .notEnoughDisk)
    }

    @Test func `waiting for what isn't there is an error`() {
        let ended = answers(to: "wait nothing")
        #expect(
            ended.errors == "error: no download is named nothing: show_downloads lists them\n")
        #expect(ended.code == .notFound)
    }

    @Test func `help lists every command with its usage, or explains one`() {
        let ended = answers(to: "help")
        #expect(ended.lines.count == CommandTable.all.count)
        for command in CommandTable.all { #expect(ended.output.contains(command.usage + "\t")) }
        #expect(
            answers(to: "help leaves_group").lines == [
                "usage: leave_group <group_id>",
                "leave; an owner hands the group on, the last member's leaving deletes it",
                "also: leaves_group",
            ])
    }

    @Test func `an interrupt cancels waiting, and the next command runs`() {
        var answers = FakePeer.Answers()
        answers.blocks = true
        let peer = FakePeer(dataDirectory: scratch.path, answers: answers)
        let shell = ShellOnPipes(service: peer, scratch: scratch)
        shell.send("wait\njoin_group g\n")
        let turned = LimitedPoll { peer.calls == ["waitForDownloads *"] }
        #expect(turned.holds)
        peer.interrupt()
        let ended = shell.end()
        #expect(peer.calls.last == "joinGroup g")
        #expect(ended.errors == "error: cancelled\n")
        #expect(ended.code == .interrupted)
    }
}
