/// One option of a program.
package struct Option: Sendable {
    /// The long name without dashes, such as `data-dir`. The environment variable is
    /// `MTORRENT_DATA_DIR`, the key in a config file `data-dir`.
    package let long: String
    package let short: Character?
    /// What the help calls the value, such as `DIR`; nil for a flag, which is on or off.
    package let value: String?
    package let help: String
    /// Given several times, all values count; otherwise the last one does.
    package let repeatable: Bool

    package init(
        long: String, short: Character? = nil, value: String? = nil, help: String,
        repeatable: Bool = false
    ) {
        self.long = long
        self.short = short
        self.value = value
        self.help = help
        self.repeatable = repeatable
    }

    var environmentName: String {
        "MTORRENT_"
            + String(long.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}

/// What is wrong with the command line, the environment or the config file. The message names
/// where the option came from, and the remedy.
package struct OptionError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}

/// Where a value came from; said in errors.
enum OptionSource: Sendable {
    /// The option as it was written: `--port` or `-p`.
    case commandLine(spelling: String)
    case environment(name: String)
    case file(path: String, line: Int, key: String)

    var name: String {
        switch self {
        case .commandLine(let spelling): spelling
        case .environment(let name): name
        case .file(let path, let line, let key): "\(path):\(line): \(key)"
        }
    }
}
