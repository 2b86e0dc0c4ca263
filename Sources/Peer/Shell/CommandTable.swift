/// The commands of the shell, in the order `help` lists them.
enum CommandTable {
    static let all = accounts + groups + groupFiles + downloads + plainFiles + program

    /// Every name and alias.
    static let names = all.flatMap { [$0.name] + $0.aliases }

    private static let byName: [String: Command] = {
        var table: [String: Command] = [:]
        for command in all {
            for name in [command.name] + command.aliases { table[name] = command }
        }
        return table
    }()

    static func find(_ name: String) -> Command? { byName[name] }

    private static let accounts = [
        Command(
            "create_user", [.init("user_id", .user), .init("password", .password)],
            "create an account", run: Shell.createUser),
        Command(
            "login", [.init("user_id", .user), .init("password", .password)],
            "log in, and share again what was shared before", run: Shell.logIn),
        Command("logout", [], "stop sharing, remember what was shared, log out", run: Shell.logOut),
        Command(
            "passkey", [.init("reset", .reset, isOptional: true)],
            "show your passkey, the secret in exported .torrent files, or replace it",
            run: Shell.passkey),
    ]

    private static let groups = [
        Command(
            "create_group",
            [.init("group_id", .group), .init("open|sealed", .groupKind, isOptional: true)],
            "create a group and own it; an open one is for ordinary clients too",
            run: Shell.createGroup),
        Command(
            "join_group", [.init("group_id", .group)], "ask to join; the owner decides",
            run: Shell.joinGroup),
        Command(
            "leave_group", aliases: ["leaves_group"], [.init("group_id", .group)],
            "leave; an owner hands the group on, the last member's leaving deletes it",
            run: Shell.leaveGroup),
        Command(
            "list_requests", [.init("group_id", .group)],
            "who asks to join (owner only)", run: Shell.listRequests),
        Command(
            "accept_request", [.init("group_id", .group), .init("user_id", .user)],
            "let a user join (owner only)", run: Shell.acceptRequest),
        Command(
            "reject_request", [.init("group_id", .group), .init("user_id", .user)],
            "refuse a user (owner only)", run: Shell.rejectRequest),
        Command(
            "remove_member", [.init("group_id", .group), .init("user_id", .user)],
            "take a member out of the group (owner only)", run: Shell.removeMember),
        Command("list_groups", [], "all groups of the network", run: Shell.listGroups),
    ]

    private static let groupFiles = [
        Command(
            "list_files", [.init("group_id", .group)],
            "the files and directories of a group: size, sharers online/all", run: Shell.listFiles),
        Command(
            "upload_file", [.init("file_path", .path), .init("group_id", .group)],
            "hash a file or a whole directory and share it with a group", run: Shell.uploadFile),
        Command(
            "download_file",
            [
                .init("group_id", .group), .init("file_name", .file),
                .init("destination_path", .path),
            ],
            flags: ["--sequential"], options: [.init(name: "--only", value: "PATTERN")],
            "download a group's file or directory in the background, and share it; of a directory"
                + " only what a PATTERN matches", run: Shell.downloadFile),
        Command(
            "stop_share", [.init("group_id", .group), .init("file_name", .file)],
            "stop sharing a file", run: Shell.stopShare),
        Command(
            "file_info", [.init("group_id", .group), .init("file_name", .file)],
            "size, hashes, pieces, who holds how many of them; the files of a directory",
            run: Shell.fileInfo),
        Command(
            "export",
            [
                .init("group_id", .group), .init("file_name", .file),
                .init("torrent_path", .path),
            ],
            "write a .torrent with your own passkey, for other BitTorrent clients",
            run: Shell.export),
    ]

    private static let downloads = [
        Command(
            "show_downloads", [],
            "downloads: [D] going on, [Q] queued, [P] paused, [C] complete, [F] failed",
            run: Shell.showDownloads),
        Command(
            "wait", [.init("file_name", .download, isOptional: true)],
            "wait until downloads end, paused ones apart; fails where one of them failed",
            run: Shell.wait),
        Command(
            "pause", oneDownload, "stop a download for now; it keeps what it has",
            run: Shell.pause),
        Command(
            "resume", oneDownload, "let a paused download go on, behind those that wait",
            run: Shell.resume),
        Command(
            "cancel", oneDownload, "end a download and delete its unfinished file",
            run: Shell.cancel),
        Command(
            "limit",
            [
                .init("up|down", .direction, isOptional: true),
                .init("rate|off", .rate, isOptional: true),
            ],
            "show or set what all peers together may take: 500K, 1.5M, 1G a second",
            run: Shell.limit),
    ]

    private static let oneDownload: [Command.Argument] = [
        .init("group_id", .downloadOrGroup, isOptional: true), .init("file_name", .download),
    ]

    private static let plainFiles = [
        Command(
            "share", [.init("file_path", .path), .init("mtorrent_path", .path)],
            "share a file without a group: writes its .mtorrent file, prints its magnet link",
            run: Shell.share),
        Command(
            "get", [.init("mtorrent_file | magnet-URI", .path), .init("save_path", .path)],
            flags: ["--sequential"],
            "download what a .mtorrent file or a magnet link describes", run: Shell.get),
        Command(
            "remove", [.init("mtorrent_file | magnet-URI", .path)], flags: ["--data"],
            "stop sharing it and delete the .mtorrent file (with --data, the file too)",
            run: Shell.remove),
    ]

    private static let program = [
        Command(
            "help", [.init("command", .command, isOptional: true)],
            "list the commands, or explain one", run: Shell.help),
        Command("exit", aliases: ["quit"], [], "stop gracefully", run: Shell.exit),
    ]
}
