extension Shell {
    static func exit(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        shell.exit()
    }

    static func help(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        if let name = arguments.optional(0) {
            guard let command = CommandTable.find(name) else { throw unknown(name) }
            shell.explain(command)
            return
        }
        var columns = Columns([("", .left), ("", .left)])
        for command in CommandTable.all { columns.append([command.usage, command.summary]) }
        shell.output.columns(columns)
    }

    private func explain(_ command: Command) {
        output.line("usage: \(command.usage)")
        output.line(command.summary)
        if !command.aliases.isEmpty {
            output.line("also: \(command.aliases.joined(separator: ", "))")
        }
        if command.takesPassword {
            output.line("On a terminal the password may be left out: it is asked for then.")
        }
    }
}
