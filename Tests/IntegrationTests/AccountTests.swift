import Foundation
import Testing

/// Accounts, and what the shell refuses before it asks anybody.
@Suite(.inTurn) struct AccountTests {
    @Test func `nothing of groups works before login, and the remedy is named`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("alice")
        for command in [
            "logout", "create_group g", "create_group g open", "join_group g", "leave_group g",
            "leaves_group g", "list_requests g", "accept_request g u", "reject_request g u",
            "remove_member g u", "list_groups", "list_files g", "upload_file /etc/hostname g",
            "download_file g f \(network.scratch("f"))", "stop_share g f", "file_info g f",
            "export g f \(network.scratch("f.torrent"))",
        ] {
            let refusal = try await peer.refusal(of: command)
            #expect(refusal.lowercased().contains("log"), "\(command): \(refusal)")
        }
        for command in ["show_downloads", "wait", "help"] { try await peer(command) }
    }

    @Test(arguments: [
        ("create_user alice", "create_user <user_id> <password>"),
        ("create_user", "create_user <user_id> <password>"),
        ("create_user a b c", "create_user <user_id> <password>"),
        ("login alice", "login <user_id> <password>"),
        ("logout now", "logout"),
        ("create_group", "create_group <group_id> [open|sealed]"),
        ("create_group g closed", "create_group <group_id> [open|sealed]"),
        ("join_group", "join_group <group_id>"),
        ("leave_group", "leave_group <group_id>"),
        ("leaves_group a b", "leave_group <group_id>"),
        ("list_requests", "list_requests <group_id>"),
        ("accept_request g", "accept_request <group_id> <user_id>"),
        ("reject_request g", "reject_request <group_id> <user_id>"),
        ("remove_member g", "remove_member <group_id> <user_id>"),
        ("list_groups all", "list_groups"),
        ("list_files", "list_files <group_id>"),
        ("upload_file /etc/hostname", "upload_file <file_path> <group_id>"),
        (
            "download_file g f",
            "download_file <group_id> <file_name> <destination_path> [--only PATTERN]..."
                + " [--sequential]"
        ),
        ("stop_share g", "stop_share <group_id> <file_name>"),
        ("share f", "share <file_path> <mtorrent_path>"),
        ("get f", "get <mtorrent_file | magnet-URI> <save_path> [--sequential]"),
        ("file_info g", "file_info <group_id> <file_name>"),
        ("export g f", "export <group_id> <file_name> <torrent_path>"),
    ])
    func `wrong usage names the right one`(line: String, usage: String) async throws {
        let scratch = try Scratch()
        let finished = try await PeerProcess.run(
            script: [line], tracker: "127.0.0.1:9", dataFolder: scratch.path)
        #expect(finished.errors == ["error: usage: \(usage)"])
        #expect(finished.output.isEmpty)
        #expect(finished.code == 28)
    }

    @Test func `remove, wait, show_downloads and help have usages too`() async throws {
        let scratch = try Scratch()
        let peer = try await PeerProcess(tracker: "127.0.0.1:9", dataFolder: scratch.path)
        for line in ["remove", "remove --all x", "wait a b", "help a b", "exit now"] {
            let name = line.prefix { $0 != " " }
            let refusal = try await peer.refusal(of: line)
            #expect(refusal.hasPrefix("usage: \(name)"), "\(line): \(refusal)")
        }
        #expect(try await peer.refusal(of: "lgoin alice x").contains("login"))
        #expect(try await peer.refusal(of: "help lgoin").contains("login"))
        #expect(try await peer.refusal(of: "create_group 'x").contains("'"))
        #expect(try await peer.refusal(of: "wait never.bin").contains("never.bin"))
    }

    @Test func `help lists every command and explains each`() async throws {
        let scratch = try Scratch()
        func answer(_ command: String) async throws -> [String] {
            let finished = try await PeerProcess.run(
                script: [command], tracker: "127.0.0.1:9", dataFolder: scratch.path)
            #expect(finished.code == 0 && finished.errors.isEmpty)
            return finished.output
        }
        let list = try await answer("help")
        for command in [
            "create_user", "login", "logout", "create_group", "join_group", "leave_group",
            "list_requests", "accept_request", "reject_request", "remove_member", "list_groups",
            "list_files", "upload_file", "download_file", "show_downloads", "stop_share", "share",
            "get", "remove", "exit", "file_info", "export", "help", "wait",
        ] {
            #expect(list.contains { $0.hasPrefix(command) }, "\(command)")
            let first = try await answer("help \(command)").first
            #expect(first?.hasPrefix("usage: \(command)") == true)
        }
        #expect(try await answer("help leaves_group").first == "usage: leave_group <group_id>")
        #expect(try await answer("help quit").first == "usage: exit")
    }

    @Test func `an account is there once, and its password is asked for`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("alice")
        try await peer("create_user alice 'two words'")
        #expect(try await peer.refusal(of: "create_user alice other").contains("alice"))
        let wrong = try await peer.refusal(of: "login alice other")
        let unknown = try await peer.refusal(of: "login nobody other")
        // Nobody can find out by them who has an account.
        #expect(wrong.replacing("alice", with: "*") == unknown.replacing("nobody", with: "*"))
        try await peer("login alice 'two words'")
        try await peer("list_groups")
        try await peer("logout")
        #expect(try await peer.refusal(of: "list_groups").lowercased().contains("log"))
        try await peer("login alice 'two words'")
    }

    @Test func `ids are letters, digits, dots, underscores and hyphens`() async throws {
        let network = try await Network()
        let peer = try await network.visitor("alice")
        for id in ["''", "'a b'", "a/b", "ä", String(repeating: "a", count: 65)] {
            #expect(try await peer.answer("create_user \(id) secret").error != nil, "\(id)")
        }
        #expect(try await peer.answer("create_user alice ''").error != nil)
        let longest = "A.b_c-9" + String(repeating: "a", count: 57)
        try await peer("create_user \(longest) secret")
        try await peer("login \(longest) secret")
        for id in ["''", "'a b'", "a/b", "..", String(repeating: "a", count: 65)] where id != ".." {
            #expect(try await peer.answer("create_group \(id)").error != nil, "\(id)")
        }
        try await peer("create_group \(longest)")
        #expect(try await peer("list_groups").first?.hasPrefix("\(longest)\t") == true)
    }
}
