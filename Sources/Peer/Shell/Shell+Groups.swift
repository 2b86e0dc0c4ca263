import Glibc
import Wire

extension Shell {
    static func createGroup(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let kind = arguments.optional(1).map(GroupKind.init(rawValue:)) ?? .sealed
        guard let kind else {
            throw CommandTable.find("create_group")?.usageError
                ?? CommandError("no such kind of group", .usage)
        }
        try shell.service.createGroup(arguments[0], kind: kind)
        shell.seen.groups.insert(arguments[0])
        shell.output.line("group \(terminalSafe(arguments[0])) created; you own it")
    }

    static func joinGroup(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        try shell.service.joinGroup(arguments[0])
        shell.seen.groups.insert(arguments[0])
        shell.output.line("asked to join \(terminalSafe(arguments[0])); its owner decides")
    }

    static func leaveGroup(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let outcome = try shell.service.leaveGroup(arguments[0])
        var text = "left \(terminalSafe(arguments[0]))"
        if outcome.groupDeleted {
            text += "; you were its last member, so it is deleted"
        } else if let owner = outcome.newOwner {
            text += "; \(terminalSafe(owner)) owns it now"
        }
        shell.output.line(text)
    }

    static func listRequests(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let requests = try shell.service.listRequests(group: arguments[0])
        var columns = Columns([("USER", .left), ("ASKED", .left)])
        for request in requests {
            shell.seen.users.insert(request.userID)
            columns.append([terminalSafe(request.userID), date(request.requestedAt)])
        }
        shell.print(columns, orIfEmpty: "nobody asks to join \(terminalSafe(arguments[0]))")
    }

    static func acceptRequest(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        try shell.service.acceptRequest(group: arguments[0], user: arguments[1])
        let (group, user) = (terminalSafe(arguments[0]), terminalSafe(arguments[1]))
        shell.output.line("\(user) is a member of \(group) now")
    }

    static func rejectRequest(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        try shell.service.rejectRequest(group: arguments[0], user: arguments[1])
        let (group, user) = (terminalSafe(arguments[0]), terminalSafe(arguments[1]))
        shell.output.line("refused to let \(user) join \(group)")
    }

    static func removeMember(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        try shell.service.removeMember(group: arguments[0], user: arguments[1])
        let (group, user) = (terminalSafe(arguments[0]), terminalSafe(arguments[1]))
        shell.output.line("\(user) is no longer a member of \(group)")
    }

    static func listGroups(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let groups = try shell.service.listGroups()
        shell.seen.groups = Set(groups.map(\.groupID))
        let user = shell.service.currentUser()
        var columns = Columns([
            ("GROUP", .left), ("OWNER", .left), ("KIND", .left), ("MEMBERS", .right),
            ("YOU", .left),
        ])
        for group in groups {
            let role =
                group.owner == user && group.isMember
                ? "owner" : group.isMember ? "member" : group.isPending ? "asked" : "-"
            columns.append([
                terminalSafe(group.groupID), terminalSafe(group.owner), group.kind.rawValue,
                "\(group.members)", role,
            ])
        }
        shell.print(columns, orIfEmpty: "no groups yet: create_group makes one")
    }

    /// Prints a table; a person is told when it has no rows, a program sees no lines.
    func print(_ columns: Columns, orIfEmpty remark: String) {
        if !columns.isEmpty {
            output.columns(columns)
        } else if output.isTerminal {
            output.line(remark)
        }
    }

    /// Seconds since 1970 as `2026-03-01T12:34:56Z` (RFC 3339).
    static func date(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
