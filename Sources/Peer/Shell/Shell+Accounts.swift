import Wire

extension Shell {
    static func createUser(
        _ shell: Shell, _ arguments: CommandArguments
    ) throws(CommandError) {
        let user = arguments[0]
        let password: String
        if let given = arguments.optional(1) {
            password = given
        } else {
            password = try shell.askPassword("Password for \(terminalSafe(user)): ")
            guard try shell.askPassword("Again: ") == password else {
                throw CommandError("the two passwords differ: nothing was created", .usage)
            }
        }
        try shell.service.createUser(user, password: password)
        shell.seen.users.insert(user)
        shell.output.line("user \(terminalSafe(user)) created")
    }

    static func logIn(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let user = arguments[0]
        let password =
            if let given = arguments.optional(1) {
                given
            } else {
                try shell.askPassword("Password for \(terminalSafe(user)): ")
            }
        let summary = try shell.service.logIn(user, password: password)
        shell.seen.users.insert(user)
        var text = "logged in as \(terminalSafe(summary.userID))"
        if summary.sharesRestored > 0 {
            text += ", \(counted(summary.sharesRestored, "file")) shared again"
        }
        if summary.downloadsResumed > 0 {
            text += ", \(counted(summary.downloadsResumed, "download")) resumed"
        }
        if summary.downloadsPaused > 0 {
            text += ", \(counted(summary.downloadsPaused, "download")) paused"
        }
        shell.output.line(text)
        for problem in summary.problems { shell.output.warning(terminalSafe(problem)) }
    }

    static func logOut(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        try shell.service.logOut()
        shell.output.line("logged out")
    }

    static func passkey(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        guard let word = arguments.optional(0) else {
            return shell.output.line(terminalSafe(try shell.service.passkey()))
        }
        guard word == "reset" else {
            throw CommandTable.find("passkey")?.usageError
                ?? CommandError("'\(word)' can't be done to a passkey", .usage)
        }
        shell.output.line(terminalSafe(try shell.service.resetPasskey()))
        if shell.output.isTerminal {
            shell.output.line(
                "the old one is void, and so is each .torrent with it: export them again")
        }
    }

    static func counted(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }
}
