import Options
import Wire

/// Pausing and limiting what goes on.
extension Shell {
    static func pause(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (group, name) = oneDownload(arguments)
        let status = try shell.service.pause(group: group, name: name)
        let percent = Quantity.percent(status.verified, of: status.size)
        shell.output.line("paused \(terminalSafe(status.name)) at \(percent)%")
    }

    static func resume(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (group, name) = oneDownload(arguments)
        let status = try shell.service.resume(group: group, name: name)
        shell.announceStart(of: status)
    }

    static func cancel(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        let (group, name) = oneDownload(arguments)
        let status = try shell.service.cancel(group: group, name: name)
        shell.seen.downloads.remove(status.name)
        shell.output.line(
            "cancelled \(terminalSafe(status.name)); what there was of it is deleted")
    }

    /// `[group_id] <file_name>`.
    private static func oneDownload(
        _ arguments: CommandArguments
    ) -> (group: String?, name: String) {
        arguments.optional(1).map { (arguments[0], $0) } ?? (nil, arguments[0])
    }

    static func limit(_ shell: Shell, _ arguments: CommandArguments) throws(CommandError) {
        guard let word = arguments.optional(0) else {
            for direction in Direction.allCases { shell.showLimit(direction) }
            return
        }
        guard let direction = Direction(rawValue: word) else {
            throw CommandError("'\(word)' is no direction: up or down", .usage)
        }
        if let text = arguments.optional(1) {
            let rate: ByteRate?
            do {
                rate = try ByteRate.limit(parsing: text)
            } catch {
                throw CommandError("'\(text)' is not right: \(error.message)", .usage)
            }
            shell.service.setLimit(direction, rate?.bytesPerSecond)
        }
        shell.showLimit(direction)
    }

    /// `up off`, `down 10.0 MiB/s`.
    private func showLimit(_ direction: Direction) {
        let limit = service.limits()[direction].map { Quantity.rate(Double($0)) } ?? "off"
        output.line("\(direction.rawValue) \(limit)")
    }
}
