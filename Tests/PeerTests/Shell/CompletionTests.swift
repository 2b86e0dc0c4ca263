import Foundation
import Testing

@testable import Peer

struct CompletionTests {
    private let scratch = ScratchDirectory()
    private let seen: SeenNames = {
        var seen = SeenNames()
        seen.groups = ["family", "friends"]
        seen.users = ["alice", "bob"]
        seen.files = ["family": ["one.bin", "two.bin"]]
        seen.downloads = ["two.bin"]
        return seen
    }()

    private func words(_ line: String) -> [String] {
        Completion.candidates(for: line, seen: seen).map(\.word)
    }

    @Test(arguments: [
        ("cr", ["create_group", "create_user"]), ("leave", ["leave_group", "leaves_group"]),
        ("help lis", ["list_files", "list_groups", "list_requests"]),
        ("create_group x ", ["open", "sealed"]), ("join_group ", ["family", "friends"]),
        ("list_files fa", ["family"]), ("download_file family ", ["one.bin", "two.bin"]),
        ("download_file friends ", []), ("accept_request family b", ["bob"]),
        ("wait ", ["two.bin"]), ("login a", ["alice"]), ("login alice ", []),
        ("remove --", ["--data"]),
        ("download_file family one.bin /x --", ["--only", "--sequential"]),
        ("download_file family --only ", []), ("download_file --only x ", ["family", "friends"]),
        ("download_file --sequential family ", ["one.bin", "two.bin"]), ("list_groups ", []),
        ("nonsense ", []),
        ("list_files 'fa", ["family"]), ("limit ", ["down", "up"]), ("limit up o", ["off"]),
        ("passkey ", ["reset"]), ("pause ", ["family", "friends", "two.bin"]),
        ("cancel family ", ["two.bin"]),
    ])
    func `each argument is offered what fits it`(line: String, offered: [String]) {
        #expect(words(line) == offered)
    }

    @Test func `every command is offered at the beginning`() {
        #expect(words("").count == CommandTable.names.count)
    }

    @Test func `paths are those of the folder, folders end in a slash, hidden files hide`() throws {
        for name in ["a file", "b", ".hidden"] {
            try "x".write(
                toFile: "\(scratch.path)/\(name)", atomically: true, encoding: .utf8)
        }
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/sub", withIntermediateDirectories: false)
        let all = Completion.candidates(for: "upload_file \(scratch.path)/", seen: seen)
        #expect(
            all == [
                Completion(word: scratch.path + "/a file", isFinal: true),
                Completion(word: scratch.path + "/b", isFinal: true),
                Completion(word: scratch.path + "/sub/", isFinal: false),
            ])
        #expect(words("upload_file \(scratch.path)/.") == [scratch.path + "/.hidden"])
        #expect(words("remove --data \(scratch.path)/a\\ f") == [scratch.path + "/a file"])
        #expect(words("upload_file /nonexistent/") == [])
    }

    @Test func `what all candidates begin with is typed for the user`() {
        func common(_ words: [String]) -> String {
            Completion.commonPrefix(of: words.map { Completion(word: $0, isFinal: true) })
        }
        #expect(common(["list_files", "list_groups"]) == "list_")
        #expect(common(["one"]) == "one")
        #expect(common(["üa", "üb"]) == "ü")
        #expect(common(["a", "b"]) == "")
        #expect(common([]) == "")
    }
}
